import type { Validation, ValidationRow, ValidationSummary } from '../../planner/validation.ts';
import { renderTable } from './table.ts';
import type { Terminal } from './terminal.ts';

const UNITS: Readonly<Record<ValidationRow['measure'], string>> = {
  iteration_s: 's',
  tflops_per_gpu: 'TFLOP/s',
  tokens_per_s_per_gpu: 'tokens/s',
  peak_memory_GiB: 'GiB',
};

/** Every measurement against its prediction, then the errors in all, by source and by measure. */
export function renderValidation({ rows, summary, bySource, byMeasure }: Validation, terminal: Terminal): string {
  const runs = renderTable<ValidationRow>(
    [
      { header: 'RUN', isFlexible: true, text: ({ name }) => name },
      { header: 'MEASURED', align: 'right', text: ({ measured, measure }) => `${figure(measured)} ${UNITS[measure]}` },
      { header: 'PREDICTED', align: 'right', text: ({ predicted }) => figure(predicted) },
      { header: '80 % INTERVAL', align: 'right', text: ({ low, high }) => `${figure(low)} to ${figure(high)}` },
      {
        header: 'ERROR',
        align: 'right',
        text: ({ errorPercent }) => `${errorPercent < 0 ? '' : '+'}${errorPercent.toFixed(1)} %`,
        format: ({ measured, low, high }) => (low <= measured && measured <= high ? null : 'yellow'),
      },
    ],
    rows,
    terminal,
  );
  const summaries: [string, ValidationSummary][] = [
    ['all', summary],
    ...Object.entries(byMeasure),
    ...Object.entries(bySource),
  ];
  const errors = renderTable<[string, ValidationSummary]>(
    [
      { header: 'ABSOLUTE ERROR', isFlexible: true, text: ([name]) => name },
      { header: 'ROWS', align: 'right', text: ([, { rows: count }]) => String(count) },
      { header: 'MEAN', align: 'right', text: ([, { mape }]) => percent(mape) },
      { header: 'MEDIAN', align: 'right', text: ([, { medianApe }]) => percent(medianApe) },
      { header: 'MAX', align: 'right', text: ([, { maxApe }]) => percent(maxApe) },
      { header: 'BIAS', align: 'right', text: ([, { biasPercent }]) => percent(biasPercent) },
      { header: 'IN INTERVAL', align: 'right', text: ([, { intervalCoverage }]) => percent(100 * intervalCoverage) },
      { header: 'PAIRS IN ORDER', align: 'right', text: ([, { pairwiseOrderAccuracy: share }]) => percent(share, 100) },
      { header: 'REGRET', align: 'right', text: ([, { regretPercent }]) => percent(regretPercent) },
    ],
    summaries,
    terminal,
  );
  return `${runs}\n\n${errors}`;
}

function percent(value: number | null, factor = 1): string {
  return value === null ? '-' : `${(value * factor).toFixed(1)} %`;
}

/** Four digits, without an exponent. */
function figure(value: number): string {
  return Number(value.toPrecision(4)).toLocaleString('en', { maximumSignificantDigits: 4, useGrouping: false });
}
