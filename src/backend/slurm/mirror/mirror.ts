import type { JournalRecord } from '../../../contract/journal.ts';
import { addressOf, isEnded, isPending, labelOf, type SlurmJob } from '../output/slurm-job.ts';
import { endInAccounting } from './accounting-run.ts';
import { type AttemptEnd, begun, begunUnseen, ended, endTimes, settle } from './attempt-facts.ts';
import { failureText, ownState, withFailureLeft } from './end-words.ts';
import { endedByItself, endOfEarlier, isReasonDue } from './earlier-attempts.ts';
import { endedInSlurm } from './ended-in-slurm.ts';
import { type Finding, type JobFacts, type Look, nothing, PATIENCE_MS } from './finding.ts';
import { completing, lostText, stuckWithSilentNodes } from './lost-nodes.ts';
import type { MirrorJob } from './mirror-job.ts';
import { missing } from './missing.ts';

const LAUNCH_FAILED = /^launch.failed.requeued.held$/i;
/**
 * What a look at Slurm means for a job. Pure: nothing is changed; the caller journals the records, applies them, then does what is to be done.
 * A job is never taken for done because nobody knows it any more.
 */
export function findOut(job: MirrorJob, look: Look): Finding {
  if (job.phase === 'none' || job.phase === 'asking') return nothing(null);
  const slurm = ownSlurmJob(job, look.listed);
  // Of submissions before it that Slurm was thought to have forgotten, or of one that was made twice.
  const duplicates = look.listed.filter((other) => other !== slurm && isPending(other));
  const shown = slurm === null || isForgotten(slurm, look) ? endInAccounting(job, look) : { job, slurm };
  const found = shown === null ? missing(job, look) : released(shown.job, listed(shown.job, shown.slurm, look), look);
  const finding = unlessCancelled(job, found, look.nowMs);
  return { ...finding, cancel: [...finding.cancel, ...duplicates.map(addressOf)] };
}

/** Where it would be submitted again, a job that somebody cancelled meanwhile has ended: a script that is told to end may begin no task. */
function unlessCancelled(job: MirrorJob, finding: Finding, nowMs: number): Finding {
  const { records, launchFailure, isSubmissionDue } = finding;
  if (!job.isCancelRequested || (launchFailure === null && !isSubmissionDue)) return finding;
  const { jobId } = job.request;
  const before = records.map((record): JournalRecord => {
    if (record.event.kind !== 'LaunchFailed') return record;
    const { attempt, atMs } = record.event;
    return {
      event: { kind: 'AttemptEnded', atMs, jobId, attempt, state: 'CANCELLED', exitCode: 1 },
      message: 'cancelled',
    };
  });
  return {
    ...finding,
    launchFailure: null,
    isSubmissionDue: false,
    records: [...before, ended(job, 'CANCELLED', 1, nowMs)],
  };
}

/** Of several that bear the key, after a crash between sbatch and its answer: the one we know of, else the one that got furthest. */
function ownSlurmJob(job: MirrorJob, jobs: readonly SlurmJob[]): SlurmJob | null {
  const { slurmJobId, arrayTask } = job.record;
  const known = jobs.find((other) =>
    slurmJobId === null ? labelOf(other) === arrayTask : other.slurmJobId === slurmJobId,
  );
  if (known !== undefined || slurmJobId !== null || arrayTask !== null) return known ?? null;
  const rank = (other: SlurmJob) => (isEnded(other) ? 2 : isPending(other) ? 1 : 0);
  return [...jobs].sort((a, b) => rank(a) - rank(b) || (a.slurmJobId ?? 0) - (b.slurmJobId ?? 0))[0] ?? null;
}

/** Tasks that waited together had not begun. This one had, under a number that Slurm has forgotten. */
function isForgotten(slurm: SlurmJob, { facts }: Look): boolean {
  const isUnnumbered = slurm.slurmJobId === null && isEnded(slurm);
  return isUnnumbered && facts !== null && facts.attempts.some(({ slurmJobId }) => slurmJobId !== null);
}

/** What Slurm says of it, as far as that is to be believed. */
function listed(job: MirrorJob, slurm: SlurmJob, look: Look): Finding {
  const attempt = attemptOf(job, slurm);
  const finding = nothing(slurm);
  // Before its nodes are up it has not begun.
  if (slurm.state === 'CONFIGURING') return finding;
  if (slurm.isCompleting) return completing(job, slurm, attempt, look);
  const isBehind = job.live !== null && (job.live.attempt < attempt || isPending(slurm));
  const isStuck = isPending(slurm) && LAUNCH_FAILED.test(slurm.reason) && !job.isHeld;
  const isUnseen = job.live === null && attempt > Math.max(job.attempt, job.record.base) + 1;
  const isUntold = slurm.state === 'RUNNING' && look.nowMs - (job.endLeftMs ?? look.nowMs) > PATIENCE_MS.untold;
  const { facts } = look;
  if (facts === null) {
    return isUntold || isBehind || isStuck || isUnseen || isEnded(slurm)
      ? { ...finding, needsFacts: true }
      : (stuckWithSilentNodes(job, slurm, attempt, look) ?? running(job, slurm, attempt, look));
  }
  const over = endedByItself(job, slurm, facts, attempt, look.nowMs);
  if (over !== null) return { ...finding, records: over, cancel: isEnded(slurm) ? [] : [addressOf(slurm)] };
  if (isBehind && job.live !== null) {
    if (isReasonDue(job, slurm, facts, look.nowMs)) return finding;
    const end = endOfEarlier(job, job.live.attempt, slurm, facts, look.nowMs);
    finding.records.push(...end.records);
    if (end.isOver) return { ...finding, cancel: isEnded(slurm) ? [] : [addressOf(slurm)] };
    // Slurm forgot that it had begun, or a script would take it for ended: under this number nothing would be done.
    if (job.live.attempt >= attempt || end.isFinal)
      return { ...finding, cancel: [addressOf(slurm)], isSubmissionDue: true };
  }
  const untold = isUntold ? untoldEnd(job, slurm, attempt, facts, look.nowMs) : null;
  if (untold !== null) return untold;
  if (isStuck) return stuck(job, slurm, facts, finding, look.nowMs);
  if (!isEnded(slurm)) {
    const stuckJob = stuckWithSilentNodes(job, slurm, attempt, look);
    if (stuckJob !== null) return stuckJob;
    const next = running(job, slurm, attempt, look);
    return { ...next, records: [...finding.records, ...next.records] };
  }
  return endedInSlurm(job, slurm, attempt, facts, finding, look.nowMs);
}

/** It waits, or runs. */
function running(job: MirrorJob, slurm: SlurmJob, attempt: number, look: Look): Finding {
  const finding = nothing(slurm);
  if (isPending(slurm)) finding.records.push(...holds(job, slurm, look));
  else if (slurm.nodeNames.length > 0 && attempt > job.attempt)
    finding.records.push(...begun(job, slurm, attempt, look.nowMs));
  return finding;
}

/** Slurm could not begin it and holds it. Where a script of it has run that is Slurm's own confusion, else the node's or the prolog's fault. */
function stuck(job: MirrorJob, slurm: SlurmJob, facts: JobFacts, finding: Finding, nowMs: number): Finding {
  const claimed = facts.attempts.findLast(({ slurmJobId }) => slurmJobId !== null);
  const cancel = [addressOf(slurm)];
  if (claimed === undefined || claimed.attempt <= job.attempt)
    return { ...finding, cancel, launchFailure: `Slurm: ${slurm.reason}` };
  const records = [...finding.records, ...begunUnseen(job, claimed, nowMs)];
  const own = withFailureLeft(claimed, job.request.nodes);
  const message = 'Slurm began it a second time and knows nothing of the first';
  const end: AttemptEnd =
    own.exit === null || own.exit.isTold
      ? { state: 'NODE_FAIL', status: 1, atMs: nowMs, message }
      : { state: ownState(own.exit.status, own), status: own.exit.status, atMs: nowMs, message: failureText(own) };
  return { ...settle(job, claimed.attempt, { ...finding, records }, end), cancel };
}

/** Its script was told to end, by Slurm or for a node that was lost, and Slurm has forgotten it. */
function untoldEnd(job: MirrorJob, slurm: SlurmJob, attempt: number, facts: JobFacts, nowMs: number): Finding | null {
  const own = facts.attempts.find((other) => other.attempt === attempt);
  if (own === undefined || own.exit === null || job.live?.attempt !== attempt) return null;
  const { status, endedMs } = own.exit;
  const { lostNodes } = own;
  const message = lostText(lostNodes) ?? 'its script was told to end, and Slurm calls it running';
  const cancel = [addressOf(slurm)];
  return settle(
    job,
    attempt,
    { ...nothing(slurm), cancel },
    {
      state: 'NODE_FAIL',
      status,
      ...endTimes(own.claimedMs, endedMs, nowMs),
      message,
      lostNodes,
    },
  );
}

/** What has nodes, or had them, is not held: somebody released it, and it began before we looked again. To be submitted again it goes as such. */
function released(job: MirrorJob, finding: Finding, { askedMs, nowMs: atMs }: Look): Finding {
  const { slurm } = finding;
  if (!job.isHeld || slurm === null || finding.needsFacts || askedMs <= job.holdToldMs) return finding;
  const hasBegun = !isPending(slurm) && slurm.nodeNames.length > 0;
  // An attempt whose end is journalled was over when the job was held.
  const isNews = job.live !== null || attemptOf(job, slurm) > job.attempt;
  // What was held too late to stop it has a priority of 0, and waits once it is put back in the queue.
  if (!hasBegun || !isNews || slurm.priority === 0) return finding;
  const { jobId } = job.request;
  return { ...finding, records: [{ event: { kind: 'JobReleased', atMs, jobId } }, ...finding.records] };
}

/** By how often Slurm has put it back in the queue. */
function attemptOf({ record }: MirrorJob, { restarts }: SlurmJob): number {
  return record.base + restarts + 1;
}

/** Somebody else may hold and release it too. What was asked before we did so ourselves would take that back. */
function holds(job: MirrorJob, slurm: SlurmJob, { askedMs, nowMs: atMs }: Look): JournalRecord[] {
  const { jobId } = job.request;
  if (askedMs <= job.holdToldMs) return [];
  const isHeld = slurm.priority === 0 || /^JobHeld|held$/i.test(slurm.reason);
  if (isHeld === job.isHeld) return [];
  return [{ event: isHeld ? { kind: 'JobHeld', atMs, jobId } : { kind: 'JobReleased', atMs, jobId } }];
}
