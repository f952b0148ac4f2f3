import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { importCluster } from '../../src/cli/slurm-import/import-cluster.ts';
import { expandNodes } from '../../src/cluster/cluster.ts';
import { parseClusterFile } from '../../src/formats/cluster-file.ts';
import { parsePolicyFile } from '../../src/formats/policy-file.ts';
import { readSacctDump } from '../../src/formats/sacct-dump.ts';
import { completePolicy } from '../../src/scheduler/policy.ts';
import { readControllerLog } from '../fidelity/controller-log.ts';
import { type LoggedRun, replayBackfill, replayMain } from '../fidelity/replay.ts';
import type { SiteRecord } from './record.ts';

/** How many passes the twin makes as the controller did, in the state that the controller was in. */
export interface ReplayedSitePasses {
  /**
   * Jobs that backfill looked at, pass by pass, and of how many the twin plans the same start, to a second, on the same nodes.
   * Of clean passes: of a fraction only where others use the machine.
   */
  plans: number;
  samePlans: number;
  /** Passes of the main scheduler in which jobs waited, and how many start the same jobs on the same nodes, if any. */
  mainPasses: number;
  sameMainPasses: number;
}

/** Factors are worked out anew after a minute: until then the priority of a job is what it was at its submission. */
const FIRST_PRIORITIES_MS = 58_000;
/** Until then the nodes of a job that ended may not be free yet, which the log doesn't tell; longer where others use the machine. */
const CLEAN_MS = 100;

/** `imported`: a folder that the import wrote; the record of its cluster needs `DebugFlags=Backfill` and `SlurmctldDebug=debug`. */
export function replaySitePasses(imported: string, record: Omit<SiteRecord, 'runSeconds'>): ReplayedSitePasses {
  const text = (name: string) => readFileSync(join(imported, name), 'utf8');
  const nodes = expandNodes(parseClusterFile(text('cluster.yaml'), 'cluster.yaml', []), {
    cpus: 0,
    memoryBytes: 0,
    gpus: 0,
  });
  const { options } = parsePolicyFile(text('policy.yaml'), 'policy.yaml');
  const log = readControllerLog(record.log);
  const begunMs = Math.min(...log.submitMs.values()) - log.firstAgeSeconds * 1000;
  const mainPasses = log.mainPasses.filter(({ beginMs }) => beginMs <= begunMs + FIRST_PRIORITIES_MS);
  const run: LoggedRun = {
    nodes,
    policy: completePolicy({ ...options, priority: { type: 'multifactor' }, cadence: null }),
    jobs: new Map(
      readSacctDump(record.after, 'after.txt').rows.map((row) => [
        Number(row.job),
        { ...row, qos: null, user: null, account: null },
      ]),
    ),
    log: { ...log, mainPasses },
  };
  const { clean } = replayBackfill(inTurns(run), CLEAN_MS);
  const main = replayMain(run, CLEAN_MS);
  return { plans: clean.plans, samePlans: clean.same, mainPasses: main.passes, sameMainPasses: main.same };
}

/** The log has the jobs of a pass of backfill in the order of their turns, tiers of partitions and all. */
function inTurns({ policy, log, ...run }: LoggedRun): LoggedRun {
  const partitions = policy.partitions.map((partition) => ({ ...partition, priorityTier: 1 }));
  const passes = log.passes.map((pass) => {
    const plans = pass.plans.map((plan, index) => ({ ...plan, priority: pass.plans.length - index }));
    return { ...pass, plans };
  });
  return { ...run, policy: { ...policy, partitions }, log: { ...log, passes } };
}

if (process.argv[1] === import.meta.filename) {
  for (const recording of process.argv.slice(2)) {
    const folder = mkdtempSync(join(tmpdir(), 'orrery-imported-'));
    const file = (name: string) =>
      existsSync(join(recording, name)) ? readFileSync(join(recording, name), 'utf8') : '';
    await importCluster({ out: join(folder, 'out'), saved: join(recording, 'saved'), days: 1 });
    const replayed = replaySitePasses(join(folder, 'out'), { after: file('after.txt'), log: file('slurmctld.log') });
    rmSync(folder, { recursive: true });
    const { plans, samePlans, mainPasses, sameMainPasses } = replayed;
    process.stdout.write(
      `${recording}: backfill looked at ${plans} jobs, the twin says the same of ${samePlans}; ` +
        `${mainPasses} passes of the main scheduler, ${sameMainPasses} the same\n`,
    );
  }
}
