import { SIGKILL_STATUS } from '../../end-status.ts';
import type { AttemptFacts } from '../batch/job-folder.ts';
import { type SlurmJob, shellStatus } from '../output/slurm-job.ts';
import { isMeant } from './accounting-run.ts';
import { begun, ended, endMoment, endTimes, momentOf, settle } from './attempt-facts.ts';
import {
  DUPLICATE_STATUS,
  endState,
  failureText,
  LAUNCH_STATUS,
  launchText,
  messageOf,
  NO_FOLDER_STATUS,
  NO_ROOM_STATUS,
  ownState,
  PREDECESSOR_STATUS,
  withFailureLeft,
} from './end-words.ts';
import { type Finding, type JobFacts, PATIENCE_MS } from './finding.ts';
import { isLateKill, lostText, lostWith } from './lost-nodes.ts';
import type { MirrorJob } from './mirror-job.ts';

const LAUNCH_FAILURE = /^Job_?LaunchFailure$/i;
/** Of a script that claimed nothing, or gave its claim back. */
const LAUNCH_STATUSES: ReadonlySet<number> = new Set([
  DUPLICATE_STATUS,
  NO_FOLDER_STATUS,
  LAUNCH_STATUS,
  NO_ROOM_STATUS,
]);

/** Slurm says that it has ended, in its list or in accounting: what that means, by what its script left. */
export function endedInSlurm(
  job: MirrorJob,
  slurm: SlurmJob,
  attempt: number,
  facts: JobFacts,
  finding: Finding,
  nowMs: number,
): Finding {
  if (slurm.nodeNames.length === 0) {
    // Nobody asked for it here, and a slurmctld that lost its state cancels by mistake. After a few times it is meant.
    const last = facts.runs?.at(-1);
    const isKnown = last?.state === 'CANCELLED' && isMeant(last, job, facts);
    if (slurm.state === 'CANCELLED' && !job.isCancelRequested && facts.isFreshController && !isKnown) {
      // Accounting may be behind with who it was.
      if (facts.runs !== null && seenMs(job, nowMs) < PATIENCE_MS.forgotten) return finding;
      return { ...finding, launchFailure: 'Slurm cancelled it shortly after slurmctld had begun' };
    }
    // No node of it can have failed: so ends what waits in a partition that is taken out of slurm.conf.
    if (endState(slurm.state) === 'NODE_FAIL')
      return { ...finding, launchFailure: `Slurm says ${slurm.state} before it had nodes: is its partition gone?` };
    // Cancelled, or out of time, before it ever had nodes.
    finding.records.push(ended(job, endState(slurm.state), 1, momentOf(slurm.endMs, nowMs)));
    return finding;
  }
  const { code } = slurm.exitStatus;
  const claimed = facts.attempts.find((other) => other.attempt === attempt && other.slurmJobId !== null) ?? null;
  // It found its attempt begun by another and did nothing: that one is what counts.
  if (claimed !== null && claimed.exit === null && claimed.slurmJobId !== slurm.slurmJobId)
    return { ...finding, adopt: claimed.slurmJobId };
  // Its script says no more: it was begun a second time by a slurmctld that had forgotten it, or has had time enough.
  const isSilent = code === DUPLICATE_STATUS || seenMs(job, nowMs) >= PATIENCE_MS.lost;
  const own = claimed !== null && isSilent ? withFailureLeft(claimed, job.request.nodes) : claimed;
  const exit = own?.exit ?? null;
  if (own === null && LAUNCH_STATUSES.has(code)) {
    return notLaunched(job, attempt, launchText(slurm), finding, nowMs);
  }
  if (own === null && code === PREDECESSOR_STATUS) {
    // Slurm took a job before it for over, by a number that counts no more: the fault of nobody, and no launch failure that is counted.
    const message = 'Slurm began it before a job that it waits for had ended: no task began';
    return { ...notLaunched(job, attempt, message, finding, nowMs), launchFailure: null, isSubmissionDue: true };
  }
  // Slurm began the attempt a second time after it had forgotten the first: what ran is gone, what came did nothing.
  const isRepeated = exit === null && own !== null && code === DUPLICATE_STATUS;
  const isBelieved = isRepeated || (own === null && isWitnessed(job, slurm, attempt, facts));
  const doubt = isBelieved ? null : doubtOf(slurm, own);
  // Of one whose folder is gone accounting may know the end, once Slurm lists it no more.
  const later = own === null && !facts.isFolderGone ? PATIENCE_MS.forgotten : PATIENCE_MS.lost;
  // Where both tell the same status it is this job's end; the script alone knows that it is no success.
  const patienceMs = exit?.status === 0 && slurm.state === 'COMPLETED' ? 0 : later;
  if (doubt !== null && seenMs(job, nowMs) < patienceMs) return finding;
  if (doubt !== null && own === null) return notLaunched(job, attempt, doubt, finding, nowMs);
  if (attempt > job.attempt) finding.records.push(...begun(job, slurm, attempt, nowMs));
  // Its end was journalled before, and a submission after it was not made yet.
  else if (job.live === null) return { ...finding, isSubmissionDue: true };
  const isOwnEnd = exit !== null && !exit.isTold;
  const status = exit?.status ?? shellStatus(slurm.exitStatus);
  const named = endState(slurm.state);
  const lostNodes = named === 'FAILED' ? lostWith(slurm, own, facts) : [];
  // Slurm gave it up as not launched, and with SIGKILL what it had launched of it.
  const isGivenUp = LAUNCH_FAILURE.test(slurm.reason) && named === 'FAILED' && status === SIGKILL_STATUS;
  const isLate = named === 'FAILED' && isLateKill(slurm, own);
  const isCalledOff = own !== null && named === 'FAILED' && exit?.isCalledOff === true;
  const isMixedUp = isOwnEnd && status === SIGKILL_STATUS && isOfAnother(slurm);
  const isLost =
    isRepeated || isGivenUp || isLate || isCalledOff || isMixedUp || doubt !== null || lostNodes.length > 0;
  const state = isLost
    ? 'NODE_FAIL'
    : isOwnEnd && status === 0
      ? 'COMPLETED'
      : (named === 'COMPLETED' && status !== 0) ||
          (named === 'FAILED' && isOwnEnd) ||
          (named === 'NODE_FAIL' && isOwnEnd && slurm.nodeNames.length === 1)
        ? ownState(status, own)
        : named;
  const late = isLate ? 'Slurm ended it with what was meant for the attempt before it' : null;
  const mixedUp = isMixedUp ? `Slurm says ${slurm.state}, of another job, and has killed this one` : null;
  const calledOff = isCalledOff ? failureText(own) : null;
  const message = lostText(lostNodes) ?? late ?? calledOff ?? mixedUp ?? doubt ?? messageOf(slurm, own, state);
  const times = endTimes(slurm.startMs, slurm.endMs, nowMs);
  return settle(job, attempt, finding, { state, status, ...times, message, lostNodes });
}

/** For how long we have seen its end, or that it is gone, by our own clock. */
function seenMs({ endSeenMs, missingSinceMs }: MirrorJob, nowMs: number): number {
  return nowMs - (endSeenMs ?? missingSinceMs ?? nowMs);
}

/**
 * Why an end that Slurm tells is not believed; null where it is. A slurmctld that lost its state takes the end of a job from before for that of
 * one to which it gave the same number: the script's own word has to be there.
 */
function doubtOf({ state, exitStatus, nodeNames }: SlurmJob, own: AttemptFacts | null): string | null {
  if (state !== 'COMPLETED' && state !== 'FAILED') return null;
  if (own === null) {
    const where = `its script has not begun on ${nodeNames[0] ?? 'its node'}`;
    // Slurm itself fails a job whose output has no folder to be written to.
    return `Slurm says ${state}, and ${where}: is the folder of Orrery's jobs there (--shared)? Is its disk full?`;
  }
  const { exit } = own;
  // A script that ends by itself writes its status first: this may be the end of another, of the same number.
  if (exit === null) return exitStatus.signal === 0 ? `Slurm says ${state}, and its script left no exit status` : null;
  const isSame = exit.status === shellStatus(exitStatus) && state === 'FAILED';
  return exit.isTold && !isSame ? `Slurm says ${state}, and its script was told to end` : null;
}

/** Whether the status that Slurm tells of a job whose tasks SIGKILL ended is another's, of the same number: then Slurm has killed this one for it. */
function isOfAnother({ state, exitStatus }: SlurmJob): boolean {
  const status = shellStatus(exitStatus);
  return state === 'COMPLETED' || (state === 'FAILED' && status !== 0 && status !== SIGKILL_STATUS);
}

/**
 * Somebody deleted the folder of a job that ran, and with it what its script would have told: of an end that only a script can have brought about Slurm's
 * word has to do, since to begin it again would be the greater harm.
 */
function isWitnessed(job: MirrorJob, slurm: SlurmJob, attempt: number, facts: JobFacts): boolean {
  if (!facts.isFolderGone || facts.isFreshController || job.live?.attempt !== attempt) return false;
  return slurm.state === 'COMPLETED' || (slurm.state === 'FAILED' && slurm.exitStatus.signal === 0);
}

/** Nodes were given and no task began: no attempt of the job's own. */
function notLaunched(job: MirrorJob, attempt: number, message: string, finding: Finding, nowMs: number): Finding {
  const { jobId } = job.request;
  const atMs = endMoment(job, attempt, finding.records, { atMs: nowMs });
  if (job.live?.attempt === attempt) {
    finding.records.push({
      event: { kind: 'LaunchFailed', atMs, jobId, attempt, isRetryable: true, message },
      message,
    });
  }
  return { ...finding, launchFailure: message };
}
