import type { Submission } from '../contract/job-request.ts';
import type { AcceptedJob, JournalRecord } from '../contract/journal.ts';
import type { NodeReservation } from '../scheduler/policy.ts';
import type { PastUse } from '../scheduler/past-use.ts';
import type { JobRequest, JobState, NodeView, PriorityParts, ShareView } from '../scheduler/types.ts';

/** Where the daemon writes what it does; the fields tell of what. */
export interface Log {
  info: (fields: object, message: string) => void;
  error: (fields: object, message: string) => void;
}

/** Reasons of nodes that are in service begin so where our jobs keep off them (`avoidNode`). */
export const AVOIDED_REASON = 'jobs keep off it: ';

/** Of a job that runs, and whose processes are made to stand still by whoever schedules it. */
export const SUSPENDED_REASON = 'Suspended';

/** A job with its id already given. Tasks of an array share `accepted`, and follow each other. */
export interface SubmittedJob {
  jobId: number;
  accepted: AcceptedJob;
  submission: Submission;
}

/** What a backend says of a job it runs or mirrors. */
export interface JobFact {
  jobId: number;
  state: JobState;
  /** The scheduler's own word for why it is pending; `Suspended` where it stands still; else `None`. */
  reason: string;
  /** Of the current or last attempt; 0 before the first. */
  attempt: number;
  nodeList: readonly string[];
  /** Where the cluster's own scheduler has it, which may be another than it asked for. */
  partition?: string;
  /** As the cluster's own scheduler has it: somebody may have changed it there, or it asked for none. */
  qos?: string;
  /** As the cluster's own scheduler has it: somebody may have changed it there. */
  timeLimitMs?: number;
}

export interface BackendReservation extends NodeReservation {
  /** Words of whoever keeps it, such as Slurm's `MAINT`. */
  flags?: readonly string[];
}

/** Whoever schedules the cluster does not answer. */
export interface Outage {
  /** When that was first seen. */
  sinceMs: number;
  /** What was asked, what came of it, and what still works, in one line. */
  reason: string;
  /** What is at fault: Slurm, or the disk of the home, which does not take down what Slurm says. */
  cause: 'slurm' | 'storage';
}

/** What a backend asks the store for when it starts an attempt, or when an ended job is requeued. */
export interface JobSource {
  /** `attempts`: how many it has had. */
  read(jobId: number): { accepted: AcceptedJob; request: JobRequest; attempts: number } | undefined;
}

/**
 * One cluster, whoever schedules it: what the daemon drives. Every request resolves once it is durable, not once it is carried out. What a
 * backend leaves to somebody else (policy, reservations and drills on a cluster with a scheduler of its own) throws ORR_REFUSED with one line that
 * says who does it.
 */
export interface Backend {
  /**
   * Takes up the jobs of the journal, finds the attempts that were alive, and begins. Called once, first.
   * `records` are those of all jobs that have not ended, of all nodes and reservations, and one JobEnded for each job that has, in journal
   * order; `pastUse` is what the jobs that have ended used.
   */
  start(records: readonly JournalRecord[], pastUse: PastUse): Promise<void>;
  /**
   * The first of the jobs that may not be submitted, and why in one line: the cluster could never run it, the policy does not have a name it
   * gives, or its user has as many jobs as may be. Null where all may; then it is asked again only after they were submitted.
   */
  refusal(jobs: readonly SubmittedJob[]): { index: number; message: string } | null;
  submit(jobs: readonly SubmittedJob[]): Promise<void>;
  /**
   * Of jobs that were just submitted: what keeps one from starting as it is, one line each, an array's tasks as one. Such jobs are taken, since
   * limits of partitions change.
   */
  cautions(jobs: readonly SubmittedJob[]): string[];
  cancel(jobId: number): Promise<void>;
  signal(jobId: number, signal: NodeJS.Signals): Promise<void>;
  requeue(jobId: number): Promise<void>;
  hold(jobId: number): Promise<void>;
  release(jobId: number): Promise<void>;
  /** Its tasks run and get nowhere: they are ended and the job is put back within its `maxRequeues`. Nothing where the attempt is over. */
  endHung(jobId: number, attempt: number): Promise<void>;
  drain(nodeName: string, reason: string): Promise<void>;
  /**
   * Our jobs keep off the node until `resumeNode`, also those that wait, as long as they have enough others: for a node that may not be drained.
   * Throws ORR_REFUSED where nothing speaks against a drain.
   */
  avoidNode(nodeName: string, reason: string): Promise<void>;
  resumeNode(nodeName: string): Promise<void>;
  /** A drill: kills what runs on the virtual node, at once and for real; it stays down until resumed. */
  failNode(nodeName: string, reason: string): Promise<void>;
  /** Jobs that hold nodes. */
  observe(): Promise<JobFact[]>;
  /** Undefined for jobs that are no longer held in memory (ended). */
  job(jobId: number): JobFact | undefined;
  /** What the cluster's own scheduler calls the job; null where it does not know it (yet). */
  nativeId(jobId: number): string | null;
  /** Under which number Slurm has the job on its books, also one that has ended; null where it never had it, or where no Slurm is. */
  slurmJobId(jobId: number): Promise<string | null>;
  nodes(): NodeView[];
  /** Null while jobs and nodes are as they are; else they are as last seen. */
  outage(): Outage | null;
  /** As last asked for; none before. */
  reservations(): readonly BackendReservation[];
  /** Asks for them where somebody else makes them; `refusal` goes by the answer. Rejects where there is none. */
  refreshReservations(): Promise<void>;
  /** Asks for what else `refusal` goes by, where somebody else may change it: partitions, QOS, accounts. Rejects where there is no answer. */
  refreshRules(): Promise<void>;
  /** Throws ORR_CONFLICT for a name that is taken or nodes that are reserved then, ORR_USAGE for nodes that are not there. */
  createReservation(reservation: NodeReservation): Promise<void>;
  /** Throws ORR_NOT_FOUND, and ORR_CONFLICT while jobs that have not ended name it. */
  deleteReservation(name: string): Promise<void>;
  /** Of those of the jobs that are pending; empty where priorities have no parts. */
  priorities(jobIds: readonly number[]): Promise<ReadonlyMap<number, PriorityParts>>;
  shares(): Promise<ShareView[]>;
  /** What a live job waits for or how it runs, in sentences. */
  explain(jobId: number): Promise<string[]>;
  /** When a pending job starts as far as its scheduler has planned it; null where it has not. */
  expectedStartMs(jobId: number): number | null;
  /** Stops scheduling and watching; what runs goes on running and is found again at the next start. */
  stop(): Promise<void>;
}
