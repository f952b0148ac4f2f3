import { Heap } from '../lib/heap.ts';
import { AttemptEnds } from './attempt-ends.ts';
import { Dependencies } from './dependencies.ts';
import { createJobRecord, isOnNodes, type JobRecord, type Verdict } from './job-record.ts';
import { NodePool } from './node-pool.ts';
import { Outcomes } from './outcomes.ts';
import { PendingQueue } from './queue.ts';
import type { EndCause, EndState, JobRequest, Placement } from './types.ts';

/** A cause gives way only to a stronger one: a user's word weighs more than a node's or a clock's. */
const CAUSE_STRENGTH: Record<EndCause, number> = { PREEMPTED: 0, NODE_FAIL: 1, TIMEOUT: 1, REQUEUE: 2, CANCELLED: 3 };

/**
 * Everything the scheduler knows, and the steps by which jobs move through it. Facts and decisions both go through these steps, so a state
 * rebuilt from the journal is the state that was.
 */
export class Ledger {
  readonly pool = new NodePool();
  readonly outcomes = new Outcomes();
  readonly dependencies = new Dependencies(this.outcomes);
  readonly queue: PendingQueue;
  readonly deadlines = new Heap<JobRecord>(isDueBefore, (job, index) => {
    job.deadlineIndex = index;
  });
  readonly ends = new AttemptEnds();
  /** Jobs with a verdict that no decision has told yet, in the order in which they came by it. */
  readonly settling = new Set<JobRecord>();
  /** Jobs whose attempt is to be ended and the driver was not told yet. */
  readonly doomed = new Set<JobRecord>();
  readonly #jobs = new Map<number, JobRecord>();

  /** `queueDepth`: how many jobs at the front of the queue are looked at. */
  constructor(queueDepth: number) {
    this.queue = new PendingQueue(queueDepth, (job) => this.pool.countCapable(job, 'inService') >= job.request.nodes);
  }

  find(jobId: number): JobRecord | undefined {
    return this.#jobs.get(jobId);
  }

  /** Undefined for a job that has ended; throws for one never heard of. */
  findLive(jobId: number): JobRecord | undefined {
    const job = this.#jobs.get(jobId);
    if (job === undefined && this.outcomes.state(jobId) === undefined) throw new Error(`job ${jobId} is unknown`);
    return job;
  }

  /** The job, if this is its current attempt and it holds nodes; throws otherwise. */
  onNodes(jobId: number, attempt: number): JobRecord {
    const job = this.#jobs.get(jobId);
    if (job === undefined || job.attempt !== attempt || !isOnNodes(job)) {
      throw new Error(`job ${jobId} has no attempt ${attempt} on nodes${describe(job)}`);
    }
    return job;
  }

  submit(request: JobRequest, attemptsBefore: number): void {
    const { jobId } = request;
    if (this.#jobs.has(jobId)) throw new Error(`job ${jobId} was submitted before and has not ended`);
    const job = createJobRecord(request, Math.max(this.outcomes.attempt(jobId), attemptsBefore));
    this.outcomes.delete(jobId);
    this.#jobs.set(jobId, job);
    this.dependencies.register(job);
    this.#enqueueIfEligible(job);
  }

  hold(job: JobRecord): void {
    job.hold ??= 'user';
    this.queue.remove(job);
  }

  releaseHold(job: JobRecord): void {
    if (job.hold === null) return;
    job.hold = null;
    this.#enqueueIfEligible(job);
  }

  cancel(job: JobRecord): void {
    if (isOnNodes(job)) return this.doom(job, 'CANCELLED');
    if (job.verdict?.kind === 'end') return;
    this.queue.remove(job);
    this.dependencies.forget(job);
    this.#settle(job, { kind: 'end', state: 'CANCELLED', exitCode: 0 });
    job.cause = 'CANCELLED';
  }

  requeueByUser(job: JobRecord): void {
    if (isOnNodes(job)) return this.doom(job, 'REQUEUE');
    if (job.verdict?.kind !== 'end' || job.cause === 'CANCELLED') return;
    job.verdict = { kind: 'requeue', requeues: job.requeues, hold: null };
  }

  /** The attempt is to end, unless a cause as strong already ends it. */
  doom(job: JobRecord, cause: EndCause): void {
    if (job.cause !== null && CAUSE_STRENGTH[job.cause] >= CAUSE_STRENGTH[cause]) return;
    job.cause = cause;
    if (!job.isEnding) this.doomed.add(job);
  }

  start(job: JobRecord, attempt: number, placement: Placement, atMs: number): void {
    if (job.phase !== 'pending' || job.attempt + 1 !== attempt) {
      throw new Error(`job ${job.request.jobId} cannot start attempt ${attempt}${describe(job)}`);
    }
    this.pool.take(job.request.jobId, placement);
    this.queue.remove(job);
    job.phase = 'starting';
    job.attempt = attempt;
    job.placement = placement;
    this.ends.set(job, atMs + (job.request.timeLimitMs ?? Infinity));
  }

  markStarted(job: JobRecord, atMs: number): void {
    if (job.phase !== 'starting') throw new Error(`job ${job.request.jobId} started twice${describe(job)}`);
    job.phase = 'running';
    if (job.request.timeLimitMs === null || job.isEnding) return;
    job.deadlineMs = atMs + job.request.timeLimitMs;
    this.deadlines.push(job);
    this.ends.set(job, job.deadlineMs);
  }

  /** The driver is told to end the attempt. */
  markEnding(job: JobRecord, cause: EndCause): void {
    if (job.isEnding || (job.cause ?? cause) !== cause) {
      throw new Error(`job ${job.request.jobId} cannot be ended as ${cause}${describe(job)}`);
    }
    job.cause = cause;
    job.isEnding = true;
    this.doomed.delete(job);
    this.#dropDeadline(job);
    this.ends.set(job, 0);
  }

  endAttempt(job: JobRecord, state: EndState, exitCode: number): void {
    // A task that ended well before anybody touched it did complete, whatever was to happen to it.
    const isDone = state === 'COMPLETED' && !job.isEnding && job.cause !== 'REQUEUE';
    const cause = isDone ? null : (job.cause ?? (state === 'NODE_FAIL' ? 'NODE_FAIL' : null));
    this.#leaveNodes(job, verdictOf(job, cause, state, exitCode));
  }

  failLaunch(job: JobRecord, isRetryable: boolean): void {
    const verdict: Verdict =
      job.cause === null
        ? { kind: 'requeue', requeues: job.requeues, hold: isRetryable ? null : 'launch' }
        : verdictOf(job, job.cause, 'FAILED', 1);
    this.#leaveNodes(job, verdict);
  }

  /** Back to PENDING under the same id. Returns whether it is held. */
  requeue(job: JobRecord): { requeues: number; isHeld: boolean } {
    const { verdict } = job;
    if (verdict?.kind !== 'requeue') throw new Error(`job ${job.request.jobId} is not to be requeued${describe(job)}`);
    this.settling.delete(job);
    job.verdict = null;
    job.cause = null;
    job.isEnding = false;
    job.phase = 'pending';
    job.requeues = verdict.requeues;
    job.hold ??= verdict.hold;
    this.#enqueueIfEligible(job);
    return { requeues: job.requeues, isHeld: job.hold !== null };
  }

  /** For good. A job the ledger does not know ended before a restart: its outcome counts for dependencies. */
  end(jobId: number, state: EndState): void {
    const job = this.#jobs.get(jobId);
    if (job !== undefined && (job.verdict?.kind !== 'end' || job.verdict.state !== state)) {
      throw new Error(`job ${jobId} cannot end as ${state}${describe(job)}`);
    }
    if (job !== undefined) this.settling.delete(job);
    this.#jobs.delete(jobId);
    this.outcomes.record(jobId, state, job?.attempt ?? this.outcomes.attempt(jobId));
    for (const freed of this.dependencies.settle(jobId)) this.#enqueueIfEligible(freed);
  }

  #enqueueIfEligible(job: JobRecord): void {
    if (job.phase === 'pending' && job.hold === null && job.waitsFor.length === 0) this.queue.add(job);
  }

  #leaveNodes(job: JobRecord, verdict: Verdict): void {
    if (job.placement !== null) this.pool.release(job.request.jobId, job.placement);
    job.placement = null;
    this.doomed.delete(job);
    this.#dropDeadline(job);
    this.ends.remove(job);
    this.#settle(job, verdict);
  }

  #settle(job: JobRecord, verdict: Verdict): void {
    job.phase = 'over';
    job.verdict = verdict;
    this.settling.add(job);
  }

  #dropDeadline(job: JobRecord): void {
    if (job.deadlineIndex >= 0) this.deadlines.removeAt(job.deadlineIndex);
    job.deadlineMs = null;
  }
}

function verdictOf(job: JobRecord, cause: EndCause | null, state: EndState, exitCode: number): Verdict {
  if (cause === null) return { kind: 'end', state, exitCode };
  if (cause === 'CANCELLED' || cause === 'TIMEOUT') return { kind: 'end', state: cause, exitCode };
  if (cause === 'REQUEUE') return { kind: 'requeue', requeues: job.requeues, hold: null };
  return job.requeues < job.request.maxRequeues
    ? { kind: 'requeue', requeues: job.requeues + 1, hold: null }
    : { kind: 'end', state: 'NODE_FAIL', exitCode };
}

function isDueBefore(a: JobRecord, b: JobRecord): boolean {
  const [one, other] = [a.deadlineMs ?? 0, b.deadlineMs ?? 0];
  return one === other ? a.request.jobId < b.request.jobId : one < other;
}

function describe(job: JobRecord | undefined): string {
  if (job === undefined) return ': it is not among the live jobs';
  const ending = job.isEnding ? `, being ended as ${job.cause}` : '';
  return `: it is ${job.phase}, attempt ${job.attempt}${ending}`;
}
