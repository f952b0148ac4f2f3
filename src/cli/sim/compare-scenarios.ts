import { availableParallelism } from 'node:os';
import { OrreryError } from '../../contract/errors.ts';
import type { ScenarioFields } from '../../formats/scenario-file.ts';
import { note } from '../output.ts';
import { type WorkControl, watchWork } from '../watched-work.ts';
import { loadScenario } from './load-scenario.ts';
import { fractionDone } from './run-progress.ts';
import { comparisonOf, type ScenarioComparison } from './scenario-comparison.ts';
import { isDrawn } from './scenario-draws.ts';
import type { SimulationResult } from './simulate.ts';
import { type Simulation, startSimulation } from './simulation.ts';

const LOOK_MS = 100;

/**
 * Runs every scenario with the same seeds, as many at once as there are CPUs or as tasks of a Slurm array, and pairs the runs by seed. One in which
 * nothing is drawn runs once for all of them. Throws what the scenarios' files give cause to; ORR_INTERRUPTED where Ctrl-C came before one seed was done.
 */
export async function compareScenarios(
  base: string,
  variants: readonly string[],
  seedCount: number,
  place: 'here' | 'slurm' = 'here',
): Promise<ScenarioComparison> {
  const scenarios = await Promise.all([base, ...variants].map((name) => loadScenario(name)));
  const firstSeed = scenarios[0]?.seed ?? 1;
  const areDrawn = scenarios.map(isDrawn);
  const isAnyDrawn = areDrawn.includes(true);
  const seeds = Array.from({ length: isAnyDrawn ? seedCount : 1 }, (_, index) => firstSeed + index);
  const runs: ScenarioFields[] = [];
  /** By seed and scenario, which run it is. */
  const runOf = seeds.map((seed, seedIndex) =>
    scenarios.map((fields, scenario) => {
      const isAgain = seedIndex > 0 && areDrawn[scenario] === false;
      return isAgain ? scenario : runs.push({ ...fields, seed }) - 1;
    }),
  );
  const runner = place === 'slurm' ? runOnSlurm : runHere;
  const failureOf = (error: Error, index: number) => withTitle(error, runs[index]?.title ?? '');
  const { results, isInterrupted } = await watchWork<SimulationResult>(runs.length, 'runs', (control) =>
    runner(runs, { ...control, failureOf }),
  );
  if (isInterrupted) {
    note(`interrupted: ${results.filter((result) => result !== null).length} of ${runs.length} runs were done`);
  }
  const bySeed = seeds.map((seed, index) => ({
    seed,
    results: (runOf[index] ?? []).map((run) => results[run] ?? null),
  }));
  const whole = bySeed.filter(({ results: ofSeed }) =>
    ofSeed.every((result) => result !== null && !result.summary.isInterrupted),
  );
  if (whole.length === 0) throw new OrreryError('ORR_INTERRUPTED', 'interrupted before all scenarios had run once');
  const runsOf = scenarios.map((fields, index) => ({
    title: fields.title ?? '',
    results: whole.flatMap(({ results: ofSeed }) => ofSeed[index] ?? []),
  }));
  return {
    ...comparisonOf(runsOf, isAnyDrawn),
    seeds: whole.map(({ seed }) => seed),
    seedsAsked: seeds.length,
    isInterrupted,
  };
}

interface RunControl extends WorkControl {
  /** What is thrown for the failure of the run of this index. */
  failureOf: (error: Error, index: number) => Error;
}

async function runOnSlurm(scenarios: readonly ScenarioFields[], control: RunControl) {
  const { workOnSlurm } = await import('../slurm-array/work-on-slurm.ts');
  const requests = scenarios.map((fields) => ({ fields, jobsOut: null }));
  return workOnSlurm('simulation', requests, 'orrery-sim', control);
}

/** As many at once as there are CPUs here. */
async function runHere(
  scenarios: readonly ScenarioFields[],
  { onProgress, isStopping, failureOf }: RunControl,
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
      try {
        results[index] = await simulation.result;
      } catch (error) {
        throw error instanceof Error ? failureOf(error, index) : error;
      } finally {
        running.delete(simulation);
      }
      done += 1;
    }
  };
  const look = () => {
    if (isStopping()) for (const { board } of running) board.stop();
    onProgress(done + [...running].reduce((sum, { board }) => sum + (fractionDone(board.read()) ?? 0), 0));
  };
  const timer = setInterval(look, LOOK_MS);
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

/** Of several scenarios, which one it is about. */
function withTitle(error: Error, title: string): Error {
  if (!(error instanceof OrreryError) || title === '' || error.message.startsWith(title)) return error;
  return new OrreryError(error.code, `${title}: ${error.message}`, { cause: error });
}
