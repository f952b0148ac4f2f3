import type { AcceptedJob, JournalRecord } from '../../contract/journal.ts';
import type { Submission } from '../../contract/job-request.ts';
import type { NodeReservation } from '../../scheduler/policy.ts';
import type { AssociationUse, JobRequest, JobView, NodeView, PriorityParts, ShareView } from '../../scheduler/types.ts';
import type { Backend } from '../port.ts';

/** A job with its id already given. Tasks of an array share `accepted`, and follow each other. */
export interface SubmittedJob {
  jobId: number;
  accepted: AcceptedJob;
  submission: Submission;
}

/** The scheduler, the launcher and the journal as one: what the daemon drives. */
export interface LocalBackend extends Backend<SubmittedJob> {
  /**
   * Rebuilds the scheduler from the journal, finds the attempts that were alive, and begins to schedule. Called once, first.
   * `records` are those of all jobs that have not ended, of all nodes and reservations, and one JobEnded for each job that has, in journal
   * order; `pastUse` is what the jobs that have ended used.
   */
  start(records: readonly JournalRecord[], pastUse: readonly AssociationUse[]): Promise<void>;
  /**
   * The first of the jobs that may not be submitted, and why in one line: the cluster could never run it, the policy does not have a name it
   * gives, or its user has as many jobs as may be. Null where all may; then it is asked again only after they were submitted.
   */
  refusal(jobs: readonly SubmittedJob[]): { index: number; message: string } | null;
  hold(jobId: number): Promise<void>;
  release(jobId: number): Promise<void>;
  /** Its tasks run and get nowhere: they are ended and the job is put back within its `maxRequeues`. Nothing where the attempt is over. */
  endHung(jobId: number, attempt: number): Promise<void>;
  resumeNode(nodeName: string): Promise<void>;
  /** A drill: kills what runs on the virtual node, at once and for real; it stays down until resumed. */
  failNode(nodeName: string, reason: string): Promise<void>;
  /** Undefined for jobs the scheduler no longer holds (ended). */
  job(jobId: number): JobView | undefined;
  nodes(): NodeView[];
  reservations(): readonly NodeReservation[];
  /** Throws ORR_CONFLICT for a name that is taken or nodes that are reserved then, ORR_USAGE for nodes that are not there. */
  createReservation(reservation: NodeReservation): Promise<void>;
  /** Throws ORR_NOT_FOUND, and ORR_CONFLICT while jobs that have not ended name it. */
  deleteReservation(name: string): Promise<void>;
  /** Null for a job that is not pending, and without multifactor priority. */
  priorityOf(jobId: number): PriorityParts | null;
  shares(): ShareView[];
  explain(jobId: number): string[];
  /** By when a job with a reservation starts, by the time limits of what runs; null for all others. */
  expectedStartMs(jobId: number): number | null;
  /** Stops scheduling and watching; what runs goes on running and is found again at the next start. */
  stop(): Promise<void>;
}

/** What the backend asks the store for when it starts an attempt, or when an ended job is requeued. */
export interface JobSource {
  /** `attempts`: how many it has had. */
  read(jobId: number): { accepted: AcceptedJob; request: JobRequest; attempts: number } | undefined;
}
