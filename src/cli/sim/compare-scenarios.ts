import { availableParallelism } from 'node:os';
import { OrreryError } from '../../contract/errors.ts';
import { comparePaired, INTERVAL_PROBABILITY, type PairedDifference } from '../../twin/compare.ts';
import { comparedFigures, MEASURE_TOPICS, type MeasureTopic, type MeasureUnit } from '../../twin/compared-measures.ts';
import type { ScenarioFields } from '../../formats/scenario-file.ts';
import { note } from '../output.ts';
import { progressBar } from '../render/progress-bar.ts';
import { changeWords, differenceSentence } from '../render/sim-sentences.ts';
import { terminalOf } from '../render/terminal.ts';
import { loadScenario } from './load-scenario.ts';
import { fractionDone } from './run-progress.ts';
import type { SimulationResult } from './simulate.ts';
import { type Simulation, startSimulation } from './simulation.ts';

const REDRAW_MS = 100;
/** A smaller change is no news, however sure it is. */
const NOTABLE_CHANGE_MIN = 0.01;

/** One measure of a variant beside that of the base. */
export interface ComparedMeasure extends PairedDifference {
  topic: MeasureTopic;
  name: string;
  /** `the median wait of 256-GPU jobs`. */
  subject: string;
  unit: MeasureUnit;
}

export interface ComparedVariant {
  title: string;
  /** What it changes, as a subject: `adding 1,240 nodes`. */
  change: string;
  /** The clear differences of a hundredth and more in words, of each topic the largest first. */
  sentences: string[];
  measures: ComparedMeasure[];
}

export interface ScenarioComparison {
  base: { title: string; inputs: SimulationResult['inputs'] };
  /** Those of which all scenarios were run to the end. */
  seeds: number[];
  intervalProbability: number;
  variants: ComparedVariant[];
  /** Ctrl-C: seeds are missing. */
  isInterrupted: boolean;
}

/**
 * Runs every scenario with the same seeds, as many at once as there are CPUs or as tasks of a Slurm array, and pairs the runs by seed. Throws what
 * the scenarios' files give cause to; ORR_INTERRUPTED where Ctrl-C came before one seed was done.
 */
export async function compareScenarios(
  base: string,
  variants: readonly string[],
  seedCount: number,
  place: 'here' | 'slurm' = 'here',
): Promise<ScenarioComparison> {
  const scenarios = await Promise.all([base, ...variants].map((name) => loadScenario(name)));
  const firstSeed = scenarios[0]?.seed ?? 1;
  const seeds = Array.from({ length: seedCount }, (_, index) => firstSeed + index);
  const runs = seeds.flatMap((seed) => scenarios.map((fields, scenario) => ({ seed, scenario, fields })));
  const { results, isInterrupted } = await runAll(
    runs.map(({ seed, fields }) => ({ ...fields, seed })),
    place === 'slurm' ? (await import('./simulations-on-slurm.ts')).simulateOnSlurm : runHere,
  );
  const bySeed = seeds.map((seed, index) => ({
    seed,
    results: results.slice(index * scenarios.length, (index + 1) * scenarios.length),
  }));
  const whole = bySeed.filter(({ results: ofSeed }) =>
    ofSeed.every((result) => result !== null && !result.summary.isInterrupted),
  );
  const ofScenario = scenarios.map((_, index) => whole.flatMap(({ results: ofSeed }) => ofSeed[index] ?? []));
  const [ofBase = [], ...ofVariants] = ofScenario;
  const [first] = ofBase;
  if (first === undefined) throw new OrreryError('ORR_INTERRUPTED', 'interrupted before all scenarios had run once');
  return {
    base: { title: scenarios[0]?.title ?? base, inputs: first.inputs },
    seeds: whole.map(({ seed }) => seed),
    intervalProbability: INTERVAL_PROBABILITY,
    variants: ofVariants.map((ofVariant, index) => {
      const title = scenarios[index + 1]?.title ?? '';
      return compareVariant(title, ofBase, ofVariant);
    }),
    isInterrupted,
  };
}

function compareVariant(
  title: string,
  ofBase: readonly SimulationResult[],
  ofVariant: readonly SimulationResult[],
): ComparedVariant {
  const baseMeasures = ofBase.map(({ report }) => comparedFigures(report));
  const variantMeasures = ofVariant.map(({ report }) => comparedFigures(report));
  const valuesOf = (runs: typeof baseMeasures, name: string) =>
    runs.map((measures) => measures.find((measure) => measure.name === name)?.value ?? null);
  // A size of which no job came with one seed has come with another.
  const kinds = new Map(baseMeasures.flat().map((measure) => [measure.name, measure]));
  const measures = [...kinds.values()].flatMap(({ topic, name, subject, unit }): ComparedMeasure[] => {
    const paired = comparePaired(valuesOf(baseMeasures, name), valuesOf(variantMeasures, name));
    return paired === null ? [] : [{ topic, name, subject, unit, ...paired }];
  });
  const [one, other] = [ofBase[0]?.inputs, ofVariant[0]?.inputs];
  const change = one === undefined || other === undefined ? title : changeWords(one, other, title);
  return { title, change, sentences: newsOf(measures).map((measure) => differenceSentence(change, measure)), measures };
}

/** Clear and notable differences: of each topic the largest, then of each the next, and so on. */
function newsOf(measures: readonly ComparedMeasure[]): ComparedMeasure[] {
  const notable = measures
    .filter((measure) => measure.isClear && relativeChange(measure) >= NOTABLE_CHANGE_MIN)
    .sort((a, b) => relativeChange(b) - relativeChange(a) || (a.name < b.name ? -1 : 1));
  const byTopic = MEASURE_TOPICS.map((topic) => notable.filter((measure) => measure.topic === topic));
  const rounds = Math.max(0, ...byTopic.map(({ length }) => length));
  return Array.from({ length: rounds }, (_, round) => byTopic.flatMap((ofTopic) => ofTopic[round] ?? [])).flat();
}

/** How far apart both are on a scale of factors: 9.1 h to 12 min is further than 9.1 h to 8 h. */
function relativeChange({ base, variant }: PairedDifference): number {
  const least = Math.min(Math.abs(base), Math.abs(variant));
  const most = Math.max(Math.abs(base), Math.abs(variant));
  return most === 0 ? 0 : 1 - least / most;
}

const CLEAR_LINE = '\r\u001b[K';

interface RunControl {
  /** Told how far all runs together are, in runs. */
  onProgress: (done: number) => void;
  /** Told what there is to say meanwhile, in a line. */
  onRemark: (line: string) => void;
  isStopping: () => boolean;
}

/** Null: not begun, or not done, when Ctrl-C came. */
async function runAll(
  scenarios: readonly ScenarioFields[],
  runner: (scenarios: readonly ScenarioFields[], control: RunControl) => Promise<(SimulationResult | null)[]>,
): Promise<{ results: (SimulationResult | null)[]; isInterrupted: boolean }> {
  let isInterrupted = false;
  let done = 0;
  const interrupt = () => {
    if (isInterrupted) process.exit(130);
    isInterrupted = true;
  };
  const terminal = terminalOf(process.stderr);
  const draw = () => {
    const bar = progressBar(done / scenarios.length, 24, terminal);
    process.stderr.write(`${CLEAR_LINE}${bar}  ${Math.floor(done)} of ${scenarios.length} runs`);
  };
  const timer = terminal.isLive ? setInterval(draw, REDRAW_MS) : null;
  process.on('SIGINT', interrupt);
  try {
    const results = await runner(scenarios, {
      onProgress: (count) => (done = count),
      // In the place of the bar, which is drawn anew below it.
      onRemark: (line) => note(`${terminal.isLive ? CLEAR_LINE : ''}${line}`),
      isStopping: () => isInterrupted,
    });
    if (isInterrupted)
      note(`interrupted: ${results.filter((result) => result !== null).length} of ${scenarios.length} runs were done`);
    return { results, isInterrupted };
  } finally {
    process.off('SIGINT', interrupt);
    if (timer !== null) {
      clearInterval(timer);
      process.stderr.write(CLEAR_LINE);
    }
  }
}

/** As many at once as there are CPUs here. */
async function runHere(
  scenarios: readonly ScenarioFields[],
  { onProgress, isStopping }: RunControl,
): Promise<(SimulationResult | null)[]> {
  const results: (SimulationResult | null)[] = scenarios.map(() => null);
  const running = new Set<Simulation>();
  let next = 0;
  let done = 0;
  const work = async () => {
    for (;;) {
      const index = next;
      const fields = scenarios[index];
      if (fields === undefined || isStopping()) return;
      next += 1;
      const simulation = startSimulation({ fields, jobsOut: null });
      running.add(simulation);
      results[index] = await simulation.result.finally(() => running.delete(simulation));
      done += 1;
    }
  };
  const look = () => {
    if (isStopping()) for (const { board } of running) board.stop();
    onProgress(done + [...running].reduce((sum, { board }) => sum + (fractionDone(board.read()) ?? 0), 0));
  };
  const timer = setInterval(look, REDRAW_MS);
  try {
    await Promise.all(Array.from({ length: Math.min(availableParallelism(), scenarios.length) }, work));
  } catch (error) {
    for (const { board } of running) board.stop();
    throw error;
  } finally {
    clearInterval(timer);
  }
  return results;
}
