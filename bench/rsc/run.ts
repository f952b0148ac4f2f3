import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import type { ScenarioFields } from '../../src/formats/scenario-file.ts';
import { startSimulation } from '../../src/cli/sim/simulation.ts';
import type { TwinReport } from '../../src/twin/report.ts';
import { pooledBySize, verdictOf } from './pooled-ettr.ts';
import {
  allowed,
  CRASH_LOOP,
  ETTR_WITHIN,
  type Figure,
  GIVEN,
  GIVEN_WITHOUT_LEMONS,
  isWithin,
  LEMON_RECALL,
  NOT_MODELLED,
  PREDICTED,
  PREDICTED_WITHOUT_LEMONS,
  percent,
  type PublishedFigure,
  SOURCE,
} from './published.ts';
import { crashLoop, rsc1, rsc1WithoutLemons, variants } from './variants.ts';

const print = (line = ''): void => void process.stdout.write(`${line}\n`);

/** Runs scenarios, as many at a time as there are cores; reports come in the order of the scenarios. */
async function runAll(scenarios: readonly ScenarioFields[]): Promise<TwinReport[]> {
  const reports: TwinReport[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let index = next++; index < scenarios.length; index = next++) {
      const fields = scenarios[index];
      if (fields === undefined) return;
      const { report } = await startSimulation({ fields, jobsOut: null }).result;
      reports[index] = report;
      process.stderr.write(`${reports.filter(Boolean).length} of ${scenarios.length} runs\n`);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return reports;
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** One report a seed: their mean, and their range where there are several. Nothing is said of figures that the twin is not held against. */
function table(title: string, figures: readonly (Figure | PublishedFigure)[], reports: readonly TwinReport[]): void {
  print(title);
  for (const figure of figures) {
    const { name, published, predicted, say } = figure;
    const known = reports.map(predicted).filter((value) => value !== null);
    const said = known.length === 0 ? '-' : say(mean(known));
    const spread = known.length === 0 ? '-' : `${say(Math.min(...known))} to ${say(Math.max(...known))}`;
    const [range, verdict] = 'within' in figure ? [allowed(figure), verdictOn(figure, reports)] : ['', ''];
    print(
      `  ${name.padEnd(45)}${(published === null ? '-' : say(published)).padStart(10)}${range.padStart(20)}` +
        `${said.padStart(10)}${reports.length > 1 ? spread.padStart(22) : ''}  ${verdict}`.trimEnd(),
    );
  }
  print();
}

function verdictOn(figure: PublishedFigure, reports: readonly TwinReport[]): string {
  const off = reports.filter((report) => !isWithin(figure, figure.predicted(report))).length;
  if (off === 0) return 'ok';
  return reports.length > 1 ? `OFF in ${off} of ${reports.length}` : 'OFF';
}

function ettrTable(reports: readonly TwinReport[]): void {
  print('ETTR of jobs with a day of work or more that write checkpoints and were not preempted');
  const heads = ['jobs', 'measured', 'formula', 'apart', ''].map((head) => head.padStart(10)).join('');
  print(`  ${'GPUs'.padEnd(14)}${heads}${' '.repeat(22)}at the rate given`);
  const given = pooledBySize(reports, 'given');
  for (const [index, { label, pooled }] of pooledBySize(reports, 'seen').entries()) {
    const { jobs, measured, formula, apart, interval } = pooled;
    const cells = [String(jobs), measured.toFixed(3), formula.toFixed(3), signed(apart)];
    const range = interval === null ? '' : `${signed(interval.low)} to ${signed(interval.high)}`;
    print(
      `  ${label.padEnd(14)}${cells.map((cell) => cell.padStart(10)).join('')}${range.padStart(20)}` +
        `  ${verdictOf(pooled, ETTR_WITHIN).padEnd(18)}${signed(given[index]?.pooled.apart ?? 0).padStart(9)}`,
    );
  }
  print();
}

const signed = (share: number): string => `${share < 0 ? '-' : '+'}${Math.abs(share * 100).toFixed(2)} %`;

function waitTable({ predictions }: TwinReport, seed: number): void {
  print(`WAITS BY SIZE, PREDICTED; seed ${seed}`);
  for (const { size, waitSeconds } of predictions.waits.bySize) {
    if (waitSeconds === null) continue;
    const { count, median, mean: meanSeconds, p90 } = waitSeconds;
    const of = (seconds: number) => `${(seconds / 60).toFixed(1)} min`.padStart(14);
    print(
      `  ${size.label.padEnd(14)}${String(count).padStart(10)} jobs  median${of(median)}  mean${of(meanSeconds)}  p90${of(p90)}`,
    );
  }
  print();
}

const COLUMNS: readonly [name: string, of: (report: TwinReport) => number | null][] = [
  ['utilised', ({ predictions }) => predictions.utilization],
  ['goodput', ({ predictions }) => predictions.goodput],
  ['preempted', ({ predictions }) => shareOf(predictions, 'PREEMPTED')],
  ['requeued', ({ predictions }) => shareOf(predictions, 'REQUEUED')],
  ['large fail', ({ predictions }) => predictions.failures.large.attemptFailureShare],
  ['ETTR', ({ predictions }) => predictions.ettr.all?.ettr ?? null],
];

function shareOf({ attemptStates }: TwinReport['predictions'], state: string): number {
  return attemptStates.find((entry) => entry.state === state)?.share ?? 0;
}

function sensitivityRow(title: string, report: TwinReport): void {
  const wait = report.predictions.waits.all.waitSeconds?.mean ?? 0;
  const cells = COLUMNS.map(([, of]) => percent(of(report) ?? 0).padStart(12));
  print(`  ${title.padEnd(36)}${cells.join('')}${`${(wait / 60).toFixed(1)} min`.padStart(12)}`);
}

const { values } = parseArgs({
  options: {
    days: { type: 'string', default: '330' },
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '1' },
    sensitivity: { type: 'boolean', default: false },
  },
});
const days = Number(values.days);
const sensitivityDays = Math.min(days, 120);
const first = Number(values.seed);
const seeds = Array.from({ length: Number(values.seeds) }, (_, index) => first + index);
const { all, even, remove } = variants();
try {
  const others = values.sensitivity
    ? [{}, ...all.map(({ fields }) => fields)].map((fields) => ({ ...rsc1(sensitivityDays, first), ...fields }))
    : [];
  const reports = await runAll([
    ...seeds.map((seed) => rsc1(days, seed)),
    ...seeds.map((seed) => rsc1WithoutLemons(days, seed)),
    ...seeds.map((seed) => ({ ...rsc1(days, seed), ...even.fields })),
    ...(await Promise.all(seeds.map(crashLoop))),
    ...others,
  ]);
  const take = () => reports.splice(0, seeds.length);
  const [plain, watched, alike, loops] = [take(), take(), take(), take()];
  const which = seeds.length === 1 ? `seed ${first}` : `seeds ${first} to ${seeds.at(-1)}`;
  print(`RSC-1 over ${days} days beside the published record (${SOURCE}); ${which}`);
  const heads = ['published'.padStart(10), 'allowed'.padStart(20), 'twin'.padStart(10)];
  print(`  ${''.padEnd(45)}${heads.join('')}${seeds.length === 1 ? '' : 'of the seeds'.padStart(22)}`);
  table('GIVEN, and kept', GIVEN, plain);
  table('PREDICTED, never tuned', PREDICTED, plain);
  table('PUBLISHED OF MORE THAN IS MODELLED', NOT_MODELLED, plain);
  table('PREDICTED WITH LEMON NODES DRAINED', [...PREDICTED_WITHOUT_LEMONS, LEMON_RECALL], watched);
  table(
    'THE CRASH LOOP, a job of 1,024 GPUs that loses a node 36 times; one was published, and seeds differ much',
    CRASH_LOOP,
    loops,
  );
  ettrTable(plain);
  table('ALL NODES FAIL ALIKE, no lemons', GIVEN_WITHOUT_LEMONS, alike);
  ettrTable(alike);
  if (plain[0] !== undefined) waitTable(plain[0], first);
  if (values.sensitivity) {
    print(`WHAT THE PREDICTIONS DEPEND ON, ${sensitivityDays} days`);
    print(`  ${''.padEnd(36)}${[...COLUMNS.map(([name]) => name), 'mean wait'].map((n) => n.padStart(12)).join('')}`);
    for (const [index, report] of reports.entries()) {
      sensitivityRow(index === 0 ? 'as given' : (all[index - 1]?.title ?? ''), report);
    }
  }
} finally {
  remove();
}
