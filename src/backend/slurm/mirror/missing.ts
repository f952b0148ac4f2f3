import type { AttemptFacts } from '../batch/job-folder.ts';
import { isUnheardOf } from './accounting-run.ts';
import { begunUnseen, ended, endTimes, settle } from './attempt-facts.ts';
import { failureText, ownState, withFailureLeft } from './end-words.ts';
import { type Finding, type JobFacts, type Look, nothing, PATIENCE_MS } from './finding.ts';
import { lostText } from './lost-nodes.ts';
import type { MirrorJob } from './mirror-job.ts';
import { isPending } from '../output/slurm-job.ts';

/** Slurm does not list it, and accounting has no end of it: it is believed to be lost only after a while. */
export function missing(job: MirrorJob, look: Look): Finding {
  const { facts, nowMs, askedMs } = look;
  const finding = nothing(null);
  // Asked before sbatch had answered: it could not be there.
  if (askedMs <= job.phaseSinceMs) return finding;
  if (facts === null) return { ...finding, needsFacts: true };
  const missingMs = nowMs - (job.missingSinceMs ?? nowMs);
  // Whether somebody cancelled it, or its time was up, accounting alone tells: without that word it would run again.
  const isUntold = facts.isAccountingAway && !job.isCancelRequested && missingMs < PATIENCE_MS.accounting;
  const last = facts.runs?.at(-1);
  // What an attempt before the one that runs left says nothing of that.
  const isOfNow = ({ attempt }: AttemptFacts) => job.live === null || attempt >= job.live.attempt;
  const claimed = facts.attempts.findLast((own) => own.slurmJobId !== null && isOfNow(own)) ?? null;
  // Its script may be about to say it itself.
  const newest =
    claimed !== null && missingMs >= PATIENCE_MS.lost ? withFailureLeft(claimed, job.request.nodes) : claimed;
  // It had been put back in the queue, or was to be submitted again.
  const isBetween = newest !== null && job.live === null && newest.attempt <= job.attempt;
  if (newest?.exit && !isBetween) {
    const isBehind = last !== undefined && isUnheardOf(last) && missingMs < PATIENCE_MS.behind;
    if (newest.exit.isTold && !job.isCancelRequested && (isUntold || isBehind)) return finding;
    if (newest.attempt > job.attempt) finding.records.push(...begunUnseen(job, newest, nowMs));
    const { status, endedMs, isTold } = newest.exit;
    const isCompleted = status === 0 && !isTold;
    const state = job.isCancelRequested && !isCompleted ? 'CANCELLED' : isTold ? 'NODE_FAIL' : ownState(status, newest);
    return settle(job, newest.attempt, finding, {
      state,
      status,
      ...endTimes(newest.claimedMs, endedMs, nowMs),
      message: lostText(newest.lostNodes) ?? failureText(newest),
      lostNodes: newest.lostNodes,
    });
  }
  if ((newest !== null && !isBetween) || job.live !== null) {
    if (missingMs < PATIENCE_MS.lost || isUntold) return finding;
    const attempt = newest?.attempt ?? job.live?.attempt ?? job.attempt;
    if (newest !== null && newest.attempt > job.attempt) finding.records.push(...begunUnseen(job, newest, nowMs));
    const message = 'Slurm knows nothing of it any more and it left no exit status';
    return settle(job, attempt, finding, { state: 'NODE_FAIL', status: 1, atMs: nowMs, message });
  }
  if (!isBetween && isTakenOut(job, look, facts)) {
    finding.records.push(ended(job, 'CANCELLED', 1, nowMs));
    return finding;
  }
  const isUnanswered = job.phase === 'unknown';
  if (missingMs < (isUnanswered ? PATIENCE_MS.unanswered : PATIENCE_MS.forgotten)) return finding;
  if (isUntold && !isUnanswered) return finding;
  // What is held does not begin: a slurmctld that had it all along and has it no more was told to cancel it.
  const isCancelled = job.isCancelRequested || (job.isHeld && !isUnanswered && facts.isSteadyController);
  if (isCancelled) finding.records.push(ended(job, 'CANCELLED', 1, nowMs));
  return { ...finding, isSubmissionDue: !isCancelled };
}

/**
 * A task of an array that waited has ended where Slurm has the rest of it: of `scancel 123_7` Slurm 22.05 keeps no trace. One that began without a claim
 * and was forgotten since is in accounting; where there is none, we have to have seen it wait a moment ago.
 */
function isTakenOut({ slurm }: MirrorJob, { isLeftOut }: Look, { runs }: JobFacts): boolean {
  return isLeftOut && (runs !== null || (slurm !== null && slurm.slurmJobId === null && isPending(slurm)));
}
