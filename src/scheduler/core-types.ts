import type { NodeSpec } from '../cluster/node.ts';
import type { PendingReason } from './pending-reason.ts';
import type { AssociationUse, CarriedMinutes, EndCause, EndState, JobRequest } from './types.ts';

/** What a running job holds. The same on each of its nodes. */
export interface Allocation {
  /** In node-rank order, by the index that `addNode` returned. */
  readonly nodeIndices: readonly number[];
  /** GPUs on each of its nodes. */
  readonly gpusPerNode: number;
  /** CPUs on each, of a job that does not have whole nodes; absent: as the request says. */
  readonly cpusPerNode?: number;
}

/** What a user in an account used, and the fair-share factor in force; absent: not known. */
export interface CarriedUse extends AssociationUse {
  readonly factor?: number;
}

/** A job that has not ended, as the driver of a core sees it. */
export interface CoreJob {
  readonly request: JobRequest;
  /** Of the current or last attempt; 0 before the first. */
  readonly attempt: number;
  /** Since when nothing but its turn has kept it from starting. */
  readonly eligibleMs: number;
  /** Failures that put it back in the queue so far. */
  readonly requeues: number;
  /** The job for which its attempt is being ended, where it is preempted. */
  readonly preemptorJobId: number | null;
  /** Null unless it is on nodes. */
  readonly allocation: Allocation | null;
  /** The driver's own: where it keeps what it knows of the job. */
  slot: number;
}

/** Carries out what a cycle decides, in order, while it decides it. The core's own state already reflects each call. */
export interface DecisionSink {
  /** Start its attempt on `job.allocation`; report `started`, later `ended`. */
  startAttempt(job: CoreJob): void;
  /** Kill what runs of it, then report `ended`. Once for each attempt. PREEMPTED and TIMEOUT included. */
  endAttempt(job: CoreJob, cause: EndCause): void;
  /** It is pending again, under the same id. */
  requeueJob(job: CoreJob): void;
  /** It is over; the core forgets it. */
  endJob(job: CoreJob, state: EndState, exitCode: number): void;
}

/**
 * The one scheduler without its events: what the twin drives directly and what `Scheduler` drives by events. Same calls, same decisions. It
 * never awaits, reads no clock and draws no random number.
 */
export interface SchedulerCore {
  /** Returns its index: nodes are counted from 0. */
  addNode(spec: NodeSpec): number;
  /** Lost with everything on it: jobs on it are told to end with cause NODE_FAIL in the next `decide`. */
  failNode(nodeIndex: number, reason: string): void;
  /** Finishes what runs, takes nothing new. */
  drainNode(nodeIndex: number, reason: string): void;
  resumeNode(nodeIndex: number): void;
  submit(request: JobRequest, atMs: number): CoreJob;
  /**
   * What was used until instant 0, with what has faded taken off: before any job is submitted. Factors that are given hold until the next
   * calculation; where none is, they are worked out anew.
   */
  carryUse(uses: readonly CarriedUse[], minutes: readonly CarriedMinutes[]): void;
  /** A job that has been running on these nodes since `startMs`, which had better have room for it. */
  adopt(request: JobRequest, startMs: number, nodeIndices: readonly number[]): CoreJob;
  cancel(job: CoreJob, atMs: number): void;
  /** Ends what runs of it and puts it back in the queue at no cost to `maxRequeues` (a user's `scontrol requeue`). */
  requeue(job: CoreJob): void;
  /** Its tasks run: the clock of its time limit starts. */
  started(job: CoreJob, atMs: number): void;
  /**
   * Its tasks have ended by themselves, its resources are not free yet (epilog): no time limit, node or preemption ends the attempt from here,
   * `ended` follows.
   */
  completing?(job: CoreJob): void;
  /**
   * Nothing of the attempt runs any more; its resources are free from here. `state` is what its tasks came to; where it was being ended, the
   * job's state follows from the cause. NODE_FAIL here (with no `failNode` before) requeues the job within `maxRequeues`.
   */
  ended(job: CoreJob, state: EndState, exitCode: number, atMs: number): void;
  /** One cycle. Returns when it must run again even if nothing happens; Infinity for never; `nowMs` itself where it is not done. */
  decide(nowMs: number, sink: DecisionSink): number;
  /** Why a job waits, in Slurm's words; 'None' of one that does not. Looks at the cluster: not for every job of every cycle. */
  reasonOf(job: CoreJob): PendingReason;
  /** Jobs that wait (eligible or not) and jobs on nodes. */
  readonly pendingCount: number;
  readonly runningCount: number;
}
