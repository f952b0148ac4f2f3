import type { JournalRecord } from '../../../contract/journal.ts';
import { begun, begunUnseen, ended, momentOf, settle } from './attempt-facts.ts';
import { endedByItself, endOfEarlier } from './earlier-attempts.ts';
import {
  DUPLICATE_STATUS,
  endState,
  failureText,
  LAUNCH_STATUS,
  launchText,
  messageOf,
  NO_FOLDER_STATUS,
  ownState,
  PREDECESSOR_STATUS,
} from './end-words.ts';
import { type Finding, type JobFacts, type Look, nothing, PATIENCE_MS } from './finding.ts';
import type { AttemptFacts } from '../batch/job-folder.ts';
import { completing, stuckWithSilentNodes, isLateKill, lostText, lostWith } from './lost-nodes.ts';
import type { MirrorJob } from './mirror-job.ts';
import { arrayTaskOf, type SacctRun } from '../output/sacct-text.ts';
import { addressOf, isEnded, isPending, labelOf, type SlurmJob, shellStatus } from '../output/slurm-job.ts';

const LAUNCH_FAILED = /^launch.failed.requeued.held$/i;
const LAUNCH_FAILURE = /^Job_?LaunchFailure$/i;
/** Of a run that has not ended, to accounting. */
const LIVE: ReadonlySet<string> = new Set(['PENDING', 'RUNNING', 'SUSPENDED']);
/** Of a shell's, after a process that SIGKILL ended. */
const SIGKILL_STATUS = 128 + 9;

/**
 * What a look at Slurm means for a job. Pure: nothing is changed; the caller journals the records, applies them, then does what is to be done.
 * A job is never taken for done because nobody knows it any more.
 */
export function findOut(job: MirrorJob, look: Look): Finding {
  if (job.phase === 'none' || job.phase === 'asking') return nothing(null);
  const slurm = ownSlurmJob(job, look.listed);
  // Of submissions before it that Slurm was thought to have forgotten, or of one that was made twice.
  const duplicates = look.listed.filter((other) => other !== slurm && isPending(other));
  const found = slurm === null ? missing(job, look) : listed(job, slurm, look);
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

function listed(job: MirrorJob, slurm: SlurmJob, look: Look): Finding {
  const attempt = job.record.base + slurm.restarts + 1;
  const finding = nothing(slurm);
  // Before its nodes are up it has not begun.
  if (slurm.state === 'CONFIGURING') return finding;
  if (slurm.isCompleting) return completing(job, slurm, attempt, look);
  const isBehind = job.live !== null && (job.live.attempt < attempt || isPending(slurm));
  const isStuck = isPending(slurm) && LAUNCH_FAILED.test(slurm.reason) && !job.isHeld;
  const isUnseen = job.live === null && attempt > Math.max(job.attempt, job.record.base) + 1;
  const { facts } = look;
  if (facts === null) {
    return isBehind || isStuck || isUnseen || isEnded(slurm)
      ? { ...finding, needsFacts: true }
      : (stuckWithSilentNodes(job, slurm, attempt, look) ?? running(job, slurm, attempt, look));
  }
  // Tasks that waited together had not begun. This one had, under a number that Slurm has forgotten.
  if (slurm.slurmJobId === null && isEnded(slurm) && facts.attempts.some(({ slurmJobId }) => slurmJobId !== null))
    return missing(job, look);
  const over = endedByItself(job, slurm, facts, attempt, look.nowMs);
  if (over !== null) return { ...finding, records: over, cancel: isEnded(slurm) ? [] : [addressOf(slurm)] };
  if (isBehind && job.live !== null) {
    const end = endOfEarlier(job, job.live.attempt, slurm, facts, look.nowMs);
    finding.records.push(...end.records);
    if (end.isOver) return { ...finding, cancel: isEnded(slurm) ? [] : [addressOf(slurm)] };
    // Slurm forgot that it had begun, or a script would take it for ended: under this number nothing would be done.
    if (job.live.attempt >= attempt || end.isFinal)
      return { ...finding, cancel: [addressOf(slurm)], isSubmissionDue: true };
  }
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
function running(job: MirrorJob, slurm: SlurmJob, attempt: number, { nowMs }: Look): Finding {
  const finding = nothing(slurm);
  if (isPending(slurm)) finding.records.push(...holds(job, slurm, nowMs));
  else if (slurm.nodeNames.length > 0 && attempt > job.attempt)
    finding.records.push(...begun(job, slurm, attempt, nowMs));
  return finding;
}

/** Slurm could not begin it and holds it. Where a script of it has run that is Slurm's own confusion, else the node's or the prolog's fault. */
function stuck(job: MirrorJob, slurm: SlurmJob, facts: JobFacts, finding: Finding, nowMs: number): Finding {
  const claimed = facts.attempts.findLast(({ slurmJobId }) => slurmJobId !== null);
  const cancel = [addressOf(slurm)];
  if (claimed === undefined || claimed.attempt <= job.attempt)
    return { ...finding, cancel, launchFailure: `Slurm: ${slurm.reason}` };
  const message = 'Slurm began it a second time and knows nothing of the first';
  const records = [...finding.records, ...begunUnseen(job, claimed, nowMs)];
  return {
    ...settle(job, claimed.attempt, { ...finding, records }, { state: 'NODE_FAIL', status: 1, atMs: nowMs, message }),
    cancel,
  };
}

function endedInSlurm(
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
  const own = facts.attempts.find((other) => other.attempt === attempt && other.slurmJobId !== null) ?? null;
  const exit = own?.exit ?? null;
  const { code } = slurm.exitStatus;
  // It found its attempt begun by another and did nothing: that one is what counts.
  if (exit === null && own !== null && own.slurmJobId !== slurm.slurmJobId)
    return { ...finding, adopt: own.slurmJobId };
  if (own === null && (code === DUPLICATE_STATUS || code === NO_FOLDER_STATUS || code === LAUNCH_STATUS)) {
    return notLaunched(job, attempt, launchText(slurm), finding, nowMs);
  }
  if (own === null && code === PREDECESSOR_STATUS) {
    // Slurm took a job before it for over, by a number that counts no more: the fault of nobody, and no launch failure that is counted.
    const message = 'Slurm began it before a job that it waits for had ended: no task began';
    return { ...notLaunched(job, attempt, message, finding, nowMs), launchFailure: null, isSubmissionDue: true };
  }
  const doubt = own === null && isWitnessed(job, slurm, attempt, facts) ? null : doubtOf(slurm, own);
  if (doubt !== null && seenMs(job, nowMs) < (own === null ? PATIENCE_MS.forgotten : PATIENCE_MS.lost)) return finding;
  if (doubt !== null && own === null) return notLaunched(job, attempt, doubt, finding, nowMs);
  if (attempt > job.attempt) finding.records.push(...begun(job, slurm, attempt, nowMs));
  // Its end was journalled before, and a submission after it was not made yet.
  else if (job.live === null) return { ...finding, isSubmissionDue: true };
  const isOwnEnd = exit !== null && !exit.isTold;
  // Slurm began the attempt a second time after it had forgotten the first: what ran is gone, what came did nothing.
  const isRepeated = exit === null && own !== null && code === DUPLICATE_STATUS;
  const status = exit?.status ?? shellStatus(slurm.exitStatus);
  const named = endState(slurm.state);
  const lostNodes = named === 'FAILED' ? lostWith(slurm, own, facts) : [];
  // Slurm gave it up as not launched, and with SIGKILL what it had launched of it.
  const isGivenUp = LAUNCH_FAILURE.test(slurm.reason) && named === 'FAILED' && status === SIGKILL_STATUS;
  const isLate = named === 'FAILED' && isLateKill(slurm, own);
  const isLost = isRepeated || isGivenUp || isLate || doubt !== null || lostNodes.length > 0;
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
  const message = lostText(lostNodes) ?? late ?? doubt ?? messageOf(slurm, own, state);
  return settle(job, attempt, finding, { state, status, atMs: momentOf(slurm.endMs, nowMs), message, lostNodes });
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
    return `Slurm says ${state}, and ${where}: is the folder of Orrery's jobs there (--shared)?`;
  }
  const { exit } = own;
  if (exit === null) return state === 'COMPLETED' ? 'Slurm says COMPLETED, and its script left no exit status' : null;
  const isSame = exit.status === shellStatus(exitStatus) && state === 'FAILED';
  return exit.isTold && !isSame ? `Slurm says ${state}, and its script was told to end` : null;
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
function notLaunched(job: MirrorJob, attempt: number, message: string, finding: Finding, atMs: number): Finding {
  const { jobId } = job.request;
  if (job.live?.attempt === attempt) {
    finding.records.push({
      event: { kind: 'LaunchFailed', atMs, jobId, attempt, isRetryable: true, message },
      message,
    });
  }
  return { ...finding, launchFailure: message };
}

/** Slurm does not list it: looked up elsewhere, and believed to be lost only after a while. */
function missing(job: MirrorJob, look: Look): Finding {
  const { facts, nowMs, askedMs } = look;
  const finding = nothing(null);
  // Asked before sbatch had answered: it could not be there.
  if (askedMs <= job.phaseSinceMs) return finding;
  if (facts === null) return { ...finding, needsFacts: true };
  const missingMs = nowMs - (job.missingSinceMs ?? nowMs);
  // Whether somebody cancelled it, or its time was up, accounting alone tells: without that word it would run again.
  const isUntold = facts.isAccountingAway && !job.isCancelRequested && missingMs < PATIENCE_MS.accounting;
  const last = facts.runs?.at(-1);
  const run = last?.state === 'CANCELLED' && !isMeant(last, job, facts) ? undefined : last;
  const newest = facts.attempts.findLast(({ slurmJobId }) => slurmJobId !== null) ?? null;
  if (run !== undefined && isEnded({ state: run.state, isCompleting: false })) {
    // Numbers are given again by a slurmctld that has lost its state: what its scripts claimed counts the attempts.
    const claimed = facts.attempts.findLast(({ slurmJobId }) => slurmJobId === run.slurmJobId);
    const restarts = Math.max(claimed?.attempt ?? 0, job.live?.attempt ?? 0, job.record.base + 1) - job.record.base - 1;
    return listed(
      { ...job, record: { ...job.record, slurmJobId: run.slurmJobId } },
      asListed(run, restarts, job),
      look,
    );
  }
  if (newest !== null && job.live === null && newest.attempt <= job.attempt)
    return { ...finding, isSubmissionDue: true };
  if (newest?.exit) {
    const isBehind = last !== undefined && LIVE.has(last.state) && missingMs < PATIENCE_MS.behind;
    if (newest.exit.isTold && !job.isCancelRequested && (isUntold || isBehind)) return finding;
    if (newest.attempt > job.attempt) finding.records.push(...begunUnseen(job, newest, nowMs));
    const { status, endedMs, isTold } = newest.exit;
    const isCompleted = status === 0 && !isTold;
    const state = job.isCancelRequested && !isCompleted ? 'CANCELLED' : isTold ? 'NODE_FAIL' : ownState(status, newest);
    return settle(job, newest.attempt, finding, {
      state,
      status,
      atMs: momentOf(endedMs, nowMs),
      message: lostText(newest.lostNodes) ?? failureText(newest),
      lostNodes: newest.lostNodes,
    });
  }
  if (newest !== null || job.live !== null) {
    if (missingMs < PATIENCE_MS.lost || isUntold) return finding;
    const attempt = newest?.attempt ?? job.live?.attempt ?? job.attempt;
    if (newest !== null && newest.attempt > job.attempt) finding.records.push(...begunUnseen(job, newest, nowMs));
    const message = 'Slurm knows nothing of it any more and it left no exit status';
    return settle(job, attempt, finding, { state: 'NODE_FAIL', status: 1, atMs: nowMs, message });
  }
  if (isTakenOut(job, look, facts)) {
    finding.records.push(ended(job, 'CANCELLED', 1, nowMs));
    return finding;
  }
  const isUnanswered = job.phase === 'unknown';
  if (missingMs < (isUnanswered ? PATIENCE_MS.unanswered : PATIENCE_MS.forgotten)) return finding;
  if (isUntold && !isUnanswered) return finding;
  if (job.isCancelRequested) finding.records.push(ended(job, 'CANCELLED', 1, nowMs));
  return { ...finding, isSubmissionDue: !job.isCancelRequested };
}

/**
 * Whether somebody cancelled it. What a slurmctld does not know any more when it begins, accounting takes for cancelled: by nobody. What waits then may
 * be cancelled by mistake, and as root.
 */
function isMeant({ cancelledBy, nodeNames }: SacctRun, job: MirrorJob, { isFreshController }: JobFacts): boolean {
  if (job.isCancelRequested || cancelledBy === null) return job.isCancelRequested;
  return cancelledBy > 0 || nodeNames.length > 0 || !isFreshController;
}

/**
 * A task of an array that waited has ended where Slurm has the rest of it: of `scancel 123_7` Slurm 22.05 keeps no trace. One that began without a claim
 * and was forgotten since is in accounting; where there is none, we have to have seen it wait a moment ago.
 */
function isTakenOut({ slurm }: MirrorJob, { isLeftOut }: Look, { runs }: JobFacts): boolean {
  return isLeftOut && (runs !== null || (slurm !== null && slurm.slurmJobId === null && isPending(slurm)));
}

function asListed(run: SacctRun, restarts: number, job: MirrorJob): SlurmJob {
  return {
    slurmJobId: run.slurmJobId,
    ...arrayTaskOf(run),
    arrayTasks: '',
    name: run.name,
    folder: '',
    user: '',
    account: '',
    partition: '',
    qos: '',
    state: run.state,
    isCompleting: false,
    reason: 'None',
    reasonDetail: '',
    restarts,
    priority: null,
    nodeNames: run.nodeNames,
    nodeCount: run.nodeNames.length,
    cpus: job.request.perNode.cpus * job.request.nodes,
    memoryBytesPerNode: null,
    gpuIndices: [],
    timeLimitMs: null,
    submitMs: run.submitMs ?? 0,
    startMs: run.startMs,
    endMs: run.endMs,
    eligibleMs: null,
    exitStatus: run.exitStatus,
    dependency: '',
    excludedNodes: '',
    requiredNodes: '',
    reservation: '',
    licenses: '',
    tres: '',
  };
}

/** Somebody else may hold and release it too. */
function holds(job: MirrorJob, slurm: SlurmJob, atMs: number): JournalRecord[] {
  const { jobId } = job.request;
  const isHeld = slurm.priority === 0 || /^JobHeld|held$/i.test(slurm.reason);
  if (isHeld === job.isHeld) return [];
  return [{ event: isHeld ? { kind: 'JobHeld', atMs, jobId } : { kind: 'JobReleased', atMs, jobId } }];
}
