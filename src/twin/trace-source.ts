import { DEFAULT_QOS } from '../scheduler/default-names.ts';
import { definite } from '../lib/assert.ts';
import { type Entrant, excessFinder, excessText } from '../scheduler/partition-limits.ts';
import type { PartitionPolicy, SchedulerOptions } from '../scheduler/policy.ts';
import type { JobRequest } from '../scheduler/types.ts';
import { EarlierJobs } from './earlier-jobs.ts';
import { rowPartitions, type RowPartitions } from './row-partitions.ts';
import { RowReservations } from './row-reservations.ts';
import { rowsAsAsked } from './rows-as-asked.ts';
import { askedText, type Shape, ShapeBook } from './trace-shapes.ts';
import type { TraceOptions } from './trace-options.ts';
import type { TraceRow } from './trace-row.ts';
import { checkpointingWithin, workWithin } from './attempt-progress.ts';
import type { JobSource, TwinJob } from './types.ts';

/** A row that cannot run on this cluster. */
export interface RefusedRow {
  readonly line: number;
  readonly job: string;
  readonly reason: string;
}

export interface TraceJobs {
  readonly source: JobSource;
  /** How many jobs the source gives. */
  readonly count: number;
  readonly refused: readonly RefusedRow[];
  /** What the requests leave out, and in how many rows. */
  readonly leftOut: ReadonlyMap<string, number>;
  /** The trace's own id of a request's `jobId`. */
  readonly nameOf: (jobId: number) => string;
  /** The row that a request came from. */
  readonly rowOf: (jobId: number) => TraceRow | undefined;
  /** Jobs beyond the limits of their partition, which wait for ever. */
  readonly beyond: readonly RefusedRow[];
  /** Jobs that ran longer than they asked for, on a cluster that let them: here they are ended at their time limit. */
  readonly overRun: readonly TraceRow[];
  /** How many ask for no memory and therefore have all of a node's, though they do not ask for the node. */
  readonly allMemoryCount: number;
}

const NO_REQUEUE_LIMIT = 1_000_000;
/** By how much the work of a job that was cut off at its limit goes beyond when limits are looked at: enough to be cut off again. */
const BEYOND_LIMIT_MS = 1000;
/** Shared by all jobs: most exclude no node and wait for no other. */
const NONE: readonly never[] = [];

/**
 * Jobs of the twin from the rows of a trace, which are in the order of their submission. Requests count from 1 in that order. A row that the
 * empty cluster could not run is refused with the reason, and so is one that waits for a row that is not there before it.
 */
export function traceJobs(rows: readonly TraceRow[], options: TraceOptions): TraceJobs {
  const partitionsOf = rowPartitions(options.policy.partitions);
  const shapes = new ShapeBook(options);
  const refused: RefusedRow[] = [];
  const kept: KeptRow[] = [];
  const isDependent = rows.some(({ after }) => after.length > 0);
  const earlier = new EarlierJobs();
  const beyond: RefusedRow[] = [];
  const overRun: TraceRow[] = [];
  const exclusivePartitions = new Set(options.exclusivePartitions);
  const isWhole = (row: TraceRow, partition: PartitionPolicy | undefined) =>
    row.isExclusive ||
    row.gpusPerNode === null ||
    options.isExclusive === true ||
    exclusivePartitions.has(partition?.name ?? '');
  const overMsOf = (partition: PartitionPolicy | undefined) => {
    const { overTimeSeconds = 0 } = options.policy;
    const seconds = partition?.overTimeSeconds === undefined ? overTimeSeconds : partition.overTimeSeconds;
    return (seconds ?? Infinity) * 1000;
  };
  let allMemoryCount = 0;
  const qos = qosNames(options.policy);
  const find = excessFinder(options.policy.qos);
  const reservations = new RowReservations(options.policy);
  const asAsked = rowsAsAsked(options);
  const { enforcePartLimits = false } = options.policy;
  const chanceIn = (partition: PartitionPolicy | undefined, row: TraceRow): Chance => {
    const shape = shapes.of(row, partition);
    const isHeldTo = partition !== undefined && options.isRunning?.(row) !== true;
    const excess = isHeldTo ? excessOf(row, partition, qos, find) : null;
    const isRefused = excess !== null && enforcePartLimits !== false;
    const reason = isRefused ? excess : refusal(row, shape, isWhole(row, partition), partition, earlier, shapes);
    return { partition, shape, excess, reason };
  };
  const chanceOf = (row: TraceRow): Chance => {
    const { all } = partitionsOf(row.partition);
    if (all.length === 1) return chanceIn(all[0], row);
    return bestOf(
      all.map((partition) => chanceIn(partition, row)),
      enforcePartLimits === true,
    );
  };
  for (const given of rows) {
    const row = asAsked(given);
    const { partition, shape, excess, reason } = chanceOf(row);
    if (shape === null || reason !== null) {
      refused.push({ line: row.line, job: row.job, reason: reason ?? '' });
      continue;
    }
    kept.push({ row, shape, partition });
    if (excess !== null) beyond.push({ line: row.line, job: row.job, reason: excess });
    if (row.outcome !== 'TIMEOUT' && row.runMs > endedAfterMs(row, overMsOf(partition), options)) overRun.push(row);
    if (shape.isAllMemory && !isWhole(row, partition)) allMemoryCount += 1;
    if (isDependent) earlier.add(row, kept.length);
  }
  const arrayIds = new Map<string, number>();
  let position = 0;
  const next = (): TwinJob | null => {
    const entry = kept[position];
    if (entry === undefined) return null;
    position += 1;
    const { row, shape, partition } = entry;
    const { job, request } = newJob(row, shape, position, isWhole(row, partition), options, overMsOf(partition));
    if (row.after.length > 0) {
      request.dependencies = earlier.dependenciesOf(row);
      if (row.isAnyEnough === true) request.isAnyEnough = true;
    }
    if (earlier.isStartAwaited(position)) job.isStartKept = true;
    if (row.array !== undefined) {
      const { name, runningMax } = row.array;
      const id = arrayIds.get(name) ?? arrayIds.size + 1;
      arrayIds.set(name, id);
      request.array = { id, runningMax };
    }
    if (row.qos !== null && qos.has(row.qos)) request.qos = row.qos;
    const { names } = partitionsOf(row.partition);
    if (names !== undefined) request.partition = names;
    const reservation = reservations.of(row);
    if (reservation !== null) request.reservation = reservation;
    return job;
  };
  return {
    source: { next, countEstimate: kept.length, endMsEstimate: kept.at(-1)?.row.submitMs ?? 0 },
    count: kept.length,
    refused,
    leftOut: countLeftOut(kept, qos, partitionsOf, reservations),
    beyond,
    overRun,
    allMemoryCount,
    nameOf: (jobId) => kept[jobId - 1]?.row.job ?? String(jobId),
    rowOf: (jobId) => kept[jobId - 1]?.row,
  };
}

interface KeptRow {
  row: TraceRow;
  shape: Shape;
  /** Of several that which it was found to fit. */
  partition: PartitionPolicy | undefined;
}

/** A row in one of its partitions: in words which limit it breaks there, and why it is refused. */
interface Chance {
  partition: PartitionPolicy | undefined;
  shape: Shape | null;
  excess: string | null;
  reason: string | null;
}

/** The first of its partitions that runs it, else that lets it wait; `isForAll`: the first that does not take it, where one does not. */
function bestOf(chances: readonly Chance[], isForAll: boolean): Chance {
  const isOpen = ({ reason }: Chance) => reason === null;
  const best =
    (isForAll ? chances.find((chance) => !isOpen(chance)) : undefined) ??
    chances.find((chance) => isOpen(chance) && chance.excess === null) ??
    chances.find(isOpen) ??
    chances[0];
  return definite(best, 'every row has a partition, if only the whole cluster');
}

/** Why the empty cluster could not run it; null if it could. */
function refusal(
  row: TraceRow,
  shape: Shape | null,
  isWhole: boolean,
  partition: PartitionPolicy | undefined,
  earlier: EarlierJobs,
  shapes: ShapeBook,
): string | null {
  const { name = '', nodes = null, maxCpusPerNode = Infinity } = partition ?? {};
  const place = nodes === null ? '' : ` of partition ${name}`;
  if (shape === null) return `no node${place} has ${shapes.missingText(row, partition)}`;
  if (shape.nodeCount < row.nodes) {
    return `it asks for ${row.nodes} nodes${withWhat(row)}; there are ${shape.nodeCount}${place}`;
  }
  const { cpus } = isWhole ? shape.whole : shape.shared;
  if (cpus > maxCpusPerNode)
    return `it has ${cpus} CPUs of a node, and partition ${name} gives ${maxCpusPerNode} of each at most`;
  const lost = earlier.lostBy(row);
  return lost === null ? null : `it waits for job ${lost}, which is not there before it`;
}

/** A row that asks for whole nodes, and nothing more, asks for no more than their number. */
function withWhat(row: TraceRow): string {
  const { gpusPerNode, cpusPerNode, memoryBytesPerNode, gpuType } = row;
  const isPlain = gpusPerNode === null && cpusPerNode === null && memoryBytesPerNode === null && gpuType === null;
  return isPlain ? '' : ` with ${askedText(row)}`;
}

/** When a job that runs on is ended for its own time limit and what it may outrun that by; never without one. */
function endedAfterMs(
  { limitMs }: TraceRow,
  overMs: number,
  { limitStepMs = 1, policy: { cadence } }: TraceOptions,
): number {
  if (limitMs === null) return Infinity;
  return Math.ceil(limitMs / limitStepMs) * limitStepMs + overMs + (cadence?.timeLimitCheckSeconds ?? 0) * 1000;
}

/** Those of which the policy says anything. */
function qosNames({ qos = [], partitions = [] }: SchedulerOptions): Set<string> {
  const listed = partitions.flatMap(({ allowQos = [], denyQos = [] }) => [...allowQos, ...denyQos]);
  return new Set([...qos.map(({ name }) => name), ...listed]);
}

/** In words why its partition does not let the row run; null where it does. */
function excessOf(
  row: TraceRow,
  partition: PartitionPolicy,
  known: ReadonlySet<string>,
  find: ReturnType<typeof excessFinder>,
): string | null {
  const { nodes, limitMs, account, qos } = row;
  const entrant: Entrant = { nodes, timeLimitMs: limitMs };
  if (account !== null) entrant.account = account;
  if (qos !== null && known.has(qos)) entrant.qos = qos;
  const excess = find(partition, entrant);
  return excess === null ? null : excessText(excess, partition, entrant);
}

function newJob(
  row: TraceRow,
  shape: Shape,
  jobId: number,
  exclusive: boolean,
  options: TraceOptions,
  overMs: number,
): { job: TwinJob; request: JobRequest } {
  const { limitStepMs = 1 } = options;
  const request: JobRequest = {
    jobId,
    submitMs: row.submitMs,
    priority: row.priority,
    nodes: row.nodes,
    perNode: exclusive && !shape.isAsked ? shape.whole : shape.shared,
    gpuType: shape.gpuType,
    exclusive,
    timeLimitMs: row.limitMs === null ? null : Math.ceil(row.limitMs / limitStepMs) * limitStepMs,
    excludedNodes: NONE,
    maxRequeues: options.maxRequeues ?? NO_REQUEUE_LIMIT,
    dependencies: NONE,
    isHeld: false,
  };
  if (row.isSpread === true && !exclusive) request.isSpread = true;
  if (row.user !== null) request.user = row.user;
  if (row.account !== null) request.account = row.account;
  if (row.eligibleMs !== null && row.eligibleMs > row.submitMs) request.beginMs = row.eligibleMs;
  const isCutOff = row.outcome === 'TIMEOUT';
  const checkMs = (options.policy.cadence?.timeLimitCheckSeconds ?? 0) * 1000;
  // Where nobody is cut off, the record tells of another cluster.
  const cutOffMs = (request.timeLimitMs ?? 0) + (overMs === Infinity ? 0 : overMs);
  const elapsedMs = isCutOff ? Math.max(row.runMs, cutOffMs) + checkMs + BEYOND_LIMIT_MS : row.runMs;
  // The recorded time has the start of the training in it: left alone, the job takes no longer than it did.
  const checkpointing = checkpointingWithin(elapsedMs, options.checkpointing ?? null);
  const job: TwinJob = {
    request,
    workMs: Math.max(1, Math.round(workWithin(elapsedMs, checkpointing))),
    outcome: isCutOff ? 'COMPLETED' : row.outcome,
    cancelAfterMs: row.cancelAfterMs ?? null,
    checkpointing,
  };
  return { job, request };
}

function countLeftOut(
  kept: readonly KeptRow[],
  knownQos: ReadonlySet<string>,
  partitionsOf: (names: string | null) => RowPartitions,
  reservations: RowReservations,
): Map<string, number> {
  const counts = new Map<string, number>();
  const count = (what: string) => counts.set(what, (counts.get(what) ?? 0) + 1);
  for (const { row, shape } of kept) {
    // A job without a QOS has this one, whether or not the policy says more of it.
    if (row.qos !== null && row.qos !== DEFAULT_QOS && !knownQos.has(row.qos))
      count(`QOS ${row.qos}: the policy has none of this name`);
    for (const name of partitionsOf(row.partition).unknown)
      count(`partition ${name}: the policy has none of this name`);
    const unused = reservations.reasonAgainst(row);
    if (unused !== null) count(unused);
    if (row.gpuType !== shape.gpuType) count(`GPU type ${row.gpuType}: the cluster has none`);
  }
  return counts;
}
