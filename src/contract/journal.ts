import type { SchedulerEvent } from '../scheduler/types.ts';
import type { CodeSource } from './api.ts';
import type { JobSpec } from './job.ts';

/** What a job was at submission: a requeue runs exactly this. */
export interface AcceptedJob {
  spec: JobSpec;
  /** Environment at submission, without the job's own `env`; stored once however many jobs share it. */
  environment: Readonly<Record<string, string>>;
  code: CodeSource | null;
}

/** One line of the journal: a fact the scheduler applied, with what the scheduler need not know. */
export interface JournalRecord {
  event: SchedulerEvent;
  /** With JobSubmitted of a new job. */
  accepted?: AcceptedJob;
  /** With AttemptEnded and LaunchFailed: what happened, in a sentence. */
  message?: string;
  /**
   * Scheduling cycles since the record before that decided nothing: a replay makes them too, since what a cycle looked at may bear on the next.
   * `first` counts the cycles without decisions of this daemon from 0.
   */
  cycles?: { first: number; atMs: readonly number[] };
}

/** Durable append. Resolves once the records are on disk (`synchronous=FULL`); rejects if they are not, and then nothing of them is. */
export interface Journal {
  append(records: readonly JournalRecord[]): Promise<void>;
}
