import type { JournalRecord } from '../../contract/journal.ts';
import type { EndState, Placement } from '../../scheduler/types.ts';
import type { AttemptFacts } from './job-folder.ts';
import type { MirrorJob } from './mirror-job.ts';
import type { SacctRun } from './sacct-text.ts';
import { isEnded, isPending, type SlurmJob, shellStatus } from './slurm-job.ts';

/** What is asked for where squeue alone does not tell how something ended. */
export interface JobFacts {
  /** Runs of the job in Slurm's accounting, oldest first; null where that cannot be asked. */
  runs: readonly SacctRun[] | null;
  /** What the batch scripts left on the shared folder, of the attempts of this submission, by attempt. */
  attempts: readonly AttemptFacts[];
  /** Nodes that are down now. */
  downNodes: ReadonlySet<string>;
  /** Whether the cluster preempts at all. */
  isPreempting: boolean;
  /** slurmctld began a short while ago: it may take the end of a job from before for that of one with the same number. */
  isFreshController: boolean;
}

/** One look at Slurm, as far as it is about one job. */
export interface Look {
  /** When squeue was called. */
  askedMs: number;
  nowMs: number;
  /** Slurm jobs that bear the job's key. */
  listed: readonly SlurmJob[];
  /** Null on the first try: where they matter the answer is `needsFacts`. */
  facts: JobFacts | null;
}

export interface Finding {
  /** Asked with facts, the answer is another. */
  needsFacts: boolean;
  /** To be journalled, in order. */
  records: JournalRecord[];
  /** Jobs of Slurm to cancel: duplicates, and what is not to run again. */
  cancel: number[];
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
  /** Between two calls of scancel for the same job. */
  cancel: 15_000,
} as const;

const nothing = (slurm: SlurmJob | null): Finding => ({
  needsFacts: false,
  records: [],
  cancel: [],
  isSubmissionDue: false,
  slurm,
  launchFailure: null,
  adopt: null,
});

/**
 * What a look at Slurm means for a job. Pure: nothing is changed; the caller journals the records, applies them, then does what is to be done.
 * A job is never taken for done because nobody knows it any more.
 */
export function findOut(job: MirrorJob, look: Look): Finding {
  if (job.phase === 'none' || job.phase === 'asking') return nothing(null);
  const slurm = ownSlurmJob(job, look.listed);
  if (slurm === null) return missing(job, look);
  // Of submissions before it that Slurm was thought to have forgotten, or of one that was made twice.
  const duplicates = look.listed.filter((other) => other !== slurm && isPending(other));
  const finding = listed(job, slurm, look);
  return { ...finding, cancel: [...finding.cancel, ...duplicates.map(({ slurmJobId }) => slurmJobId)] };
}

/** Of several that bear the key, after a crash between sbatch and its answer: the one we know of, else the one that got furthest. */
function ownSlurmJob(job: MirrorJob, jobs: readonly SlurmJob[]): SlurmJob | null {
  const { slurmJobId } = job.record;
  const known = jobs.find((other) => other.slurmJobId === slurmJobId);
  if (known !== undefined || slurmJobId !== null) return known ?? null;
  const rank = (other: SlurmJob) => (isEnded(other) ? 2 : isPending(other) ? 1 : 0);
  return [...jobs].sort((a, b) => rank(a) - rank(b) || a.slurmJobId - b.slurmJobId)[0] ?? null;
}

function listed(job: MirrorJob, slurm: SlurmJob, look: Look): Finding {
  const attempt = job.record.base + slurm.restarts + 1;
  const finding = nothing(slurm);
  // Its nodes are not free yet, and whether it ends or goes back in the queue Slurm says afterwards. Before its nodes are up it has not begun.
  if (slurm.isCompleting || slurm.state === 'CONFIGURING') return finding;
  const isBehind = job.live !== null && (job.live.attempt < attempt || isPending(slurm));
  const isStuck = isPending(slurm) && LAUNCH_FAILED.test(slurm.reason) && !job.isHeld;
  const isUnseen = job.live === null && attempt > Math.max(job.attempt, job.record.base) + 1;
  const { facts } = look;
  if (facts === null) {
    return isBehind || isStuck || isUnseen || isEnded(slurm)
      ? { ...finding, needsFacts: true }
      : running(job, slurm, attempt, look);
  }
  const over = endedByItself(job, slurm, facts, attempt, look.nowMs);
  if (over !== null) return { ...finding, records: over, cancel: isEnded(slurm) ? [] : [slurm.slurmJobId] };
  if (isBehind && job.live !== null) {
    const end = endOfEarlier(job, job.live.attempt, slurm, facts, look.nowMs);
    finding.records.push(...end.records);
    if (end.isOver) return { ...finding, cancel: isEnded(slurm) ? [] : [slurm.slurmJobId] };
    // Slurm forgot that it had begun, or a script would take it for ended: under this number nothing would be done.
    if (job.live.attempt >= attempt || end.isFinal)
      return { ...finding, cancel: [slurm.slurmJobId], isSubmissionDue: true };
  }
  if (isStuck) return stuck(job, slurm, facts, finding, look.nowMs);
  if (!isEnded(slurm)) {
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

/**
 * The end of an earlier attempt that ended by itself, whatever Slurm made of it since: one that lost its memory of the end begins a job
 * anew. Null where there is none.
 */
function endedByItself(
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
  if (status !== 0 && job.live?.placement.some(({ nodeName }) => facts.downNodes.has(nodeName)) === true) return null;
  const records: JournalRecord[] = [];
  if (job.live !== null && job.live.attempt < own.attempt) {
    records.push(...endOfEarlier(job, job.live.attempt, slurm, facts, nowMs).records);
  }
  if (job.live?.attempt !== own.attempt) records.push(...begunUnseen(job, own, nowMs));
  const state = status === 0 ? 'COMPLETED' : 'FAILED';
  const end = { state, status, atMs: momentOf(endedMs, nowMs), message: failureText(own) } as const;
  return [...records, ...settle(job, own.attempt, nothing(slurm), end).records];
}

/** Slurm could not begin it and holds it. Where a script of it has run that is Slurm's own confusion, else the node's or the prolog's fault. */
function stuck(job: MirrorJob, slurm: SlurmJob, facts: JobFacts, finding: Finding, nowMs: number): Finding {
  const claimed = facts.attempts.findLast(({ slurmJobId }) => slurmJobId !== null);
  const cancel = [slurm.slurmJobId];
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
    if (slurm.state === 'CANCELLED' && !job.isCancelRequested && facts.isFreshController) {
      return { ...finding, launchFailure: 'Slurm cancelled it shortly after slurmctld had begun' };
    }
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
  if (attempt > job.attempt) finding.records.push(...begun(job, slurm, attempt, nowMs));
  // Its end was journalled before, and a submission after it was not made yet.
  else if (job.live === null) return { ...finding, isSubmissionDue: true };
  const isOwnEnd = exit !== null && !exit.isTold;
  // Slurm began the attempt a second time after it had forgotten the first: what ran is gone, what came did nothing.
  const isRepeated = exit === null && own !== null && code === DUPLICATE_STATUS;
  const status = exit?.status ?? shellStatus(slurm.exitStatus);
  const named = endState(slurm.state);
  // The ranks that are left notice first, and srun gives the gang up before Slurm knows that the node is gone.
  const lost = named === 'FAILED' ? slurm.nodeNames.find((name) => facts.downNodes.has(name)) : undefined;
  const state =
    isRepeated || lost !== undefined
      ? 'NODE_FAIL'
      : isOwnEnd && status === 0
        ? 'COMPLETED'
        : named === 'COMPLETED' && status !== 0
          ? 'FAILED'
          : named;
  const said = messageOf(slurm, own, state);
  const message = lost === undefined ? said : `node ${lost} failed`;
  return settle(job, attempt, finding, { state, status, atMs: momentOf(slurm.endMs, nowMs), message });
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

interface AttemptEnd {
  state: EndState;
  status: number;
  atMs: number;
  message: string | null;
}

/** The end of the running attempt, and what it means for the job: over, or back in the queue with a new submission. */
function settle(job: MirrorJob, attempt: number, finding: Finding, end: AttemptEnd): Finding {
  const { atMs } = end;
  const isHung = job.isHung && end.state !== 'COMPLETED';
  const state = isHung ? 'FAILED' : end.state;
  const message = isHung ? HUNG_MESSAGE : end.message;
  const exitCode = exitCodeOf(state, end.status);
  const { jobId } = job.request;
  const record: JournalRecord = { event: { kind: 'AttemptEnded', atMs, jobId, attempt, state, exitCode } };
  finding.records.push(message === null ? record : { ...record, message });
  const again = state === 'NODE_FAIL' && !job.isCancelRequested;
  if (again && job.requeues < job.request.maxRequeues) {
    finding.records.push({ event: { kind: 'JobRequeued', atMs, jobId, requeues: job.requeues + 1, isHeld: false } });
    return { ...finding, isSubmissionDue: true };
  }
  finding.records.push(ended(job, state, exitCode, atMs));
  return finding;
}

/** Slurm put the job back in the queue by itself: how its attempt ended, and whether that is the end of the job after all. */
function endOfEarlier(
  job: MirrorJob,
  attempt: number,
  slurm: SlurmJob,
  facts: JobFacts,
  nowMs: number,
): { records: JournalRecord[]; isOver: boolean; isFinal: boolean } {
  const { jobId, maxRequeues } = job.request;
  const run = runOf(job, attempt, slurm, facts);
  const exit = facts.attempts.find((other) => other.attempt === attempt)?.exit ?? null;
  const atMs = momentOf(exit?.endedMs ?? run?.endMs ?? null, nowMs);
  const state = stateOfEarlier(job, run, exit, facts);
  const exitCode = exitCodeOf(state, exit?.status ?? 1);
  const isHung = job.isHung && state !== 'COMPLETED';
  const message = isHung ? HUNG_MESSAGE : (EARLIER_MESSAGES[state] ?? 'put back in the queue by Slurm');
  const records: JournalRecord[] = [
    {
      event: { kind: 'AttemptEnded', atMs, jobId, attempt, state, exitCode },
      message: job.isRequeueRequested ? 'requeued on request' : message,
    },
  ];
  const requeues = job.requeues + (state === 'NODE_FAIL' || isHung ? 1 : 0);
  const isOfItself = state === 'COMPLETED' || (state === 'FAILED' && !isHung);
  if (isOfItself || job.isCancelRequested || requeues > maxRequeues) {
    records.push(ended(job, job.isCancelRequested && !isOfItself ? 'CANCELLED' : state, exitCode, atMs));
    return { records, isOver: true, isFinal: true };
  }
  records.push({ event: { kind: 'JobRequeued', atMs, jobId, requeues, isHeld: false } });
  // A script of Slurm's next attempt finds this end and does nothing.
  return { records, isOver: false, isFinal: exit !== null && !exit.isTold };
}

const HUNG_MESSAGE = 'hung: no output and no metrics for as long as it allows';

const EARLIER_MESSAGES: Partial<Record<EndState, string>> = {
  NODE_FAIL: 'one of its nodes failed',
  PREEMPTED: 'preempted by a job that may',
  COMPLETED: 'had completed when Slurm put it back in the queue',
  FAILED: 'had failed when Slurm put it back in the queue',
};

function stateOfEarlier(
  job: MirrorJob,
  run: SacctRun | undefined,
  exit: AttemptFacts['exit'],
  facts: JobFacts,
): EndState {
  const isOwnEnd = exit !== null && !exit.isTold;
  // The script's own word: it had done what it was to do.
  if (isOwnEnd && exit.status === 0) return 'COMPLETED';
  if (job.isHung) return 'FAILED';
  if (job.isRequeueRequested) return 'CANCELLED';
  if (run?.state === 'PREEMPTED') return 'PREEMPTED';
  if (job.live?.placement.some(({ nodeName }) => facts.downNodes.has(nodeName)) === true) return 'NODE_FAIL';
  if (run?.state === 'REQUEUED') return 'CANCELLED';
  // It failed by itself before a slurmctld that had lost its memory of the end began it anew.
  if (isOwnEnd) return 'FAILED';
  if (run?.state === 'NODE_FAIL') return 'NODE_FAIL';
  return facts.isPreempting ? 'PREEMPTED' : 'NODE_FAIL';
}

/** Of the runs that accounting has: the one that began when the attempt did, else the one of that number. */
function runOf(job: MirrorJob, attempt: number, slurm: SlurmJob, facts: JobFacts): SacctRun | undefined {
  const runs = facts.runs?.filter((other) => other.slurmJobId === slurm.slurmJobId) ?? [];
  return runs.find(({ startMs }) => startMs === job.live?.startMs) ?? runs[attempt - job.record.base - 1];
}

/** Slurm does not list it: looked up elsewhere, and believed to be lost only after a while. */
function missing(job: MirrorJob, look: Look): Finding {
  const { facts, nowMs, askedMs } = look;
  const finding = nothing(null);
  // Asked before sbatch had answered: it could not be there.
  if (askedMs <= job.phaseSinceMs) return finding;
  if (facts === null) return { ...finding, needsFacts: true };
  const missingMs = nowMs - (job.missingSinceMs ?? nowMs);
  const run = facts.runs?.at(-1);
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
    if (newest.attempt > job.attempt) finding.records.push(...begunUnseen(job, newest, nowMs));
    const { status, endedMs, isTold } = newest.exit;
    const state =
      status === 0 && !isTold ? 'COMPLETED' : job.isCancelRequested ? 'CANCELLED' : isTold ? 'NODE_FAIL' : 'FAILED';
    return settle(job, newest.attempt, finding, {
      state,
      status,
      atMs: momentOf(endedMs, nowMs),
      message: failureText(newest),
    });
  }
  if (newest !== null || job.live !== null) {
    if (missingMs < PATIENCE_MS.lost) return finding;
    const attempt = newest?.attempt ?? job.live?.attempt ?? job.attempt;
    if (newest !== null && newest.attempt > job.attempt) finding.records.push(...begunUnseen(job, newest, nowMs));
    const message = 'Slurm knows nothing of it any more and it left no exit status';
    return settle(job, attempt, finding, { state: 'NODE_FAIL', status: 1, atMs: nowMs, message });
  }
  if (missingMs < (job.phase === 'unknown' ? PATIENCE_MS.unanswered : PATIENCE_MS.forgotten)) return finding;
  if (job.isCancelRequested) finding.records.push(ended(job, 'CANCELLED', 1, nowMs));
  return { ...finding, isSubmissionDue: !job.isCancelRequested };
}

function asListed(run: SacctRun, restarts: number, job: MirrorJob): SlurmJob {
  return {
    slurmJobId: run.slurmJobId,
    arrayJobId: null,
    arrayTaskId: null,
    arrayTasks: '',
    name: run.name,
    user: '',
    account: '',
    partition: '',
    qos: '',
    state: run.state,
    isCompleting: false,
    reason: 'None',
    restarts,
    priority: null,
    nodeNames: run.nodeNames,
    nodeCount: run.nodeNames.length,
    cpus: job.request.perNode.cpus * job.request.nodes,
    memoryBytesPerNode: null,
    gpuIndices: [],
    submitMs: run.submitMs ?? 0,
    startMs: run.startMs,
    endMs: run.endMs,
    exitStatus: run.exitStatus,
    dependency: '',
    excludedNodes: '',
  };
}

function begun(job: MirrorJob, slurm: SlurmJob, attempt: number, nowMs: number): JournalRecord[] {
  const { jobId } = job.request;
  const atMs = momentOf(slurm.startMs, nowMs);
  return [
    { event: { kind: 'AttemptStarting', atMs, jobId, attempt, placement: placementOf(job, slurm) } },
    { event: { kind: 'AttemptStarted', atMs, jobId, attempt } },
  ];
}

/** Of an attempt of which only its folder tells. Where it ran nobody knows. */
function begunUnseen(job: MirrorJob, facts: AttemptFacts, nowMs: number): JournalRecord[] {
  const { jobId } = job.request;
  const { attempt } = facts;
  const atMs = momentOf(facts.claimedMs, nowMs);
  return [
    { event: { kind: 'AttemptStarting', atMs, jobId, attempt, placement: [] } },
    { event: { kind: 'AttemptStarted', atMs, jobId, attempt } },
  ];
}

function placementOf({ request }: MirrorJob, slurm: SlurmJob): Placement {
  const { nodeNames } = slurm;
  return nodeNames.map((nodeName, index) => {
    const gpuIndices = slurm.gpuIndices[index] ?? Array.from({ length: request.perNode.gpus }, (_, gpu) => gpu);
    return {
      nodeName,
      resources: {
        cpus: Math.round(slurm.cpus / nodeNames.length),
        memoryBytes: slurm.memoryBytesPerNode ?? request.perNode.memoryBytes,
        gpus: gpuIndices.length,
      },
      gpuIndices,
    };
  });
}

/** Somebody else may hold and release it too. */
function holds(job: MirrorJob, slurm: SlurmJob, atMs: number): JournalRecord[] {
  const { jobId } = job.request;
  const isHeld = slurm.priority === 0 || /^JobHeld|held$/i.test(slurm.reason);
  if (isHeld === job.isHeld) return [];
  return [{ event: isHeld ? { kind: 'JobHeld', atMs, jobId } : { kind: 'JobReleased', atMs, jobId } }];
}

function ended({ request: { jobId } }: MirrorJob, state: EndState, exitCode: number, atMs: number): JournalRecord {
  return { event: { kind: 'JobEnded', atMs, jobId, state, exitCode } };
}

function exitCodeOf(state: EndState, status: number): number {
  return state === 'COMPLETED' ? 0 : status === 0 ? 1 : status;
}

/** Slurm's clock may be ahead of ours; nothing happens in the future. */
function momentOf(ms: number | null, nowMs: number): number {
  return ms === null ? nowMs : Math.min(Math.round(ms), nowMs);
}

const END_STATES: Readonly<Record<string, EndState>> = {
  COMPLETED: 'COMPLETED',
  FAILED: 'FAILED',
  CANCELLED: 'CANCELLED',
  TIMEOUT: 'TIMEOUT',
  DEADLINE: 'TIMEOUT',
  PREEMPTED: 'PREEMPTED',
  NODE_FAIL: 'NODE_FAIL',
  BOOT_FAIL: 'NODE_FAIL',
  OUT_OF_MEMORY: 'OUT_OF_MEMORY',
  REVOKED: 'CANCELLED',
};

function endState(slurmState: string): EndState {
  return END_STATES[slurmState] ?? 'FAILED';
}

/** What `slurm-batch.sh` ends with where another has the claim, where the folder of jobs is not there, and where no task began. */
const DUPLICATE_STATUS = 73;
const NO_FOLDER_STATUS = 74;
const LAUNCH_STATUS = 75;

const LAUNCH_FAILED = /^launch.failed.requeued.held$/i;

function launchText({ exitStatus: { code }, nodeNames }: SlurmJob): string {
  const node = nodeNames[0] ?? 'its node';
  if (code === NO_FOLDER_STATUS) return `the folder of Orrery's jobs is not there on ${node}: see --shared`;
  return code === LAUNCH_STATUS
    ? `srun began no task on ${node}: see batch.log in the job's folder`
    : `${node} began it twice`;
}

const END_MESSAGES: Partial<Record<EndState, string>> = {
  CANCELLED: 'cancelled',
  TIMEOUT: 'reached its time limit',
  NODE_FAIL: 'one of its nodes failed',
  PREEMPTED: 'preempted by a job that may',
  OUT_OF_MEMORY: 'ran out of memory',
};

function failureText({ failed }: AttemptFacts): string | null {
  if (failed === null) return null;
  const { rank, status, nodeName } = failed;
  const how = status > 128 ? `was killed by signal ${status - 128}` : `exited with status ${status}`;
  return `rank ${rank} on ${nodeName} ${how}`;
}

function messageOf(slurm: SlurmJob, own: AttemptFacts | null, state: EndState): string | null {
  if (state === 'COMPLETED') return null;
  const message = END_MESSAGES[state];
  if (message !== undefined) return message;
  const failure = own === null ? null : failureText(own);
  if (failure !== null) return failure;
  const exit = own?.exit ?? null;
  return exit === null ? `Slurm: ${slurm.reason}` : `srun ended with ${exit.status}`;
}
