import type { FitRow } from '../../twin/workload-fit.ts';
import type { WorkloadFit } from '../sim/workload-fits.ts';
import { digits, percent } from './sim-words.ts';
import { type Column, renderTable } from './table.ts';
import type { Terminal } from './terminal.ts';

const RELATIONS = { about: '', above: '> ', below: '< ' } as const satisfies Record<FitRow['relation'], string>;

const COLUMNS: readonly Column<FitRow>[] = [
  { header: 'FIGURE', text: ({ figure }) => figure },
  {
    header: 'PUBLISHED',
    align: 'right',
    text: ({ published, relation, unit }) => `${RELATIONS[relation]}${figureText(published, unit)}`,
  },
  { header: 'DRAWN', align: 'right', text: ({ generated, unit }) => figureText(generated, unit) },
  {
    header: '',
    text: ({ isWithin }) => (isWithin ? 'ok' : 'off'),
    format: ({ isWithin }) => (isWithin ? null : 'red'),
  },
  { header: 'SOURCE', isFlexible: true, text: ({ source }) => source },
];

/** Each workload with its figures beside what is published. */
export function renderWorkloadFits(workloads: readonly WorkloadFit[], terminal: Terminal): string {
  return workloads
    .map(({ name, title, days, fit }) =>
      [`${name}: ${title}; ${digits(days)} days drawn`, '', renderTable(COLUMNS, fit, terminal)].join('\n'),
    )
    .join('\n\n');
}

function figureText(value: number, unit: FitRow['unit']): string {
  return unit === 'share' ? percent(value) : digits(value);
}
