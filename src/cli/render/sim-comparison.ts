import type { ComparedMeasure, ComparedVariant, ScenarioComparison } from '../sim/scenario-comparison.ts';
import { clearWords, noNewsWords, sayChange, sayInterval, sayMeasure } from './sim-sentences.ts';
import { type Column, renderTable } from './table.ts';
import { oneLine, type Terminal } from './terminal.ts';
import { unlikeTimes } from './unlike-times.ts';

/** Beyond these a reader goes to the table. */
const SENTENCES_MAX = 6;

/** What each variant changes: in sentences what is more than chance, in a table all of it. */
export function renderSimComparison(comparison: ScenarioComparison, terminal: Terminal): string {
  const { base, seeds, variants, isDrawn } = comparison;
  const ofSeeds = seeds.length === 1 ? `seed ${seeds[0]}` : `${seeds.length} seeds, ${seeds[0]} to ${seeds.at(-1)}`;
  const runs = isDrawn ? ofSeeds : 'one run each, since nothing in them is drawn: what differs is exact for these jobs';
  const head = `base: ${oneLine(base.title)}; ${runs}`;
  return [head, ...variants.map((variant) => renderVariant(comparison, variant, terminal))].join('\n\n');
}

function renderVariant(comparison: ScenarioComparison, variant: ComparedVariant, terminal: Terminal): string {
  const { title, sentences, measures } = variant;
  const shown = sentences.slice(0, SENTENCES_MAX).map((sentence) => `  - ${oneLine(sentence)}`);
  if (shown.length === 0) shown.push(`  - ${noNewsWords(comparison, measures)}`);
  if (sentences.length > SENTENCES_MAX) shown.push(`  - and ${sentences.length - SENTENCES_MAX} more: see the table`);
  const columns: Column<ComparedMeasure>[] = [
    { header: 'MEASURE', isFlexible: true, isWrapped: true, text: ({ subject }) => subject.replace(/^the /, '') },
    { header: 'BASE', align: 'right', text: ({ base, unit }) => sayMeasure(base, unit) },
    { header: 'VARIANT', align: 'right', text: ({ variant: value, unit }) => sayMeasure(value, unit) },
    { header: 'CHANGE', align: 'right', text: ({ difference, unit }) => sayChange(difference, unit) },
  ];
  if (comparison.isDrawn) {
    columns.push(
      {
        header: '95 % INTERVAL',
        align: 'right',
        isSecondary: true,
        text: ({ interval, unit }) => (interval === null ? '-' : sayInterval(interval, unit)),
      },
      { header: '', text: ({ isClear }) => (isClear ? '*' : '') },
    );
  }
  const differing = measures.filter(
    ({ base, variant: value, unit }) => sayMeasure(base, unit) !== sayMeasure(value, unit),
  );
  const unlike = unlikeTimes(comparison.base.inputs, variant.inputs);
  const blocks = [terminal.paint('bold', oneLine(title)), ...(unlike === null ? [] : [`  ${unlike}`]), ...shown];
  if (differing.length > 0) blocks.push('', renderTable(columns, differing, terminal));
  if (comparison.isDrawn && differing.some(({ isClear }) => isClear)) {
    blocks.push(`* ${clearWords(comparison, measures.length)}`);
  }
  return blocks.join('\n');
}
