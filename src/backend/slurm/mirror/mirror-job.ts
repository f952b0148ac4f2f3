import type { JobRequest, Placement, SchedulerEvent } from '../../../scheduler/types.ts';
import type { SlurmJob } from '../output/slurm-job.ts';

/**
 * How far a job's way to Slurm is. `none`: sbatch is to be called. `asking`: it is being called. `unknown`: it was called and what it answered
 * is lost. `submitted`: Slurm has it, or had.
 */
export type SubmissionPhase = 'none' | 'asking' | 'unknown' | 'submitted';

/** The job's last submission. Kept in the job's folder, since only Slurm cares. */
export interface SubmissionRecord {
  /** Calls of sbatch so far. */
  submission: number;
  /** Attempts of the job before this submission. */
  base: number;
  /** Null: not known (yet). */
  slurmJobId: number | null;
  /** Of a task of an array at Slurm: `12_3`. Null: it was submitted by itself, or this is not known (yet). */
  arrayTask: string | null;
  /** What the name of that array says of its jobs; null: it was submitted by itself. */
  arrayKey: string | null;
  /** sbatch's own words where it refused the job for good; null where it did not. */
  refusal: string | null;
  /** How often Slurm gave it nodes and none of its tasks began, since it was submitted or released. */
  launchFailures: number;
  /** What Slurm had of it is over: sbatch is to be called again, also by a daemon that starts now. */
  isDue: boolean;
}

export const NO_SUBMISSION: SubmissionRecord = {
  submission: 0,
  base: 0,
  slurmJobId: null,
  arrayTask: null,
  arrayKey: null,
  refusal: null,
  launchFailures: 0,
  isDue: false,
};

/** A job that has not ended, as far as journal, folder and the last look at Slurm tell. */
export interface MirrorJob {
  readonly request: JobRequest;
  isHeld: boolean;
  requeues: number;
  /** Of the current or last attempt; 0 before the first. */
  attempt: number;
  /** Attempts that it had when a user had it run again after its end; 0 otherwise. */
  readonly attemptsBefore: number;
  /** The attempt that holds nodes; null while none does. */
  live: { attempt: number; placement: Placement; startMs: number } | null;
  /** When the last attempt began to hold nodes, since the job was last put in the queue; null where none has. */
  startMs: number | null;
  isCancelRequested: boolean;
  /** A user asked for the running attempt to be put back in the queue. */
  isRequeueRequested: boolean;
  /** The running attempt gets nowhere and is being ended for it. */
  isHung: boolean;
  /** Nodes that were down, or did not answer, when an attempt on them was lost. */
  failedNodes: readonly string[];
  phase: SubmissionPhase;
  record: SubmissionRecord;
  /** Since when its phase is what it is, or what it was when we looked again. */
  phaseSinceMs: number;
  /** When Slurm was last told to hold or to release it: what it was asked before is older than that. 0: never. */
  holdToldMs: number;
  /** As many tasks of its array are with Slurm as may be at once. */
  isThrottled: boolean;
  /** Before it went to Slurm a job that it waits for ended as it must not. */
  isNeverSatisfied: boolean;
  /** Answers of sbatch that were not understood. */
  unclearAnswers: number;
  /** What the file system says of its folder, or sbatch of the job, that keeps it from going on at the moment; null: nothing. */
  hindrance: string | null;
  /** How often Slurm had no room for it, since it last had it. */
  limitRefusals: number;
  /** sbatch is not called before. */
  notBeforeMs: number;
  /** As last seen; null: not seen. */
  slurm: SlurmJob | null;
  /** Since when squeue has not listed it though it should; null while it does. */
  missingSinceMs: number | null;
  /** Since when squeue has said that it has ended, by our own clock: that of slurmctld may be another. Null while it does not. */
  endSeenMs: number | null;
  /** Since when, by our own clock, we know that its script has left its end though squeue calls it running; null where we do not. */
  endLeftMs: number | null;
  /** Since when squeue has it in the queue again, or running again, after the attempt that we know of. Null while it does not. */
  requeueSeenMs: number | null;
}

export function newMirrorJob(request: JobRequest, attemptsBefore: number, atMs: number): MirrorJob {
  return {
    request,
    isHeld: request.isHeld,
    requeues: 0,
    attempt: attemptsBefore,
    attemptsBefore,
    live: null,
    startMs: null,
    isCancelRequested: false,
    isRequeueRequested: false,
    isHung: false,
    isThrottled: false,
    isNeverSatisfied: false,
    failedNodes: [],
    phase: 'none',
    record: NO_SUBMISSION,
    phaseSinceMs: atMs,
    holdToldMs: 0,
    unclearAnswers: 0,
    hindrance: null,
    limitRefusals: 0,
    notBeforeMs: 0,
    slurm: null,
    missingSinceMs: null,
    endSeenMs: null,
    endLeftMs: null,
    requeueSeenMs: null,
  };
}

/** Follows a committed event of the job. `isDown` tells of a node whether it is down now. Changes it in place. */
export function applyToJob(job: MirrorJob, event: SchedulerEvent, isDown: (nodeName: string) => boolean): void {
  switch (event.kind) {
    case 'JobHeld':
      job.isHeld = true;
      break;
    case 'JobReleased':
      job.isHeld = false;
      break;
    case 'JobCancelRequested':
      job.isCancelRequested = true;
      break;
    case 'JobRequeueRequested':
      job.isRequeueRequested = true;
      break;
    case 'AttemptHung':
      job.isHung = job.live?.attempt === event.attempt;
      break;
    case 'RequeueRefused':
      job.isRequeueRequested = false;
      job.isHung = false;
      break;
    case 'AttemptStarting':
      job.attempt = event.attempt;
      job.live = { attempt: event.attempt, placement: event.placement, startMs: event.atMs };
      job.startMs = event.atMs;
      job.endLeftMs = null;
      break;
    case 'LaunchFailed':
      job.live = null;
      job.startMs = null;
      break;
    case 'AttemptEnded':
      if (event.state === 'NODE_FAIL' && job.live !== null) {
        const isLost = (nodeName: string) => isDown(nodeName) || event.lostNodes?.includes(nodeName) === true;
        const failed = job.live.placement.map(({ nodeName }) => nodeName).filter(isLost);
        job.failedNodes = [...new Set([...job.failedNodes, ...failed])];
      }
      job.live = null;
      job.isHung = false;
      break;
    case 'JobRequeued':
      job.requeues = event.requeues;
      job.isHeld = event.isHeld;
      job.isRequeueRequested = false;
      job.startMs = null;
      break;
    default:
      break;
  }
}

/** A new submission is to be made: whatever Slurm had of the job before is over. */
export function resetSubmission(job: MirrorJob, atMs: number): void {
  job.phase = 'none';
  job.phaseSinceMs = atMs;
  job.slurm = null;
  job.missingSinceMs = null;
  job.endSeenMs = null;
  job.endLeftMs = null;
}
