import { ZERO_MS } from '../lib/zero-ms.ts';
import type { Chunk } from './attempt-ends.ts';
import type { Lane } from './backlog.ts';
import type { CoreJob } from './core-types.ts';
import type { JobKind } from './job-kind.ts';
import type { CpuCap } from './cpu-cap.ts';
import type { Demand } from './limit-faults.ts';
import type { PartitionExcess } from './partition-limits.ts';
import type { Candidate } from './preempting.ts';
import type { Dependency, EndCause, EndState, JobRequest } from './types.ts';

/** What becomes of a job whose attempt is over: `decide` turns it into a decision. */
export type Verdict =
  | { kind: 'requeue'; requeues: number; hold: 'launch' | null }
  | { kind: 'end'; state: EndState; exitCode: number };

/** What an attempt holds: the same on each of its nodes, or all of each. */
export interface Held {
  /** In node-rank order. */
  readonly nodeIndices: readonly number[];
  readonly gpusPerNode: number;
  /** Of a job that does not have whole nodes. */
  readonly cpusPerNode: number;
  /** Of each node which GPUs, ascending; null where it holds all of its GPUs or none. */
  readonly gpuIndices: readonly (readonly number[])[] | null;
}

/** Most jobs exclude none: they share it, since a set of its own is a fifth of a pending job's memory. */
const NO_NODES: ReadonlySet<string> = new Set();
/** Slurm keeps a `PriorityTier` in 16 bits. */
const TIERS = 65_536;
const NO_DEPENDENCIES: readonly Dependency[] = [];

/**
 * The scheduler's own account of a job that has not ended. Mutated in place. First, so that they lie side by side in memory, stands what is asked of a
 * job as its attempts begin and end; by then nothing of it is left in the processor's caches.
 */
export class JobRecord implements CoreJob {
  request: JobRequest;
  kind: JobKind;
  held: Held | null = null;
  /** `over`: its attempt (or, if it was cancelled while pending, its wait) is over and `verdict` says what follows. */
  phase: 'pending' | 'starting' | 'running' | 'over' = 'pending';
  /** Why the attempt is to end, the strongest reason so far; null while it may run on. */
  cause: EndCause | null = null;
  /** Whether the driver was told to end it. */
  isEnding = false;
  /** The driver's own. */
  slot = -1;
  attempt = 0;
  /** As which it could be preempted; null while it holds no nodes, is being ended, or nobody may preempt it. */
  candidate: Candidate | null = null;
  verdict: Verdict | null = null;
  /** When the current attempt was decided, and its number among all that were; 0 of one that was cancelled before. */
  startMs = ZERO_MS;
  startNumber = 0;
  /** Infinity where it has none. */
  limitMs: number = ZERO_MS;
  /** By how much it may outrun its time limit; Infinity: for ever. */
  overMs: number;
  /** When its time limit, and what it may outrun it by, end the attempt; Infinity before it has started, without a limit, and once it is being ended. */
  deadlineMs = Infinity;
  /** When its attempt ends at the latest, for the forecast (see AttemptEnds); 0 while it holds no nodes. */
  endMsMax = ZERO_MS;
  /** Where AttemptEnds keeps it; null while it holds no nodes. */
  endChunk: Chunk | null = null;
  /** On how many available nodes nothing ends later than this attempt. */
  lastOnCount = 0;
  /** What counts against limits; null where none can concern the job. */
  demand: Demand | null;
  requeues = 0;
  /** For whom, where it is preempted. */
  preemptorJobId: number | null = null;
  readonly excluded: ReadonlySet<string>;
  /** Bit of its partition; nodes outside it are not for the job. */
  partitionBit: number;
  /** Of its QOS among those that preempt each other, then of its partition: comes before all priorities. */
  tier = 0;
  /** The limit of its partition that it breaks: it never starts. */
  excess: PartitionExcess | null;
  /** What its partition's jobs may have of the CPUs of a node; null: all. */
  cap: CpuCap | null;
  /** Of a job that names several partitions: what waits in the queue in its place, one for each of them in this order. Null of all others. */
  entries: readonly JobRecord[] | null = null;
  /** Of such an entry: the job, and which of its entries this is. */
  owner: JobRecord | null = null;
  entryIndex = 0;
  /** Higher starts first. The request's, or worked out from its factors. */
  priority: number;
  /** The part of it that does not change while it waits. */
  staticPriority: number;
  /** The calculation of age and fair-share that it is as of. */
  calculatedMs = ZERO_MS;
  /** The survey of the cluster's size that it was worked out after. */
  surveyNumber = 0;
  hold: 'user' | 'launch' | null;
  /** Dependencies not satisfied yet. */
  waitsFor: readonly Dependency[] = NO_DEPENDENCIES;
  /** Not before this instant: `--begin`, or what a requeue has to wait. */
  eligibleMs = ZERO_MS;
  /** Nodes that are kept for it while those who held them are being preempted. */
  claimed: readonly number[] | null = null;
  /** Nobody is looked for to preempt before this instant. */
  preemptRetryMs = ZERO_MS;
  /** Nor before so many nodes in all were freed or could be: with fewer it would come to nothing again. */
  preemptRetryNodes = 0;
  /** The array whose throttle let it back into the queue: if it does not start, another task may. */
  unparkedFrom: number | null = null;
  /** 1 at the index of each node that reservations keep it off now; null for none. */
  barred: Uint8Array | null = null;
  /** The reservation that it names has not begun, or is over. */
  isOutsideReservation = false;
  /** Jobs that ask for the same on a node have the same number; -1 for one that excludes nodes. */
  shape = -1;
  /** What it asked for, where its tasks are spread otherwise. */
  #asked: { request: JobRequest; shape: number } | null = null;
  /** What it asked for before it was in one of its partitions. */
  #several: JobRequest | null = null;
  /** Where the queue keeps it. */
  place: 'front' | 'rest' | 'aside' | null = null;
  isArrival = false;
  /** Passes have seen it come to the front. */
  hasArrived = false;
  /** Its number among all that were put in the queue. */
  addNumber = 0;
  /** Where it waits behind the front; null elsewhere. */
  lane: Lane | null;
  /** Its place in its lane, or among the tasks of its array; -1 outside. */
  queueIndex: number;
  /** Its neighbours among those for whom somebody may be preempted; null at either end, and outside. */
  retryBefore: JobRecord | null = null;
  retryAfter: JobRecord | null = null;
  /** Its place in the heap of those that wait for an instant; -1 outside. */
  timerIndex = -1;

  constructor(request: JobRequest, terms: JobTerms, kind: JobKind, attempt: number) {
    this.request = request;
    this.kind = kind;
    this.demand = isCounted(request, kind) ? demandOf(request, terms) : null;
    this.excluded = request.excludedNodes.length === 0 ? NO_NODES : new Set(request.excludedNodes);
    this.limitMs = terms.limitMs;
    this.partitionBit = terms.partitionBit;
    this.tier = kind.preemption.rank * TIERS + terms.tier;
    this.overMs = terms.overMs;
    this.excess = terms.excess;
    this.cap = terms.cap;
    this.shape = terms.shape;
    this.priority = request.priority;
    this.staticPriority = request.priority;
    this.attempt = attempt;
    this.hold = request.isHeld ? 'user' : null;
    this.eligibleMs = request.beginMs ?? 0;
    // Not above: a field that nobody has set but once V8 takes for a constant, and throws away all code that was compiled for it at the first job
    // that waits behind the front.
    this.lane = null;
    this.queueIndex = -1;
  }

  get allocation(): Held | null {
    return this.held;
  }

  /** Its tasks are spread over more nodes, as this one's are: from now on, also where it is requeued. */
  spreadAs({ request, shape }: JobRecord): void {
    this.#asked ??= { request: this.request, shape: this.shape };
    this.request = request;
    this.shape = shape;
  }

  /** It asks for what it asked for at first. */
  gather(): void {
    if (this.#asked === null) return;
    ({ request: this.request, shape: this.shape } = this.#asked);
    this.#asked = null;
  }

  /** It is to run in the partition of this entry: all that the policy makes of it there holds from now on. */
  enter(entry: JobRecord): void {
    this.#several ??= this.request;
    this.request = entry.request;
    this.kind = entry.kind;
    this.demand = entry.demand;
    this.limitMs = entry.limitMs;
    this.partitionBit = entry.partitionBit;
    this.tier = entry.tier;
    this.overMs = entry.overMs;
    this.excess = entry.excess;
    this.cap = entry.cap;
    this.shape = entry.shape;
    this.priority = entry.priority;
    this.staticPriority = entry.staticPriority;
  }

  /** It may be in any of its partitions again. */
  leavePartition(): void {
    if (this.#several !== null) this.request = this.#several;
    this.#several = null;
  }

  /** The rank of its QOS is another; its tier in the partition stays. */
  rank(): void {
    this.tier = this.kind.preemption.rank * TIERS + (this.tier % TIERS);
  }
}

/** What a policy makes of a request. */
export interface JobTerms {
  /** For how long it may run, whoever said so; Infinity for ever. */
  limitMs: number;
  /** The same for limits on minutes: see `Demand`. */
  minutesMs: number;
  overMs: number;
  partitionBit: number;
  tier: number;
  excess: PartitionExcess | null;
  cap: CpuCap | null;
  shape: number;
}

/** What counts of it against limits. */
function demandOf({ nodes, perNode, array }: JobRequest, { limitMs, minutesMs }: JobTerms): Demand {
  const runningMax = array?.runningMax ?? null;
  return {
    nodes,
    gpus: nodes * perNode.gpus,
    cpus: nodes * perNode.cpus,
    memoryBytes: nodes * perNode.memoryBytes,
    timeLimitMs: limitMs === Infinity ? null : limitMs,
    minutesMs,
    array: array === undefined || runningMax === null ? null : { id: array.id, runningMax },
  };
}

function isCounted({ array }: JobRequest, { isLimited, limits }: JobKind): boolean {
  return isLimited || limits.counters.length + limits.runCounters.length > 0 || (array?.runningMax ?? null) !== null;
}

/** True where an attempt of the job holds nodes. */
export function isOnNodes(job: JobRecord): boolean {
  return job.phase === 'starting' || job.phase === 'running';
}
