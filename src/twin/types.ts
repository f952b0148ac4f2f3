import type { Allocation } from '../scheduler/core-types.ts';
import type { PendingReason } from '../scheduler/pending-reason.ts';
import type { JobRequest } from '../scheduler/types.ts';

/**
 * How a job's attempt ends if nothing interferes with it. NODE_FAIL: each attempt takes a node with it, so that the job is requeued within its
 * `maxRequeues` and does it again: a crash loop.
 */
export type Outcome = 'COMPLETED' | 'FAILED' | 'CANCELLED' | 'OUT_OF_MEMORY' | 'NODE_FAIL';

/** What a job does to keep its work. All in milliseconds. */
export interface Checkpointing {
  /** Productive time between two checkpoints. */
  intervalMs: number;
  /** How long a write takes. */
  writeMs: number;
  /** Whether training stands still meanwhile; if not, a checkpoint counts once its write is done. */
  isBlocking: boolean;
  /** From the start of an attempt until it is productive again (the paper's u0). Paid by every attempt. */
  restartMs: number;
  /**
   * Absent: the interval stays as it is. Else each attempt takes the optimum for the failures that the job has had so far, beginning from this
   * mean time to failure.
   */
  mttfPriorMs?: number;
}

/** A job with what the scheduler must not know: how long it really runs. */
export interface TwinJob {
  readonly request: JobRequest;
  /** Productive time on its nodes until `outcome`, undisturbed and without checkpoints. */
  readonly workMs: number;
  readonly outcome: Outcome;
  /** The user cancels it this long after submission, pending or running; null for never. */
  readonly cancelAfterMs: number | null;
  /** Null: an attempt that is interrupted starts from the beginning. */
  readonly checkpointing: Checkpointing | null;
  /** Its start is to be remembered beyond its end: jobs that come later wait for that to lie back. Absent: no. */
  isStartKept?: boolean;
}

/** Jobs in the order of their submission, one at a time, so that memory is in proportion to live jobs. */
export interface JobSource {
  /** Null where there are no more. */
  next(): TwinJob | null;
  /** Roughly how many there are in all, for the progress bar; null if not known. */
  readonly countEstimate: number | null;
  /** Submission of the last job, roughly; null if not known. */
  readonly endMsEstimate: number | null;
}

export const COMPONENTS = [
  'gpu',
  'nvlink',
  'ib_link',
  'pcie',
  'mount',
  'host',
  'switch',
  'storage',
  'unattributed',
] as const;
/** What broke. */
export type Component = (typeof COMPONENTS)[number];

/** How a failure is noticed and what is done about it. */
export type Severity =
  /** A health check: node removed now, its jobs requeued. */
  | 'high'
  /** A health check: the node drains, its jobs run on. */
  | 'low'
  /** The heartbeat is lost (NODE_FAIL). */
  | 'heartbeat'
  /** Nothing notices but the job, which fails (a health check finds the node afterwards, or nobody does). */
  | 'job';

/** Something breaks. */
export interface Incident {
  /** When it breaks. */
  readonly atMs: number;
  /** When a check or the heartbeat notices: `atMs` plus the detection delay. */
  readonly detectedMs: number;
  /** Down, or drained, from `detectedMs` on (low severity: from when its jobs are gone) for this long. */
  readonly repairMs: number;
  readonly component: Component;
  readonly severity: Severity;
  /** One, or all below a switch or on a failed storage. By index. */
  readonly nodeIndices: readonly number[];
  /** The check was wrong: nothing broke. */
  readonly isFalsePositive: boolean;
  /** Of a machine that fails again and again for a cause of its own: for measuring the detector, which does not see it. */
  readonly isLemon: boolean;
  /** What other checks see with it; absent: nothing. */
  readonly alsoSeen?: readonly Component[];
}

/** Incidents in the order of `atMs`. */
export interface IncidentSource {
  next(): Incident | null;
  /** A node came back from repair or was swapped at `atMs`. */
  repaired?(nodeIndex: number, atMs: number): void;
}

/** States of attempts, as `sacct` shows them with duplicates: REQUEUED is a health check's, NODE_FAIL a lost heartbeat's. The state hash goes by their order. */
export const ATTEMPT_STATES = [
  'COMPLETED',
  'FAILED',
  'CANCELLED',
  'TIMEOUT',
  'PREEMPTED',
  'NODE_FAIL',
  'REQUEUED',
  'OUT_OF_MEMORY',
] as const;
export type AttemptState = (typeof ATTEMPT_STATES)[number];

/** An attempt that is over, with where its time went: `endMs - startMs = productive + lost + overhead`. */
export interface AttemptEnd {
  readonly job: TwinJob;
  readonly attempt: number;
  /** From when it was eligible to this start. */
  readonly queuedMs: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly state: AttemptState;
  /** Work that was kept: done since the start of the attempt and saved, or done by a job that ended as it would have. */
  readonly productiveMs: number;
  /** Work done and not saved: redone by a later attempt, or never. */
  readonly lostMs: number;
  /** Restart, stalls of checkpoints, dying after the signal. */
  readonly overheadMs: number;
  readonly allocation: Allocation;
  /** What ended it, where an incident did. */
  readonly incident: Incident | null;
  /** The job it made room for, where it was preempted. */
  readonly preemptorJobId: number | null;
}

export interface JobEnd {
  readonly job: TwinJob;
  readonly endMs: number;
  readonly state: AttemptState;
  readonly attempts: number;
  /** Start of the first attempt; null if it never ran. */
  readonly startMs: number | null;
  /** All attempts together. */
  readonly queuedMs: number;
  readonly productiveMs: number;
  readonly lostMs: number;
  readonly overheadMs: number;
}

/** What a node's service is worth at an instant. */
export type NodeService = 'up' | 'draining' | 'down';

/** Sees everything that happens, in order of time. Measures, traces and state hashes are observers. */
export interface Observer {
  jobSubmitted?(job: TwinJob, atMs: number): void;
  attemptStarted?(job: TwinJob, attempt: number, allocation: Allocation, queuedMs: number, atMs: number): void;
  attemptEnded?(end: AttemptEnd): void;
  jobEnded?(end: JobEnd): void;
  incident?(incident: Incident): void;
  nodeChanged?(nodeIndex: number, service: NodeService, reason: string, atMs: number): void;
  /** After each instant at which anything happened. */
  settled?(atMs: number, pendingCount: number, runningCount: number): void;
  /** When the run is over, for each job that waits then: how often it has started, and why it waits. */
  leftPending?(job: TwinJob, attempts: number, reason: PendingReason): void;
}
