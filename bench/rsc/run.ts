import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import type { ScenarioFields } from '../../src/formats/scenario-file.ts';
import { startSimulation } from '../../src/cli/sim/simulation.ts';
import type { TwinReport } from '../../src/twin/report.ts';
import {
  GIVEN,
  GIVEN_WITHOUT_LEMONS,
  isWithin,
  PREDICTED,
  PREDICTED_WITHOUT_LEMONS,
  percent,
  type PublishedFigure,
  SOURCE,
} from './published.ts';
import { rsc1, rsc1WithoutLemons, variants } from './variants.ts';

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

function table(title: string, figures: readonly PublishedFigure[], report: TwinReport): void {
  print(title);
  for (const figure of figures) {
    const value = figure.predicted(report);
    const said = value === null ? '-' : figure.say(value);
    print(
      `  ${figure.name.padEnd(48)}${figure.say(figure.published).padStart(10)}${said.padStart(10)}  ` +
        (isWithin(figure, value) ? 'ok' : 'OFF'),
    );
  }
  print();
}

function ettrTable({ predictions }: TwinReport): void {
  print('ETTR of jobs of a day or more that write checkpoints and were not preempted');
  print(`  ${'GPUs'.padEnd(14)}${'jobs'.padStart(8)}${'measured'.padStart(10)}${'formula'.padStart(10)}`);
  for (const { size, formula } of predictions.ettr.bySize) {
    if (formula === null) continue;
    const off = Math.abs(formula.measured / formula.ettr - 1);
    print(
      `  ${size.label.padEnd(14)}${String(formula.jobs).padStart(8)}${formula.measured.toFixed(3).padStart(10)}` +
        `${formula.ettr.toFixed(3).padStart(10)}  ${percent(off)} apart`,
    );
  }
  print();
}

function waitTable({ predictions }: TwinReport): void {
  print('WAITS BY SIZE, PREDICTED');
  for (const { size, waitSeconds } of predictions.waits.bySize) {
    if (waitSeconds === null) continue;
    const { count, median, mean, p90 } = waitSeconds;
    const of = (seconds: number) => `${(seconds / 60).toFixed(1)} min`.padStart(14);
    print(
      `  ${size.label.padEnd(14)}${String(count).padStart(10)} jobs  median${of(median)}  mean${of(mean)}  p90${of(p90)}`,
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
  options: { days: { type: 'string' }, seed: { type: 'string' }, sensitivity: { type: 'boolean' } },
});
const days = Number(values.days ?? 330);
const sensitivityDays = Math.min(days, 120);
const seed = Number(values.seed ?? 1);
const base = rsc1(days, seed);
const isSensitive = values.sensitivity === true;
const { all, even, remove } = variants();
try {
  const others = isSensitive
    ? [{}, ...all.map(({ fields }) => fields)].map((fields) => ({ ...rsc1(sensitivityDays, seed), ...fields }))
    : [];
  const withoutLemons = { ...base, ...even.fields };
  const [plain, watched, alike, ...rest] = await runAll([
    base,
    rsc1WithoutLemons(days, seed),
    withoutLemons,
    ...others,
  ]);
  if (plain === undefined || watched === undefined || alike === undefined) throw new Error('no report');
  print(`RSC-1 over ${days} days beside the published record (${SOURCE}); seed ${seed}`);
  print(`  ${''.padEnd(48)}${'published'.padStart(10)}${'twin'.padStart(10)}`);
  table('GIVEN, and kept', GIVEN, plain);
  table('PREDICTED, never tuned', PREDICTED, plain);
  table('PREDICTED WITH LEMON NODES DRAINED', PREDICTED_WITHOUT_LEMONS, watched);
  ettrTable(plain);
  table('ALL NODES FAIL ALIKE, no lemons', GIVEN_WITHOUT_LEMONS, alike);
  ettrTable(alike);
  waitTable(plain);
  if (isSensitive) {
    print(`WHAT THE PREDICTIONS DEPEND ON, ${sensitivityDays} days`);
    print(`  ${''.padEnd(36)}${[...COLUMNS.map(([name]) => name), 'mean wait'].map((n) => n.padStart(12)).join('')}`);
    for (const [index, report] of rest.entries()) {
      sensitivityRow(index === 0 ? 'as given' : (all[index - 1]?.title ?? ''), report);
    }
  }
} finally {
  remove();
}
