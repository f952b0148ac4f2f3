import type { TwinReport } from '../../twin/report.ts';
import type { SimulationResult } from '../sim/simulate.ts';
import { deviceWord, type Fact, givenFacts, leftOver, predictedFacts } from './sim-facts.ts';
import { daysText, digits, percent, shortTime, whole } from './sim-words.ts';
import { type Column, renderTable } from './table.ts';
import { oneLine, type Terminal } from './terminal.ts';

const NONE = '-';
const LOSSES_MAX = 8;
/** A shorter run is told in hours, minutes or seconds. */
const DAY_MS = 86_400_000;

/** A run for the terminal: what was given, then what followed from it. */
export function renderSimulation(result: SimulationResult, terminal: Terminal): string {
  const { report, summary } = result;
  const days = summary.endMs / DAY_MS;
  const span = days < 1 && !summary.isInterrupted ? shortTime(summary.endMs / 1000) : daysText(days);
  const begin = summary.isInterrupted ? `interrupted at day ${digits(days)}: ` : '';
  const blocks = [
    [terminal.paint('bold', 'GIVEN'), ...lines(givenFacts(result))].join('\n'),
    [terminal.paint('bold', `PREDICTED (${begin}${span})`), ...lines(predictedFacts(report))].join('\n'),
    recordedTable(result, terminal),
    waitTable(report, terminal),
    stateTable(report, terminal),
    ettrTable(report, terminal),
    failureTable(report, terminal),
    lossTable(report, terminal),
  ];
  return blocks.filter((block) => block !== '').join('\n\n');
}

function lines(facts: readonly Fact[]): string[] {
  const width = Math.max(...facts.map(([name]) => name.length));
  return facts.map(([name, value]) => `  ${name.padEnd(width)}  ${oneLine(value)}`);
}

/** Beside the cluster that the jobs were recorded on: how far to trust the rest. */
function recordedTable({ recorded }: SimulationResult, terminal: Terminal): string {
  if (recorded === null) return '';
  const { byPartition, byQos } = recorded;
  const rows = [
    { label: 'all', ...recorded },
    ...(byPartition.length > 1 ? byPartition.map((one) => ({ label: `partition ${one.name}`, ...one })) : []),
    ...(byQos.length > 1 ? byQos.map((one) => ({ label: `QOS ${one.name}`, ...one })) : []),
  ];
  const columns: Column<(typeof rows)[number]>[] = [
    { header: 'MEAN WAIT', text: ({ label }) => label },
    { header: 'JOBS', align: 'right', text: ({ jobs }) => whole(jobs) },
    { header: 'AS RECORDED', align: 'right', text: ({ recordedMeanSeconds }) => shortTime(recordedMeanSeconds) },
    { header: 'HERE', align: 'right', text: ({ meanSeconds }) => shortTime(meanSeconds) },
    {
      header: 'DIFFERENCE',
      align: 'right',
      text: ({ difference }) => (difference === null ? NONE : `${difference > 0 ? '+' : ''}${percent(difference)}`),
    },
  ];
  return table(columns, rows, terminal);
}

function waitTable(report: TwinReport, terminal: Terminal): string {
  const rows = report.predictions.waits.bySize;
  type Row = (typeof rows)[number];
  const wait = (header: string, of: (wait: NonNullable<Row['waitSeconds']>) => number): Column<Row> => ({
    header,
    align: 'right',
    text: ({ waitSeconds }) => (waitSeconds === null ? NONE : shortTime(of(waitSeconds))),
  });
  const columns: Column<Row>[] = [
    { header: `${deviceWord(report)}s`, align: 'right', text: ({ size }) => size.label },
    { header: 'JOBS', align: 'right', text: ({ waitSeconds }) => whole(waitSeconds?.count ?? 0) },
    wait('WAIT MEDIAN', ({ median }) => median),
    wait('MEAN', ({ mean }) => mean),
    wait('P90', ({ p90 }) => p90),
    wait('P99', ({ p99 }) => p99),
    {
      header: 'SLOWDOWN',
      align: 'right',
      text: ({ boundedSlowdown }) => (boundedSlowdown === null ? NONE : digits(boundedSlowdown.mean)),
    },
  ];
  if (leftOver(report) !== null) {
    columns.push({ header: 'NOT STARTED', align: 'right', text: ({ notStarted }) => whole(notStarted?.count ?? 0) });
  }
  return table(columns, rows, terminal);
}

function stateTable(report: TwinReport, terminal: Terminal): string {
  const rows = report.predictions.attemptStates.filter(({ attempts }) => attempts > 0);
  const isPublished = report.inputs.incidents.count > 0;
  const columns: Column<(typeof rows)[number]>[] = [
    { header: 'ATTEMPTS END', text: ({ state }) => state },
    { header: 'NUMBER', align: 'right', text: ({ attempts }) => whole(attempts) },
    { header: 'SHARE', align: 'right', text: ({ share }) => percent(share) },
    { header: `${deviceWord(report)} TIME`, align: 'right', text: ({ deviceTimeShare }) => percent(deviceTimeShare) },
  ];
  if (isPublished) {
    columns.push({
      header: 'RSC-1 PUBLISHED',
      align: 'right',
      text: ({ publishedShare }) => (publishedShare === null ? NONE : percent(publishedShare)),
    });
  }
  return table(columns, rows, terminal);
}

function ettrTable(report: TwinReport, terminal: Terminal): string {
  const rows = report.predictions.ettr.bySize;
  if (!rows.some(({ formula }) => formula !== null)) return '';
  const columns: Column<(typeof rows)[number]>[] = [
    { header: `${deviceWord(report)}s`, align: 'right', text: ({ size }) => size.label },
    { header: 'LONG JOBS', align: 'right', text: ({ jobs }) => whole(jobs) },
    { header: 'ETTR', align: 'right', text: ({ ettr }) => ettr.toFixed(3) },
    { header: 'ONCE STARTED', align: 'right', text: ({ ettrOnceStarted }) => ettrOnceStarted.toFixed(3) },
    {
      header: 'WITH CHECKPOINTS',
      align: 'right',
      text: ({ formula }) => (formula === null ? NONE : formula.measured.toFixed(3)),
    },
    {
      header: 'BY FORMULA',
      align: 'right',
      text: ({ formula }) => (formula === null ? NONE : formula.ettr.toFixed(3)),
    },
    {
      header: 'AT RATE SEEN',
      align: 'right',
      text: ({ formula }) => formula?.ettrAtRateOfLarge?.toFixed(3) ?? NONE,
    },
  ];
  return table(columns, rows, terminal);
}

function failureTable(report: TwinReport, terminal: Terminal): string {
  const rows = report.predictions.failures.bySize.filter(({ failures }) => failures > 0);
  const columns: Column<(typeof rows)[number]>[] = [
    { header: `${deviceWord(report)}s`, align: 'right', text: ({ size }) => size.label },
    { header: 'FAILURES', align: 'right', text: ({ failures }) => whole(failures) },
    { header: 'MTTF', align: 'right', text: ({ mttfHours }) => (mttfHours === null ? NONE : inHours(mttfHours)) },
    {
      header: '90 % INTERVAL',
      align: 'right',
      text: ({ intervalHours: { low, high } }) => `${inHours(low)} to ${high === null ? 'any' : inHours(high)}`,
    },
    {
      header: '1/(N r_f)',
      align: 'right',
      text: ({ theoryHours }) => (theoryHours === null ? NONE : inHours(theoryHours)),
    },
  ];
  return table(columns, rows, terminal);
}

function lossTable(report: TwinReport, terminal: Terminal): string {
  const device = deviceWord(report);
  const rows = report.predictions.losses.slice(0, LOSSES_MAX);
  const columns: Column<(typeof rows)[number]>[] = [
    { header: 'ATTEMPTS ENDED BY', text: ({ cause }) => cause.replaceAll('_', ' ') },
    { header: 'NUMBER', align: 'right', text: ({ attempts }) => whole(attempts) },
    { header: `LOST ${device}-HOURS`, align: 'right', text: ({ lostHours }) => digits(lostHours) },
    { header: 'OVERHEAD', align: 'right', text: ({ overheadHours }) => digits(overheadHours) },
  ];
  return table(columns, rows, terminal);
}

function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], terminal: Terminal): string {
  return rows.length === 0 ? '' : renderTable(columns, rows, terminal);
}

function inHours(value: number): string {
  return shortTime(value * 3600);
}
