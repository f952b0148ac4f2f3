import type { JournalRecord } from '../../../contract/journal.ts';
import type { AttemptFacts } from '../batch/job-folder.ts';
import type { SacctRun } from '../output/sacct-text.ts';
import type { SlurmJob } from '../output/slurm-job.ts';

/** What is asked for where squeue alone does not tell how something ended. */
export interface JobFacts {
  /** Runs of the job in Slurm's accounting, oldest first; null where that cannot be asked. */
  runs: readonly SacctRun[] | null;
  /** There is accounting, and it does not answer now. */
  isAccountingAway: boolean;
  /** What the batch scripts left on the shared folder, of the attempts of this submission, by attempt. */
  attempts: readonly AttemptFacts[];
  /** The folder of the job, which it had when it was submitted, is not there any more, and that of all jobs is. */
  isFolderGone: boolean;
  /** Nodes that are down now. */
  downNodes: ReadonlySet<string>;
  /** Whether the cluster preempts at all. */
  isPreempting: boolean;
  /** slurmctld had begun a short while ago when it told the end: it may take the end of a job from before for that of one with the same number. */
  isFreshController: boolean;
  /** slurmctld has not begun anew since it took the job: what it does not list it has not forgotten. Only of what is held and not listed. */
  isSteadyController: boolean;
}

/** One look at Slurm, as far as it is about one job. */
export interface Look {
  /** When squeue was called. */
  askedMs: number;
  nowMs: number;
  /** Slurm jobs that bear the job's key. */
  listed: readonly SlurmJob[];
  /** Slurm has the array that the job is a task of, and not this task. */
  isLeftOut: boolean;
  /** Nodes that do not answer Slurm, by the last look at them. */
  silentNodes: ReadonlySet<string>;
  /** Null on the first try: where they matter the answer is `needsFacts`. */
  facts: JobFacts | null;
}

export interface Finding {
  /** Asked with facts, the answer is another. */
  needsFacts: boolean;
  /** To be journalled, in order. */
  records: JournalRecord[];
  /** Jobs of Slurm to cancel, by their addresses: duplicates, and what is not to run again. */
  cancel: string[];
  /** sbatch is to be called (again). */
  isSubmissionDue: boolean;
  /** The Slurm job that is the job; null where none is listed. */
  slurm: SlurmJob | null;
  /** Nodes were given and no task began: to be submitted again, if not too often. In one line; null otherwise. */
  launchFailure: string | null;
  /** Id of another Slurm job of the same key that has turned out to be the job; null for none. */
  adopt: number | null;
}

/** How long we wait before we believe what would be costly to believe wrongly. */
export const PATIENCE_MS = {
  /** A job that squeue and sacct do not know and that nobody claimed is submitted again. */
  forgotten: 10_000,
  /** The same where the answer of sbatch is lost: a call may still be on its way. */
  unanswered: 15_000,
  /** An attempt that was claimed and left no exit file is lost. NFS may hide a file from other machines for a minute. */
  lost: 75_000,
  /** So long we wait for accounting where it alone tells whether somebody cancelled a job, or its time was up: half an hour. */
  accounting: 1_800_000,
  /**
   * The same where accounting has it running still, or knows no reason why Slurm put it back in the queue: slurmctld may have told, and slurmdbd not
   * heard of it.
   */
  behind: 120_000,
  /** Nodes of a job that has ended are free again after so long; else it is looked at whether one of them has gone. */
  completing: 10_000,
  /** A rank has failed, nodes do not answer, and the attempt has not ended: srun gives the others two seconds more than `KillWait` (30 s). */
  stuck: 60_000,
  /** What Slurm still had to send to the attempt before it may reach the one that follows under the same number. */
  lateKill: 60_000,
  /** Its script has left its end, and Slurm calls it running: what tells slurmctld of the end tries every 15 s. */
  untold: 120_000,
  /** Between two calls of scancel for the same job. */
  cancel: 15_000,
} as const;

export const nothing = (slurm: SlurmJob | null): Finding => ({
  needsFacts: false,
  records: [],
  cancel: [],
  isSubmissionDue: false,
  slurm,
  launchFailure: null,
  adopt: null,
});
