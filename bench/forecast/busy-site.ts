import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readPhillyCsv } from '../../src/formats/philly-csv.ts';
import { parseSlurmConf, type SlurmConf } from '../../src/formats/slurm-conf.ts';
import { traceOptionsOf } from '../../src/formats/slurm-job-rules.ts';
import { runTwin } from '../../src/twin/engine.ts';
import { type QueueRow, rowsFrom, type Snapshot } from '../../src/twin/snapshot.ts';
import type { TraceRow } from '../../src/twin/trace-row.ts';
import { traceJobs } from '../../src/twin/trace-source.ts';
import { readTraceRows, TRACE_NODES } from '../twin/trace.ts';

const LEAF_NODES = 20;
const DAY_MS = 86_400_000;
/** Of the past a forecast goes by as much. */
const HISTORY_MS = 14 * DAY_MS;

/** A site as large ones are: fair-share, age and size, backfill over a thousand jobs, leaf switches. */
const SLURM_CONF = [
  'ClusterName=busy',
  'GresTypes=gpu',
  'AccountingStorageType=accounting_storage/slurmdbd',
  'SelectType=select/cons_tres',
  'SelectTypeParameters=CR_Core_Memory',
  'JobDefaults=DefCpuPerGPU=16,DefMemPerGPU=200000',
  'TopologyPlugin=topology/tree',
  'PriorityType=priority/multifactor',
  'PriorityWeightAge=1000',
  'PriorityMaxAge=7-0',
  'PriorityWeightFairshare=10000',
  'PriorityWeightJobSize=500',
  'PriorityDecayHalfLife=14-0',
  'SchedulerType=sched/backfill',
  'SchedulerParameters=bf_continue,bf_interval=60,bf_resolution=300,bf_window=10080,bf_max_job_test=1000,default_queue_depth=1000',
  `NodeName=n[1-${TRACE_NODES}] CPUs=256 RealMemory=2000000 Gres=gpu:8`,
  `PartitionName=batch Nodes=n[1-${TRACE_NODES}] Default=YES MaxTime=30-0`,
].join('\n');

/** Which jobs: gangs of whole nodes, or mostly single GPUs; how much faster than recorded they are submitted, so that the cluster is full. */
const MIXES = {
  gangs: { rate: 2, read: (folder: string) => readTraceRows(folder, 's100k') },
  gpus: { rate: 200, read: readPhilly },
} as const;

export type Mix = keyof typeof MIXES;

/** A full cluster with jobs that wait, and its past. */
export interface BusySite {
  snapshot: Snapshot;
  history: readonly TraceRow[];
  slurm: SlurmConf;
  pending: number;
  running: number;
}

/** By how many times the run time of a job is asked for where the trace does not tell: people ask for round times. */
const LIMITS_MS = [1, 4, 12, 24, 72, 168, 720].map((hours) => hours * 3_600_000);

function readPhilly(folder: string): readonly TraceRow[] {
  const { rows } = readPhillyCsv(readFileSync(join(folder, 'philly', 'philly_jobs.csv'), 'utf8'));
  return rows.map((row) => ({
    ...row,
    user: `u${(row.line * 7919) % 311}`,
    limitMs: LIMITS_MS.find((limitMs) => limitMs >= 2 * row.runMs) ?? 30 * DAY_MS,
    runMs: Math.min(row.runMs, 30 * DAY_MS),
  }));
}

function slurmOf(): SlurmConf {
  const leaves = Array.from({ length: TRACE_NODES / LEAF_NODES }, (_, leaf) => {
    return `SwitchName=leaf${leaf + 1} Nodes=n[${leaf * LEAF_NODES + 1}-${(leaf + 1) * LEAF_NODES}]`;
  });
  const spine = `SwitchName=spine Switches=leaf[1-${leaves.length}]`;
  return parseSlurmConf({
    conf: { name: 'slurm.conf', text: SLURM_CONF },
    topology: { name: 'topology.conf', text: [...leaves, spine].join('\n') },
  });
}

/**
 * The cluster at the first instants at which as many jobs wait as `depths` say (ascending), with first-come and EASY backfill up to there: who runs
 * where is then much as it would be, and it takes seconds.
 */
export function busySites(folder: string, mix: Mix, depths: readonly number[]): BusySite[] {
  const { rate, read } = MIXES[mix];
  const rows = read(folder).map((row) => ({ ...row, submitMs: Math.round(row.submitMs / rate) }));
  const slurm = slurmOf();
  const { nodes } = slurm;
  const rules = traceOptionsOf(slurm.rules);
  const policy = { schedulerType: 'backfill', backfillType: 'easy' } as const;
  const jobs = traceJobs(rows, { ...rules, nodes, policy });
  const pending = new Set<TraceRow>();
  const running = new Map<TraceRow, { startMs: number; nodeNames: string[] }>();
  const ended: TraceRow[] = [];
  const sites: BusySite[] = [];
  const rowOf = (jobId: number): TraceRow => {
    const row = jobs.rowOf(jobId);
    if (row === undefined) throw new Error(`job ${jobId} is in no row`);
    return row;
  };
  const take = (atMs: number): BusySite => {
    const queue: QueueRow[] = [
      ...[...running].map(([row, { startMs, nodeNames }]) => ({ ...row, actualStartMs: startMs, nodeNames })),
      ...[...pending].map((row) => ({ ...row, actualStartMs: null, nodeNames: null })),
    ]
      .sort((a, b) => a.submitMs - b.submitMs)
      .map((row) => ({ ...row, isHeld: false }));
    const shifted = rowsFrom(queue, atMs).map((row, index): QueueRow => {
      const { nodeNames = null } = queue[index] ?? {};
      return { ...row, nodeNames, isHeld: false };
    });
    const history = rowsFrom(ended, atMs)
      .filter(({ submitMs }) => submitMs >= -HISTORY_MS)
      .sort((a, b) => a.submitMs - b.submitMs);
    return {
      snapshot: { nodes, policy: slurm.policy, rules, queue: shifted, nodesOut: [], usage: [] },
      history,
      slurm,
      pending: pending.size,
      running: running.size,
    };
  };
  const wanted = [...depths];
  runTwin(
    {
      nodes,
      policy,
      timing: slurm.timing,
      jobs: jobs.source,
      incidents: null,
      operator: null,
      observers: [
        {
          jobSubmitted: ({ request }) => void pending.add(rowOf(request.jobId)),
          attemptStarted: ({ request }, _attempt, { nodeIndices }, _queuedMs, atMs) => {
            const row = rowOf(request.jobId);
            pending.delete(row);
            running.set(row, { startMs: atMs, nodeNames: nodeIndices.map((index) => nodes[index]?.name ?? '') });
          },
          jobEnded: ({ job: { request }, startMs }) => {
            const row = rowOf(request.jobId);
            running.delete(row);
            if (startMs !== null) ended.push({ ...row, actualStartMs: startMs });
          },
          settled: (atMs) => {
            while (wanted[0] !== undefined && pending.size >= wanted[0]) {
              wanted.shift();
              sites.push(take(atMs));
            }
          },
        },
      ],
      untilMs: null,
    },
    { isEnough: () => wanted.length === 0 },
  );
  if (wanted.length > 0) throw new Error(`never do ${wanted[0]} jobs of ${mix} wait`);
  return sites;
}
