import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { importCluster } from '../../src/cli/slurm-import/import-cluster.ts';
import { expandNodes } from '../../src/cluster/cluster.ts';
import type { NodeSpec } from '../../src/cluster/node.ts';
import { parseClusterFile } from '../../src/formats/cluster-file.ts';
import { parsePolicyFile } from '../../src/formats/policy-file.ts';
import { readSacctDump } from '../../src/formats/sacct-dump.ts';
import { ConservativePasses } from '../../src/scheduler/conservative.ts';
import { Ledger } from '../../src/scheduler/ledger.ts';
import { holdNodes } from '../../src/scheduler/placement.ts';
import { completePolicy, type Policy } from '../../src/scheduler/policy.ts';
import type { TraceRow } from '../../src/twin/trace-source.ts';
import { type ControllerLog, isClean, readControllerLog, type RunningJob } from '../fidelity/controller-log.ts';
import type { SiteRecord } from './record.ts';

/** How many passes the twin makes as the controller did, in the state that the controller was in. */
export interface ReplayedPasses {
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
export function replaySitePasses(imported: string, { after, log }: Omit<SiteRecord, 'runSeconds'>): ReplayedPasses {
  const text = (name: string) => readFileSync(join(imported, name), 'utf8');
  const nodes = expandNodes(parseClusterFile(text('cluster.yaml'), 'cluster.yaml', []), {
    cpus: 0,
    memoryBytes: 0,
    gpus: 0,
  });
  const { options } = parsePolicyFile(text('policy.yaml'), 'policy.yaml');
  const world = {
    nodes,
    policy: completePolicy({ ...options, priority: { type: 'basic' }, cadence: null }),
    rows: new Map(readSacctDump(after, 'after.txt').rows.map((row) => [Number(row.job), row])),
  };
  const read = readControllerLog(log);
  return { ...replayBackfill(world, read), ...replayMain(world, read) };
}

interface World {
  nodes: readonly NodeSpec[];
  policy: Policy;
  rows: ReadonlyMap<number, TraceRow>;
}

/** A controller with jobs that run, and with pending ones by their priority. */
function stateOf(
  world: World,
  { running }: { running: readonly RunningJob[] },
  pending: Iterable<readonly [number, number]>,
) {
  const ledger = new Ledger(world.policy);
  for (const node of world.nodes) ledger.pool.add(node);
  const submit = (jobId: number, priority: number) => {
    const row = world.rows.get(jobId);
    if (row === undefined) throw new Error(`job ${jobId} is not in the record`);
    const request = {
      jobId,
      submitMs: jobId,
      priority,
      nodes: row.nodes,
      perNode: { cpus: 1, memoryBytes: 0, gpus: row.gpusPerNode ?? 0 },
      gpuType: null,
      exclusive: false,
      timeLimitMs: row.limitMs,
      excludedNodes: [],
      maxRequeues: 0,
      dependencies: [],
      isHeld: false,
      ...(row.partition !== null && { partition: row.partition }),
    };
    return ledger.submit(request, 0, jobId);
  };
  for (const { jobId, nodeIndices, startMs } of [...running].sort((a, b) => a.startMs - b.startMs)) {
    const job = submit(jobId, 0);
    ledger.start(job, 1, holdNodes(ledger.pool, job, nodeIndices), startMs);
  }
  for (const [jobId, priority] of pending) submit(jobId, priority);
  return ledger;
}

function replayBackfill(world: World, log: ControllerLog) {
  let [plans, samePlans] = [0, 0];
  // The log has them in the order of their turns, tiers and all.
  const partitions = world.policy.partitions.map((partition) => ({ ...partition, priorityTier: 1 }));
  const flat = { ...world, policy: { ...world.policy, partitions } };
  for (const pass of log.passes) {
    if (!isClean(pass, CLEAN_MS)) continue;
    const turns = pass.plans.map(({ jobId }, index) => [jobId, pass.plans.length - index] as const);
    const ledger = stateOf(flat, pass, turns);
    const passes = new ConservativePasses(ledger, flat.policy, () => true);
    const planned = new Map<number, { start: number | null; nodes: string }>();
    passes.onPlanned = ({ request }, start, nodeIndices) =>
      planned.set(request.jobId, { start, nodes: nodeIndices.join() });
    passes.beginBackfill(pass.firstTestMs);
    passes.resume(
      pass.firstTestMs,
      () => false,
      (job, nodeIndices) => ledger.start(job, 1, holdNodes(ledger.pool, job, nodeIndices), pass.firstTestMs),
    );
    for (const { jobId, start, nodeIndices } of pass.isComplete ? pass.plans : pass.plans.slice(0, -1)) {
      const twin = planned.get(jobId);
      const twinStart = twin?.start ?? null;
      const isSameStart =
        start === null || twinStart === null ? start === twinStart : Math.abs(start - twinStart) <= 1000;
      plans += 1;
      if (isSameStart && (twin?.nodes ?? '') === nodeIndices.join()) samePlans += 1;
    }
  }
  return { plans, samePlans };
}

function replayMain(world: World, log: ControllerLog) {
  let [mainPasses, sameMainPasses] = [0, 0];
  const begunMs = Math.min(...log.submitMs.values()) - log.firstAgeSeconds * 1000;
  for (const pass of log.mainPasses) {
    const { beginMs, waiting, isFull, starts, sinceEndMs } = pass;
    if (beginMs > begunMs + FIRST_PRIORITIES_MS || waiting.length === 0 || sinceEndMs < CLEAN_MS) continue;
    const pending = waiting.map(({ jobId, priority }) => [jobId, priority] as const);
    const ledger = stateOf(world, pass, pending);
    const twin: typeof starts = [];
    new ConservativePasses(ledger, world.policy, () => true).main(beginMs, isFull, (job, nodeIndices) => {
      ledger.start(job, 1, holdNodes(ledger.pool, job, nodeIndices), beginMs);
      twin.push({ jobId: job.request.jobId, nodeIndices });
    });
    const shown = (some: typeof starts) =>
      some.map(({ jobId, nodeIndices }) => `${jobId} on ${nodeIndices.join()}`).join('; ');
    mainPasses += 1;
    if (shown(twin) === shown(starts)) sameMainPasses += 1;
  }
  return { mainPasses, sameMainPasses };
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
