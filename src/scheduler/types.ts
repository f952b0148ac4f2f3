import type { NodeSpec, NodeState, Resources } from '../cluster/node.ts';
import type { Amounts } from './limit-reasons.ts';
import type { PendingReason } from './pending-reason.ts';
import type { NodeReservation } from './policy.ts';

/** Slurm's job states. They belong to attempts; a job's state is that of its last attempt, and a requeued job is PENDING. */
export type JobState =
  | 'PENDING'
  | 'RUNNING'
  | 'COMPLETING'
  | 'COMPLETED'
  | 'FAILED'
  | 'CANCELLED'
  | 'TIMEOUT'
  | 'PREEMPTED'
  | 'NODE_FAIL'
  | 'OUT_OF_MEMORY';

/** States an attempt or a job can end in. */
export type EndState = Exclude<JobState, 'PENDING' | 'RUNNING' | 'COMPLETING'>;

/**
 * Why the scheduler itself ends an attempt that still runs. REQUEUE is `scontrol requeue`: the job is to run again. HANG: its tasks run and get
 * nowhere; it is to run again as after a node failure.
 */
export type EndCause = 'CANCELLED' | 'TIMEOUT' | 'NODE_FAIL' | 'REQUEUE' | 'PREEMPTED' | 'HANG';

/** For whom an attempt is preempted, and the nodes that are kept for that job from then on. */
export interface Preemptor {
  jobId: number;
  nodeNames: readonly string[];
  /** The one of its partitions in which it is to run, where it names several. */
  partition?: string;
}

/** As `sbatch --dependency` has them. `after`: the job has started, or has ended without. */
export interface Dependency {
  condition: 'afterok' | 'afterany' | 'afternotok' | 'after';
  jobId: number;
  /** Of `after`: so long after the start of its last attempt, or after it was cancelled before one. Absent: 0. */
  delayMs?: number;
  /** Of `after` with a delay, on a job that had ended by the submission: when that counts from. Absent: it is over. */
  startMs?: number;
  /**
   * Those of the same number are one dependency, on all tasks of an array: `afternotok` holds where one of them has not ended well, once all
   * have ended. Absent: it is one by itself.
   */
  set?: number;
}

/** What the scheduler needs to know of a job, and nothing else. */
export interface JobRequest {
  /** Positive integer, counted up at submission; the last tie-break of every ordering. */
  jobId: number;
  submitMs: number;
  /** Higher starts first; equal priorities are first in, first out (`submitMs`, then `jobId`). */
  priority: number;
  /** Gang size: all of these nodes at once or none. */
  nodes: number;
  perNode: Resources;
  /** All its CPUs together count, on these nodes or on more of them with less on each (tasks without a number of nodes). Absent: no. */
  isSpread?: boolean;
  /** Only nodes with this GPU type; null for any. */
  gpuType: string | null;
  /** Whole nodes, whatever `perNode` says (`--exclusive`). */
  exclusive: boolean;
  /** Null for no limit. The clock starts when the attempt has started. */
  timeLimitMs: number | null;
  excludedNodes: readonly string[];
  /** How many times a node failure or a hang may put the job back in the queue; with 0 a preemption ends it too (`--no-requeue`). */
  maxRequeues: number;
  dependencies: readonly Dependency[];
  /** One of the dependencies suffices (`?` between them). Absent: all have to hold. */
  isAnyEnough?: boolean;
  isHeld: boolean;
  /** Absent: `default`. */
  user?: string;
  /** Absent: `default`. */
  account?: string;
  /** Absent: `normal`. */
  qos?: string;
  /** Absent: the default partition. Several (`a,b`): it waits in each of them, and runs in the one that can start it first. */
  partition?: string;
  /** Name of the node reservation it runs in. */
  reservation?: string;
  /**
   * The job array it is a task of, how many of that may run at once (`--array=0-99%4`), and which task it is, for people. Tasks of an array ask
   * for the same: where one finds no room the others are not tried.
   */
  array?: { id: number; runningMax: number | null; taskId?: number };
  /** Not before this instant (`--begin`). */
  beginMs?: number;
}

/** What an attempt holds on one node. */
export interface NodeAllocation {
  nodeName: string;
  resources: Resources;
  /** Which of the node's GPUs, ascending; its length is `resources.gpus`. */
  gpuIndices: readonly number[];
}

/** One entry a node, in node-rank order. */
export type Placement = readonly NodeAllocation[];

/**
 * Facts, past tense. Those marked (echo) record what `decide` already did to the scheduler's own state: applying one live changes
 * nothing; applying them to a fresh scheduler, in journal order, rebuilds the state without deciding again. Live, the echoes of a cycle
 * are applied (or left out) as they were decided, in order, before any other event and before the next `decide`.
 */
export type SchedulerEvent =
  | { kind: 'NodeAdded'; atMs: number; node: NodeSpec }
  /** No longer part of the cluster. Refused while a job holds any of it; its name may be added again, as another node. */
  | { kind: 'NodeRemoved'; atMs: number; nodeName: string }
  /** Lost with everything on it: state `down` until `NodeResumed`. */
  | { kind: 'NodeFailed'; atMs: number; nodeName: string; reason: string }
  /** Finishes what runs, takes nothing new. */
  | { kind: 'NodeDrained'; atMs: number; nodeName: string; reason: string }
  | { kind: 'NodeResumed'; atMs: number; nodeName: string }
  /** An XID error of one of its GPUs; `atMs` is when it came. For the record: no decision depends on it. */
  | { kind: 'XidSeen'; atMs: number; nodeName: string; xid: number }
  /** Jobs of ours keep off it, which may not be drained: a scheduler of somebody else's has it. Null: no longer. For the record, too. */
  | { kind: 'NodeAvoided'; atMs: number; nodeName: string; reason: string | null }
  /** Somebody was asked to look at the node. For the record, too. */
  | { kind: 'TicketOpened'; atMs: number; nodeName: string; reason: string }
  /** Besides those of the policy. Refused where there is one of the name. */
  | { kind: 'ReservationCreated'; atMs: number; reservation: NodeReservation }
  | { kind: 'ReservationDeleted'; atMs: number; name: string }
  /** What was used by attempts that the scheduler is not told of, with what faded until `atMs` taken off: after a restart. */
  | { kind: 'UseCarried'; atMs: number; uses: readonly AssociationUse[]; minutes?: readonly CarriedMinutes[] }
  /**
   * A new job; or one that has ended and is to run again (a user's requeue): of those the scheduler keeps the outcome only, so it is told
   * the request again. Attempts go on counting from the last one known, or from `attemptsBefore` where that is more (after a restart
   * from a journal that no longer has the job's attempts).
   */
  | { kind: 'JobSubmitted'; atMs: number; job: JobRequest; attemptsBefore?: number }
  | { kind: 'JobHeld'; atMs: number; jobId: number }
  | { kind: 'JobReleased'; atMs: number; jobId: number }
  | { kind: 'JobCancelRequested'; atMs: number; jobId: number }
  /** Running: ended and put back in the queue, at no cost to `maxRequeues`. Pending: nothing. Ended: refused, apply JobSubmitted. */
  | { kind: 'JobRequeueRequested'; atMs: number; jobId: number }
  /** Its tasks run and have shown no sign of life for as long as the job allows. One that is ended already: nothing. */
  | { kind: 'AttemptHung'; atMs: number; jobId: number; attempt: number }
  /** A scheduler of somebody else's did not take what one of these two asked of it: as if it had not been. For the record. */
  | { kind: 'RequeueRefused'; atMs: number; jobId: number }
  /** (echo) of StartAttempt; recorded before anything is spawned. */
  | {
      kind: 'AttemptStarting';
      atMs: number;
      jobId: number;
      attempt: number;
      placement: Placement;
      /** The one that it runs in of the partitions that the job names; absent: it names no more than one. */
      partition?: string;
    }
  /** Its tasks run: the clock of the time limit starts. Once for each attempt: a second one is refused, since nothing starts twice. */
  | { kind: 'AttemptStarted'; atMs: number; jobId: number; attempt: number }
  /**
   * Nothing of the attempt runs, whether or not it had started. `isRetryable` (a port was taken, a daemon died before the claim): back to PENDING at no cost to
   * `maxRequeues`. Otherwise the job is held with reason `launch failed requeued held`.
   */
  | { kind: 'LaunchFailed'; atMs: number; jobId: number; attempt: number; isRetryable: boolean; message: string }
  /** (echo) of EndAttempt; recorded before anything is killed. */
  | { kind: 'AttemptEnding'; atMs: number; jobId: number; attempt: number; cause: EndCause; preemptor?: Preemptor }
  /**
   * Nothing of the attempt runs any more; its resources are free from here. `state` is what its tasks came to; where the attempt was being
   * ended, the job's state follows from the cause instead (a task that handles SIGTERM and exits with 0 did not complete). `lostNodes`: those of
   * its nodes that it was lost with, where they are known though nobody calls them failed yet.
   */
  | {
      kind: 'AttemptEnded';
      atMs: number;
      jobId: number;
      attempt: number;
      state: EndState;
      exitCode: number;
      lostNodes?: readonly string[];
    }
  /** (echo) of Requeue: the job is PENDING again under the same id. */
  | {
      kind: 'JobRequeued';
      atMs: number;
      jobId: number;
      requeues: number;
      isHeld: boolean;
      /** The partitions in which it waits, where they are several; absent: the one that it has. */
      partition?: string;
    }
  /**
   * (echo) of EndJob. For a job the scheduler does not know (ended before a restart) it records the outcome for dependencies, and with `startMs` what
   * a delay after its start counts from.
   */
  | { kind: 'JobEnded'; atMs: number; jobId: number; state: EndState; exitCode: number; startMs?: number };

/** What the driver has to carry out, in order. The scheduler's own state already reflects them. */
export type Decision =
  | { kind: 'StartAttempt'; jobId: number; attempt: number; placement: Placement; partition?: string }
  /** Kill every task, then report `AttemptEnded`. Decided once for each attempt. */
  | { kind: 'EndAttempt'; jobId: number; attempt: number; cause: EndCause; preemptor?: Preemptor }
  | { kind: 'Requeue'; jobId: number; requeues: number; isHeld: boolean; partition?: string }
  | { kind: 'EndJob'; jobId: number; state: EndState; exitCode: number };

export interface Cycle {
  decisions: Decision[];
  /** When `decide` must run again even if nothing happens (the next time limit); null for never. */
  wakeAtMs: number | null;
}

/** So many jobs of the same user, account and QOS. */
export interface JobsAlike {
  job: JobRequest;
  jobCount: number;
}

/** Outcome of asking whether the cluster, all its nodes up and empty, could ever run a request. */
export type Admission = { isAdmissible: true } | { isAdmissible: false; message: string };

/** What a user in an account used, in billing seconds. */
export interface AssociationUse {
  account: string;
  user: string;
  billingSeconds: number;
}

/**
 * What jobs of one kind used, for limits on used minutes, times the `usageFactor` of their QOS: milliseconds on the wall clock as `jobs`, and of each
 * resource its amount times milliseconds, of memory in MiB. `partition`: null for the default one.
 */
export interface CarriedMinutes {
  account: string;
  user: string;
  qos: string;
  partition: string | null;
  /** With what has faded taken off. */
  faded: Readonly<Amounts>;
  /** Without: where use does not fade. */
  whole: Readonly<Amounts>;
}

/** The parts of a pending job's priority as of the last calculation (`sprio`); they add up to it before it is cut to an integer. */
export interface PriorityParts {
  priority: number;
  age: number;
  fairshare: number;
  jobSize: number;
  partition: number;
  qos: number;
  /** Resources that it asks for. */
  tres: number;
  /** The job's own: its `priority` less its `nice`. */
  own: number;
}

/** A user in an account, as of the last calculation (`sshare`). */
export interface ShareView extends AssociationUse {
  /** Part of the cluster promised to it, in [0, 1]. */
  share: number;
  /** Part of all that was used. */
  use: number;
  /** The factor of its jobs' priority, in [0, 1]. */
  factor: number;
}

/** A job as the scheduler sees it now. */
export interface JobView {
  jobId: number;
  state: JobState;
  /** `None` unless PENDING. */
  reason: PendingReason;
  /** Of the current or last attempt; 0 before the first. */
  attempt: number;
  /** Node failures and hangs that put it back in the queue so far. */
  requeues: number;
  placement: Placement | null;
}

export interface NodeView {
  spec: NodeSpec;
  state: NodeState;
  free: Resources;
  reason: string | null;
  jobIds: number[];
  /** Those it is in, by whoever else schedules it. Absent: the policy says. */
  partitions?: readonly string[];
  /** It is off to save power, and is started for the next job. Absent: it is not. */
  isPoweredDown?: boolean;
}

/**
 * The one scheduler. Same events, same decisions. It never awaits, reads no clock and draws no random number.
 * `apply` refuses (throws) an event that contradicts its state: a wrong ledger is worse than a stopped cycle.
 */
export interface Scheduler {
  apply(event: SchedulerEvent): void;
  decide(nowMs: number): Cycle;
  /**
   * Whether it may be submitted at `nowMs`, with so many jobs alike (1 by default): the cluster could run it, the policy has the names it
   * gives, and no `submitJobsPerUser` is exceeded by these jobs and those of `arriving`, which are on their way to `apply`.
   */
  admission(job: JobRequest, nowMs?: number, jobCount?: number, arriving?: readonly JobsAlike[]): Admission;
  job(jobId: number): JobView | undefined;
  node(nodeName: string): NodeView | undefined;
  nodes(): NodeView[];
  /** Those of the policy, then those created, in the order of their creation. */
  reservations(): readonly NodeReservation[];
  /** Ids of jobs that have not ended and name the reservation. */
  jobsIn(reservationName: string): number[];
  /** Null for a job that is not pending, and where a priority is the job's own number (`basic`). */
  priorityOf(jobId: number): PriorityParts | null;
  /** Every user that has a policy or submitted a job, by account. */
  shares(): ShareView[];
  /** For how long a live job may run, by itself, its partition or its QOS; null: for ever. */
  limitMs(jobId: number): number | null;
  /** Between the first signal and the end where the job is preempted (`GraceTime` of its QOS); 0 where nothing is said. */
  graceMs(jobId: number): number;
  /** Human sentences for `orrery why JOB`: what it waits for, how much is free, which job holds it up. */
  explain(jobId: number, nowMs: number): string[];
  /**
   * By when a pending job with a reservation starts, if every attempt ends by its time limit and no job comes before it. Null for all other
   * jobs, and where it waits for an attempt without a time limit.
   */
  expectedStartMs(jobId: number, nowMs: number): number | null;
}
