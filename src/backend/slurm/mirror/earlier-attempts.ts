import type { JournalRecord } from '../../../contract/journal.ts';
import type { EndState } from '../../../scheduler/types.ts';
import { END_MESSAGES } from '../../end-messages.ts';
import { isUnheardOf } from './accounting-run.ts';
import { begunUnseen, ended, endMoment, endTimes, exitCodeOf, settle, severalOf } from './attempt-facts.ts';
import { failureText, ownState, withFailureLeft } from './end-words.ts';
import { type JobFacts, nothing, PATIENCE_MS } from './finding.ts';
import type { AttemptFacts } from '../batch/job-folder.ts';
import type { MirrorJob } from './mirror-job.ts';
import type { SacctRun } from '../output/sacct-text.ts';
import { isEnded, type SlurmJob } from '../output/slurm-job.ts';

/**
 * The end of an earlier attempt that ended by itself, whatever Slurm made of it since: one that lost its memory of the end begins a job
 * anew. Null where there is none.
 */
export function endedByItself(
  job: MirrorJob,
  slurm: SlurmJob,
  facts: JobFacts,
  attempt: number,
  nowMs: number,
): JournalRecord[] | null {
  const isNews = (own: AttemptFacts) =>
    job.live === null ? own.attempt > job.attempt : own.attempt >= job.live.attempt;
  const own = facts.attempts.find((other) => other.exit !== null && !other.exit.isTold && isNews(other));
  if (own?.exit === null || own === undefined || (own.attempt === attempt && isEnded(slurm))) return null;
  const { status, endedMs } = own.exit;
  // What its ranks say after they lost a node is not their own doing.
  if (status !== 0 && hasLostNode(job, facts, true)) return null;
  const records: JournalRecord[] = [];
  if (job.live !== null && job.live.attempt < own.attempt) {
    records.push(...endOfEarlier(job, job.live.attempt, slurm, facts, nowMs).records);
  }
  if (job.live?.attempt !== own.attempt) records.push(...begunUnseen(job, own, nowMs));
  const state = ownState(status, own);
  const end = { state, status, ...endTimes(own.claimedMs, endedMs, nowMs), message: failureText(own) } as const;
  return settle(job, own.attempt, { ...nothing(slurm), records }, end).records;
}

/** Slurm has it in the queue again, or running, after the attempt that we know of, and counts that one: it has not forgotten it. */
export function isPutBack({ live, record }: MirrorJob, slurm: SlurmJob | null): boolean {
  return live !== null && slurm !== null && !isEnded(slurm) && record.base + slurm.restarts >= live.attempt;
}

/**
 * Whether Slurm has put the job back in the queue and only accounting, which is behind with it, can tell whether somebody asked for that. slurmctld tells
 * slurmdbd of a run's start and end seconds after it tells squeue.
 */
export function isReasonDue(job: MirrorJob, slurm: SlurmJob, facts: JobFacts, nowMs: number): boolean {
  const { live, requeueSeenMs } = job;
  const hasAccounting = facts.runs !== null || facts.isAccountingAway;
  if (!hasAccounting || live === null || !isPutBack(job, slurm)) return false;
  const run = runOf(job, live.attempt, slurm, facts);
  const own = facts.attempts.find((other) => other.attempt === live.attempt) ?? null;
  if (!isUnheardOf(run) || toldState(job, run, own, facts) !== null) return false;
  return nowMs - (requeueSeenMs ?? nowMs) < PATIENCE_MS.behind;
}

/** Slurm put the job back in the queue by itself: how its attempt ended, and whether that is the end of the job after all. */
export function endOfEarlier(
  job: MirrorJob,
  attempt: number,
  slurm: SlurmJob,
  facts: JobFacts,
  nowMs: number,
): { records: JournalRecord[]; isOver: boolean; isFinal: boolean } {
  const { jobId, maxRequeues } = job.request;
  const run = runOf(job, attempt, slurm, facts);
  const claimed = facts.attempts.find((other) => other.attempt === attempt) ?? null;
  // One that Slurm has forgotten nobody will tell of any more.
  const own = claimed === null || isPutBack(job, slurm) ? claimed : withFailureLeft(claimed, job.request.nodes);
  const exit = own?.exit ?? null;
  const [beganMs = null, endedMs = null] = exit === null ? [run?.startMs, run?.endMs] : [own?.claimedMs, exit.endedMs];
  const atMs = endMoment(job, attempt, [], endTimes(beganMs, endedMs, nowMs));
  const state = toldState(job, run, own, facts) ?? (facts.isPreempting ? 'PREEMPTED' : 'NODE_FAIL');
  const exitCode = exitCodeOf(state, exit?.status ?? 1);
  const isHung = job.isHung && state !== 'COMPLETED';
  const lostNodes = state === 'NODE_FAIL' ? lostThen(job, own, facts) : [];
  const lost = lostNodes.length > 0 ? { lostNodes } : {};
  const message = isHung ? END_MESSAGES.HANG : (EARLIER_MESSAGES[state] ?? 'put back in the queue by Slurm');
  const records: JournalRecord[] = [
    {
      event: { kind: 'AttemptEnded', atMs, jobId, attempt, state, exitCode, ...lost },
      message: job.isRequeueRequested ? END_MESSAGES.REQUEUE : message,
    },
  ];
  const requeues = job.requeues + (state === 'NODE_FAIL' || isHung ? 1 : 0);
  const isOfItself = ['COMPLETED', 'OUT_OF_MEMORY'].includes(state) || (state === 'FAILED' && !isHung);
  if (isOfItself || job.isCancelRequested || requeues > maxRequeues) {
    records.push(ended(job, job.isCancelRequested && !isOfItself ? 'CANCELLED' : state, exitCode, atMs));
    return { records, isOver: true, isFinal: true };
  }
  records.push({ event: { kind: 'JobRequeued', atMs, jobId, requeues, isHeld: false, ...severalOf(job) } });
  // A script of Slurm's next attempt finds this end and does nothing.
  return { records, isOver: false, isFinal: exit !== null && !exit.isTold };
}

const EARLIER_MESSAGES: Partial<Record<EndState, string>> = {
  NODE_FAIL: END_MESSAGES.NODE_FAIL,
  PREEMPTED: END_MESSAGES.PREEMPTED,
  COMPLETED: 'had completed when Slurm put it back in the queue',
  OUT_OF_MEMORY: END_MESSAGES.OUT_OF_MEMORY,
  FAILED: 'had failed when Slurm put it back in the queue',
};

/** How an attempt ended that Slurm does not list any more; null where nobody tells. */
function toldState(
  job: MirrorJob,
  run: SacctRun | undefined,
  own: AttemptFacts | null,
  facts: JobFacts,
): EndState | null {
  const exit = own?.exit ?? null;
  const isOwnEnd = exit !== null && !exit.isTold;
  // The script's own word: it had done what it was to do.
  if (isOwnEnd && exit.status === 0) return 'COMPLETED';
  if (job.isHung) return 'FAILED';
  if (job.isRequeueRequested) return 'CANCELLED';
  if (run?.state === 'PREEMPTED') return 'PREEMPTED';
  if (hasLostNode(job, facts, isOwnEnd) || (own?.lostNodes.length ?? 0) > 0) return 'NODE_FAIL';
  if (run?.state === 'REQUEUED') return 'CANCELLED';
  // It failed by itself before a slurmctld that had lost its memory of the end began it anew.
  if (isOwnEnd) return ownState(exit.status, own);
  return run?.state === 'NODE_FAIL' ? 'NODE_FAIL' : null;
}

/** Whether one of its nodes is down. That its script told the end says of the first, where it ran, that it was there to the end. */
function hasLostNode({ live }: MirrorJob, { downNodes }: JobFacts, hasTold: boolean): boolean {
  return live !== null && live.placement.slice(hasTold ? 1 : 0).some(({ nodeName }) => downNodes.has(nodeName));
}

/** Nodes that it lost and that may be back since: those its script named, or the first, where that script was, if it left no word of an end. */
function lostThen(job: MirrorJob, own: AttemptFacts | null, facts: JobFacts): readonly string[] {
  if (own === null || own.exit !== null || hasLostNode(job, facts, false)) return own?.lostNodes ?? [];
  return job.live?.placement.slice(0, 1).map(({ nodeName }) => nodeName) ?? [];
}

/** Of the runs that accounting has: the one that began when the attempt did, else the one of that number. */
function runOf(job: MirrorJob, attempt: number, slurm: SlurmJob, facts: JobFacts): SacctRun | undefined {
  const runs = facts.runs?.filter((other) => other.slurmJobId === slurm.slurmJobId) ?? [];
  // Slurm tells whole seconds; ours of one that began as it was submitted is that of its submission.
  const beganMs = job.live && Math.floor(job.live.startMs / 1000) * 1000;
  return runs.find(({ startMs }) => startMs === beganMs) ?? runs[attempt - job.record.base - 1];
}
