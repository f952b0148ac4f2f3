import { ConservativePasses } from '../../src/scheduler/conservative.ts';
import { holdNodes } from '../../src/scheduler/placement.ts';
import type { LoggedMainPass } from './controller-log.ts';
import { type LoggedRun, readLoggedRun, stateOf } from './passes.ts';

export interface ReplayedMainPasses {
  /** Those in which jobs waited and none had ended just before, and of how many the twin starts the same jobs on the same nodes. */
  passes: number;
  same: number;
  /** How many jobs they started, and the most that one did. */
  starts: number;
  startsMax: number;
  /** The first few that differ. */
  differences: string[];
}

/** By then a job that ended has left nothing to clean up on its nodes, mostly. */
const CLEAN_MS = 20;
const SHOWN_MAX = 10;

/**
 * Every pass of a recorded controller's main scheduler, made again by the twin in the state that the controller was in: of recordings in which no job
 * waits for another and none is preempted.
 */
export function replayMainPasses(name: string): ReplayedMainPasses {
  const run = readLoggedRun(name);
  const passes = run.log.mainPasses.filter(({ waiting, sinceEndMs }) => waiting.length > 0 && sinceEndMs >= CLEAN_MS);
  const differences = passes.flatMap((pass) => {
    const shown = (starts: LoggedMainPass['starts']) =>
      starts.map(({ jobId, nodeIndices }) => `${jobId} on ${nodeIndices.join()}`).join('; ');
    const [real, twin] = [shown(pass.starts), shown(startsOf(pass, run))];
    return real === twin ? [] : [`pass at ${pass.beginMs}: ${real || 'none'}, in the twin ${twin || 'none'}`];
  });
  return {
    passes: passes.length,
    same: passes.length - differences.length,
    starts: passes.reduce((sum, { starts }) => sum + starts.length, 0),
    startsMax: Math.max(0, ...passes.map(({ starts }) => starts.length)),
    differences: differences.slice(0, SHOWN_MAX),
  };
}

function startsOf(pass: LoggedMainPass, run: LoggedRun): LoggedMainPass['starts'] {
  const { policy, ledger } = stateOf(pass, pass.waiting, run);
  const starts: LoggedMainPass['starts'] = [];
  new ConservativePasses(ledger, policy, () => true).main(pass.beginMs, pass.isFull, (job, nodeIndices) => {
    starts.push({ jobId: job.request.jobId, nodeIndices });
    ledger.start(job, 1, holdNodes(ledger.pool, job, nodeIndices), pass.beginMs);
  });
  return starts;
}

if (process.argv[1] === import.meta.filename) {
  for (const name of process.argv.slice(2)) {
    const { passes, same, starts, startsMax, differences } = replayMainPasses(name);
    process.stdout.write(
      `${name}: ${passes} passes of the main scheduler started ${starts} jobs, at most ${startsMax} at once; the twin does the same in ${same}\n`,
    );
    process.stdout.write(differences.map((line) => `  ${line}\n`).join(''));
  }
}
