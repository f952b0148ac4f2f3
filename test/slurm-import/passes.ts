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
import { isClean, readControllerLog, type RunningJob } from '../fidelity/controller-log.ts';
import { hostsIn } from '../fidelity/node-list.ts';
import type { SiteRecord } from './record.ts';

/** How many passes the twin makes as the controller did, in the state that the controller was in. */
export interface ReplayedPasses {
  /**
   * Jobs that backfill looked at, pass by pass, and of how many the twin plans the same start, to a second, on the same nodes.
   * Of clean passes: of a fraction only where others use the machine.
   */
  plans: number;
  samePlans: number;
  /** Passes of the main scheduler that started jobs, and how many start the same jobs on the same nodes. */
  mainPasses: number;
  sameMainPasses: number;
}

/** Factors are worked out anew after a minute: until then the priority of a job is what it was at its submission. */
const FIRST_PRIORITIES_MS = 58_000;
/** Until then the nodes of a job that ended may not be free yet, which the log doesn't tell; longer where others use the machine. */
const CLEAN_MS = 100;
/** The main scheduler starts the jobs of one pass within this time. */
const MAIN_PASS_MS = 100;

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
  return { ...replayBackfill(world, log), ...replayMain(world, log) };
}

interface World {
  nodes: readonly NodeSpec[];
  policy: Policy;
  rows: ReadonlyMap<number, TraceRow>;
}

/** A controller with jobs that run, and with pending ones by their priority. */
function stateOf(world: World, running: Iterable<RunningJob>, pending: Iterable<readonly [number, number]>) {
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

function replayBackfill(world: World, log: string) {
  let [plans, samePlans] = [0, 0];
  // The log has them in the order of their turns, tiers and all.
  const partitions = world.policy.partitions.map((partition) => ({ ...partition, priorityTier: 1 }));
  const flat = { ...world, policy: { ...world.policy, partitions } };
  for (const pass of readControllerLog(log).passes) {
    if (!isClean(pass, CLEAN_MS)) continue;
    const turns = pass.plans.map(({ jobId }, index) => [jobId, pass.plans.length - index] as const);
    const ledger = stateOf(flat, pass.running, turns);
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

function replayMain(world: World, log: string) {
  let [mainPasses, sameMainPasses] = [0, 0];
  const running = new Map<number, RunningJob>();
  const pending = new Map<number, number>();
  const lines = log.split('\n').flatMap((line) => {
    const [, date, text = ''] = /^\[(\S+)\] (.*)/.exec(line) ?? [];
    return date === undefined
      ? []
      : [{ atMs: Date.parse(`${date}Z`), text, jobId: Number(/JobId=(\d+)/.exec(text)?.[1]) }];
  });
  const begunMs = lines.find(({ text }) => text.includes('Running as primary'))?.atMs ?? 0;
  for (let at = 0; at < lines.length; at += 1) {
    const { atMs, text, jobId } = lines[at] ?? { atMs: 0, text: '', jobId: 0 };
    if (atMs > begunMs + FIRST_PRIORITIES_MS) break;
    const priority = /InitPrio=(\d+)/.exec(text)?.[1];
    if (priority !== undefined) pending.set(jobId, Number(priority));
    else if (/_job_complete: .* done/.test(text)) running.delete(jobId);
    else if (text.includes('_start_job: Started')) {
      pending.delete(jobId);
      running.set(jobId, { jobId, nodeIndices: hostsIn(/ on (\S+)/.exec(text)?.[1] ?? ''), startMs: atMs });
    } else if (text.includes('sched: Allocate')) {
      const started = new Map<number, RunningJob>();
      for (; at < lines.length; at += 1) {
        const next = lines[at];
        if (next === undefined || next.atMs - atMs > MAIN_PASS_MS || /_job_complete|InitPrio/.test(next.text)) break;
        if (!next.text.includes('sched: Allocate')) continue;
        const nodeIndices = hostsIn(/NodeList=(\S+)/.exec(next.text)?.[1] ?? '');
        started.set(next.jobId, { jobId: next.jobId, nodeIndices, startMs: atMs });
      }
      at -= 1;
      const ledger = stateOf(world, running.values(), pending);
      const twin = new Map<number, string>();
      new ConservativePasses(ledger, world.policy, () => true).main(atMs, true, (job, nodeIndices) => {
        ledger.start(job, 1, holdNodes(ledger.pool, job, nodeIndices), atMs);
        twin.set(job.request.jobId, nodeIndices.join());
      });
      mainPasses += 1;
      const isSame = [...started.values()].every((job) => twin.get(job.jobId) === job.nodeIndices.join());
      if (isSame && twin.size === started.size) sameMainPasses += 1;
      for (const job of started.values()) {
        pending.delete(job.jobId);
        running.set(job.jobId, job);
      }
    }
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
