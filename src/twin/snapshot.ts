import type { NodeSpec, Resources } from '../cluster/node.ts';
import { completePolicy, partitionFinder, type SchedulerOptions } from '../scheduler/policy.ts';
import { billingRate } from '../scheduler/billing.ts';
import type { CarriedUse } from '../scheduler/core-types.ts';
import type { CarriedMinutes } from '../scheduler/types.ts';
import type { StartState } from './scenario.ts';
import { RunTimes } from './run-times.ts';
import type { TraceOptions } from './trace-options.ts';
import type { TraceRow } from './trace-row.ts';
import { traceJobs, type TraceJobs } from './trace-source.ts';
import type { TwinJob } from './types.ts';

/** A job that runs or waits at instant 0. Its times before that are below 0, and its run time is what it will come to in all. */
export interface QueueRow extends TraceRow {
  /** On which it runs, since `actualStartMs`; null: it waits. */
  readonly nodeNames: readonly string[] | null;
  /** It will not start (`JobHeldUser`, `DependencyNeverSatisfied`). */
  readonly isHeld: boolean;
}

/** A cluster in the midst of its work, at instant 0. */
export interface Snapshot {
  readonly nodes: readonly NodeSpec[];
  readonly policy: SchedulerOptions;
  /** What becomes of what jobs ask for. */
  readonly rules: Omit<TraceOptions, 'nodes' | 'policy'>;
  /** In the order of their submissions. */
  readonly queue: readonly QueueRow[];
  /** Names of nodes that take nothing new. */
  readonly nodesOut: readonly string[];
  /** As of `priority.calcAgeSeconds` ago, for jobs that run; what has ended since is in it. */
  readonly usage: readonly CarriedUse[];
  /** What jobs that have ended used, for limits on used minutes. Absent: nothing. */
  readonly minutes?: readonly CarriedMinutes[];
}

/** The jobs of a run that takes a cluster over; `source` are those that arrive from instant 0 on, and `rowOf` knows these alone. */
export interface SnapshotJobs extends TraceJobs {
  readonly start: StartState;
}

/** The rows with their times counted from `instantMs` of their trace on. */
export function rowsFrom(rows: readonly TraceRow[], instantMs: number): TraceRow[] {
  const from = (ms: number | null) => (ms === null ? null : ms - instantMs);
  return rows.map((row) => ({
    ...row,
    submitMs: row.submitMs - instantMs,
    eligibleMs: from(row.eligibleMs),
    actualStartMs: from(row.actualStartMs),
  }));
}

/** How long the job has run at instant 0; 0 for one that waits. */
export function elapsedMs({ nodeNames, actualStartMs }: QueueRow): number {
  return nodeNames === null ? 0 : Math.max(0, -(actualStartMs ?? 0));
}

/** How long jobs of this cluster run, from those that have ended and those that run. */
export function runTimesOf(history: Iterable<TraceRow>, queue: readonly QueueRow[]): RunTimes {
  const running = queue.filter(({ nodeNames }) => nodeNames !== null);
  return new RunTimes(
    history,
    running.map((row) => ({ ...row, elapsedMs: elapsedMs(row) })),
  );
}

/** The jobs with the run times that those of the past lead one to expect. */
export function withExpectedRunTimes(queue: readonly QueueRow[], runTimes: RunTimes): QueueRow[] {
  return queue.map((row) => ({ ...row, runMs: runTimes.expected(row, elapsedMs(row)) }));
}

/**
 * What the twin needs to go on from a snapshot: `{nodes, policy, ...snapshotJobs(snapshot, arrivals)}` is a scenario's. Jobs that the cluster
 * could not run are in `refused`; so are those that run on nodes which are not there. `nameOf` gives the names of all of them.
 */
export function snapshotJobs(snapshot: Snapshot, arrivals: readonly TraceRow[] = []): SnapshotJobs {
  const { nodes, policy, rules, queue, minutes = [] } = snapshot;
  const indexOf = new Map(nodes.map(({ name }, index) => [name, index]));
  const isPlaced = ({ nodeNames }: QueueRow) => nodeNames?.every((name) => indexOf.has(name)) !== false;
  const lost = queue.filter((row) => !isPlaced(row));
  const kept = queue.filter(isPlaced);
  const placed: ReadonlySet<TraceRow> = new Set(kept.filter(({ nodeNames }) => nodeNames !== null));
  const isRunning = (row: TraceRow) => placed.has(row);
  const jobs = traceJobs([...kept, ...arrivals], { ...rules, nodes, policy, isRunning });
  const rowOf = new Map(kept.map((row) => [row.job, row]));
  const running: { job: TwinJob; startMs: number; nodeIndices: readonly number[] }[] = [];
  const pending: TwinJob[] = [];
  const room = new Room(nodes);
  const refusedNames = new Set(jobs.refused.map(({ job }) => job));
  for (const _ of kept.filter(({ job }) => !refusedNames.has(job))) {
    const job = jobs.source.next();
    const row = job === null ? undefined : rowOf.get(jobs.nameOf(job.request.jobId));
    if (job === null || row === undefined) break;
    if (row.nodeNames === null) {
      const beginMs = Math.max(row.submitMs, row.eligibleMs ?? row.submitMs);
      pending.push({ ...job, request: { ...job.request, beginMs, isHeld: row.isHeld } });
      continue;
    }
    const nodeIndices = row.nodeNames.map((name) => indexOf.get(name) ?? -1);
    const perNode = room.take(nodeIndices, job.request.perNode);
    const isWhole = perNode.cpus === job.request.perNode.cpus && perNode.gpus === job.request.perNode.gpus;
    const exclusive = job.request.exclusive && isWhole;
    const request = { ...job.request, perNode, exclusive, nodes: nodeIndices.length };
    running.push({ job: { ...job, request }, startMs: row.actualStartMs ?? 0, nodeIndices });
  }
  running.sort((a, b) => a.startMs - b.startMs || a.job.request.jobId - b.job.request.jobId);
  const nodesOut = snapshot.nodesOut.flatMap((name) => indexOf.get(name) ?? []);
  const refused = lost.map(({ line, job }) => ({
    line,
    job,
    reason: 'it runs on nodes that the cluster does not have',
  }));
  return {
    ...jobs,
    rowOf: (jobId) => (rowOf.has(jobs.nameOf(jobId)) ? undefined : jobs.rowOf(jobId)),
    refused: [...refused, ...jobs.refused],
    start: { running, pending, nodesOut, usage: withRunning(snapshot, running), minutes },
  };
}

/** Slurm adds what jobs use when it works factors out: what those that run have used since is missing. */
function withRunning({ policy, usage }: Snapshot, running: StartState['running']): CarriedUse[] {
  const complete = completePolicy(policy);
  const { calcAgeSeconds } = complete.priority;
  const factorOf = new Map(complete.qos.map(({ name, usageFactor = 1 }) => [name, usageFactor]));
  const partitionOf = partitionFinder(complete.partitions);
  const uses = usage.map((use) => ({ ...use }));
  const nameOf = (user = '', account = '') => `${account}/${user}`;
  const useOf = new Map(uses.map((use) => [nameOf(use.user, use.account), use]));
  for (const { job, startMs } of running) {
    const { user, account, qos = '', partition = null, nodes, perNode } = job.request;
    const use = useOf.get(nameOf(user, account));
    const seconds = Math.min(calcAgeSeconds, -startMs / 1000);
    const rate = nodes * billingRate(complete, partitionOf(partition), perNode) * (factorOf.get(qos) ?? 1);
    if (use !== undefined) use.billingSeconds += rate * seconds;
  }
  return uses;
}

/** What is left on each node: jobs that run have what they have, even where it is reckoned to be more than there is. */
class Room {
  readonly #left: Resources[];

  constructor(nodes: readonly NodeSpec[]) {
    this.#left = nodes.map(({ resources }) => ({ ...resources }));
  }

  /** What it asks for on each of the nodes, or as much of it as all of them have. */
  take(nodeIndices: readonly number[], { cpus, memoryBytes, gpus }: Resources): Resources {
    const taken = { cpus, memoryBytes, gpus };
    for (const index of nodeIndices) {
      const left = this.#left[index];
      if (left === undefined) continue;
      taken.cpus = Math.min(taken.cpus, left.cpus);
      taken.memoryBytes = Math.min(taken.memoryBytes, left.memoryBytes);
      taken.gpus = Math.min(taken.gpus, left.gpus);
    }
    for (const index of nodeIndices) {
      const left = this.#left[index];
      if (left === undefined) continue;
      left.cpus -= taken.cpus;
      left.memoryBytes -= taken.memoryBytes;
      left.gpus -= taken.gpus;
    }
    return taken;
  }
}
