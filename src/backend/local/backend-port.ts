import type { AcceptedJob, JournalRecord } from '../../contract/journal.ts';
import type { JobRequest, JobView, NodeView } from '../../scheduler/types.ts';
import type { Backend } from '../port.ts';

/** A job with its id already given. */
export interface SubmittedJob {
  jobId: number;
  accepted: AcceptedJob;
}

/** The scheduler, the launcher and the journal as one: what the daemon drives. */
export interface LocalBackend extends Backend<SubmittedJob> {
  /**
   * Rebuilds the scheduler from the journal, finds the attempts that were alive, and begins to schedule. Called once, first.
   * `records` are those of all jobs that have not ended, of all nodes, and one JobEnded for each job that has, in journal order.
   */
  start(records: readonly JournalRecord[]): Promise<void>;
  /** Throws ORR_BAD_JOB with one line if the cluster, all nodes up and empty, could never run it. */
  checkAdmission(job: SubmittedJob): void;
  hold(jobId: number): Promise<void>;
  release(jobId: number): Promise<void>;
  resumeNode(nodeName: string): Promise<void>;
  /** A drill: kills what runs on the virtual node, at once and for real; it stays down until resumed. */
  failNode(nodeName: string, reason: string): Promise<void>;
  /** Undefined for jobs the scheduler no longer holds (ended). */
  job(jobId: number): JobView | undefined;
  nodes(): NodeView[];
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
