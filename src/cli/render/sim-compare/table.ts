import { MEASURE_TOPICS, type MeasureTopic } from '../../../twin/compared-measures.ts';
import type { ComparedMeasure, ScenarioComparison } from '../../sim/scenario-comparison.ts';
import { html, type Markup, NOTHING, table } from '../page-markup.ts';
import { type Lettered, letterSwatch } from './scenarios.ts';
import { script, section } from '../sim-page/section.ts';
import { clearWords, sayChange, sayInterval, sayMeasure } from '../sim-sentences.ts';
import { whole } from '../sim-words.ts';

const TOPICS: Readonly<Record<MeasureTopic, string>> = {
  waits: 'Waits',
  use: 'Use of the cluster',
  training: 'ETTR',
  failures: 'Failures',
  preemption: 'Preemption',
  ends: 'How attempts ended',
  other: 'Jobs and energy',
};

/** Every measure of every variant, to be searched. `search`: text of page-scripts/measure-search.js. */
export function measuresSection(comparison: ScenarioComparison, variants: readonly Lettered[], search: string): Markup {
  const tables = variants.map(
    (variant) =>
      html`<details open=""><summary>${letterSwatch(variant)} ${variant.title}</summary>${measureTable(variant)}</details>`,
  );
  return section(
    'measures',
    'predicted',
    'All measures',
    html`<p class="search screen" id="measure-search" hidden=""><label>Search <input type="search" placeholder="wait, 256, ETTR"/></label><label><input type="checkbox"/> clear differences only</label><span class="lesser" aria-live="polite"></span></p>
<p>${`${comparison.isDrawn ? 'Means over the seeds. ' : ''}Clear is ${clearWords(comparison, variants[0]?.measures.length ?? 0)}.`}</p>${tables}${script(search)}`,
  );
}

function measureTable({ title, measures }: Lettered): Markup {
  const rows = MEASURE_TOPICS.map((topic) => {
    const own = measures.filter((measure) => measure.topic === topic);
    if (own.length === 0) return NOTHING;
    return html`<tr class="topic"><th scope="rowgroup" colspan="6">${TOPICS[topic]}</th></tr>${own.map(measureRow)}`;
  });
  return table(
    `Measures of ${title}`,
    [`${whole(measures.length)} measures`, 'base', 'variant', 'change', '95 % interval', 'clear?'],
    rows,
  );
}

function measureRow({ subject, base, variant, difference, interval, unit, isClear }: ComparedMeasure): Markup {
  const range = interval === null ? '-' : sayInterval(interval, unit);
  return html`<tr><th scope="row" class="measure">${subject.replace(/^the /, '')}</th><td>${sayMeasure(base, unit)}</td><td>${sayMeasure(variant, unit)}</td><td>${sayChange(difference, unit)}</td><td class="range">${range}</td><td class="clear">${isClear ? 'yes' : ''}</td></tr>`;
}
