import { refusal } from './admission.ts';
import { Backfill, expectedStartMs } from './backfill.ts';
import { type EchoEvent, isEcho, isEchoOf } from './echo.ts';
import { explain, reasonOf } from './explanation.ts';
import { createJobRecord, type JobRecord } from './job-record.ts';
import { Ledger } from './ledger.ts';
import { viewOf } from './node-record.ts';
import { placeGang } from './placement.ts';
import { completePolicy, type Policy, type SchedulerOptions } from './policy.ts';
import type {
  Admission,
  Cycle,
  Decision,
  JobRequest,
  JobState,
  JobView,
  NodeView,
  Placement,
  Scheduler,
  SchedulerEvent,
} from './types.ts';

/**
 * The scheduler with Slurm's policies `sched/builtin` and `sched/backfill`: priority order, first in first out among equals. The first job
 * that does not fit into what is free blocks those behind it, all of them or those that would delay it; a job that the nodes in service
 * could not hold even if empty blocks nobody.
 */
export function createScheduler(options: SchedulerOptions = {}): Scheduler {
  return new QueueScheduler(completePolicy(options));
}

class QueueScheduler implements Scheduler {
  readonly #policy: Policy;
  readonly #ledger: Ledger;
  readonly #backfill: Backfill | null;
  /** Decisions of the last cycle; their echoes change nothing. */
  #decided: readonly Decision[] = [];
  #echoCount = 0;

  constructor(policy: Policy) {
    const isBackfill = policy.schedulerType === 'backfill';
    this.#policy = policy;
    this.#ledger = new Ledger(isBackfill ? policy.bfMaxJobTest : 1);
    this.#backfill = isBackfill ? new Backfill(this.#ledger, policy) : null;
  }

  apply(event: SchedulerEvent): void {
    if (!isEcho(event)) {
      this.#decided = [];
      this.#echoCount = 0;
      this.#applyFact(event);
      return;
    }
    const decision = this.#decided[this.#echoCount];
    if (decision === undefined) {
      this.#applyEcho(event);
      return;
    }
    if (!isEchoOf(event, decision)) {
      throw new Error(
        `${event.kind} of job ${event.jobId} is not the echo of the decision ${decision.kind} of job ${decision.jobId}`,
      );
    }
    this.#echoCount += 1;
    if (this.#echoCount === this.#decided.length) {
      this.#decided = [];
      this.#echoCount = 0;
    }
  }

  decide(nowMs: number): Cycle {
    const decisions: Decision[] = [];
    this.#settle(decisions);
    this.#endAttempts(nowMs, decisions);
    const isUnfinished = this.#startAttempts(nowMs, decisions);
    this.#decided = decisions;
    this.#echoCount = 0;
    const wakeAtMs = isUnfinished ? nowMs : (this.#ledger.deadlines.peek()?.deadlineMs ?? null);
    return { decisions: [...decisions], wakeAtMs };
  }

  admission(job: JobRequest): Admission {
    const message = refusal(this.#ledger.pool, createJobRecord(job, 0));
    return message === null ? { isAdmissible: true } : { isAdmissible: false, message };
  }

  job(jobId: number): JobView | undefined {
    const job = this.#ledger.find(jobId);
    if (job !== undefined) {
      return {
        jobId,
        state: stateOf(job),
        reason: reasonOf(this.#ledger, job),
        attempt: job.attempt,
        requeues: job.requeues,
        placement: job.placement,
      };
    }
    const state = this.#ledger.outcomes.state(jobId);
    if (state === undefined) return undefined;
    return {
      jobId,
      state,
      reason: 'None',
      attempt: this.#ledger.outcomes.attempt(jobId),
      requeues: 0,
      placement: null,
    };
  }

  node(nodeName: string): NodeView | undefined {
    const node = this.#ledger.pool.find(nodeName);
    return node === undefined ? undefined : viewOf(node);
  }

  nodes(): NodeView[] {
    return this.#ledger.pool.present().map(viewOf);
  }

  explain(jobId: number, nowMs: number): string[] {
    return explain(this.#ledger, jobId, this.expectedStartMs(jobId, nowMs), nowMs);
  }

  expectedStartMs(jobId: number, nowMs: number): number | null {
    const job = this.#ledger.find(jobId);
    return job === undefined ? null : expectedStartMs(this.#ledger, this.#policy, job, nowMs);
  }

  #applyFact(event: Exclude<SchedulerEvent, EchoEvent>): void {
    const ledger = this.#ledger;
    switch (event.kind) {
      case 'NodeAdded':
        ledger.pool.add(event.node);
        ledger.queue.reconsider();
        return;
      case 'NodeRemoved':
        ledger.pool.remove(ledger.pool.get(event.nodeName));
        ledger.queue.doubt();
        return;
      case 'NodeFailed':
        this.#failNode(event.nodeName, event.reason);
        return;
      case 'NodeDrained':
        ledger.pool.drain(ledger.pool.get(event.nodeName), event.reason);
        ledger.queue.doubt();
        return;
      case 'NodeResumed':
        if (ledger.pool.resume(ledger.pool.get(event.nodeName))) ledger.queue.reconsider();
        return;
      case 'JobSubmitted':
        ledger.submit(event.job, event.attemptsBefore ?? 0);
        return;
      case 'JobHeld':
        this.#withLive(event.jobId, (job) => ledger.hold(job));
        return;
      case 'JobReleased':
        this.#withLive(event.jobId, (job) => ledger.releaseHold(job));
        return;
      case 'JobCancelRequested':
        this.#withLive(event.jobId, (job) => ledger.cancel(job));
        return;
      case 'JobRequeueRequested':
        if (ledger.findLive(event.jobId) === undefined) {
          throw new Error(`job ${event.jobId} has ended: to run it again, submit its request under the same id`);
        }
        this.#withLive(event.jobId, (job) => ledger.requeueByUser(job));
        return;
      case 'AttemptStarted':
        ledger.markStarted(ledger.onNodes(event.jobId, event.attempt), event.atMs);
        return;
      case 'LaunchFailed':
        ledger.failLaunch(ledger.onNodes(event.jobId, event.attempt), event.isRetryable);
        return;
      case 'AttemptEnded':
        ledger.endAttempt(ledger.onNodes(event.jobId, event.attempt), event.state, event.exitCode);
    }
  }

  /** On a scheduler that did not decide this itself: a replay of the journal. */
  #applyEcho(event: EchoEvent): void {
    const ledger = this.#ledger;
    switch (event.kind) {
      case 'AttemptStarting': {
        const job = ledger.findLive(event.jobId);
        if (job === undefined) throw new Error(`job ${event.jobId} has ended and cannot start`);
        ledger.start(job, event.attempt, event.placement, event.atMs);
        return;
      }
      case 'AttemptEnding':
        ledger.markEnding(ledger.onNodes(event.jobId, event.attempt), event.cause);
        return;
      case 'JobRequeued': {
        const job = ledger.findLive(event.jobId);
        if (job === undefined) throw new Error(`job ${event.jobId} has ended and cannot be requeued`);
        const { requeues, isHeld } = ledger.requeue(job);
        if (requeues !== event.requeues || isHeld !== event.isHeld) {
          throw new Error(
            `job ${event.jobId} has ${requeues} requeues (held: ${isHeld}), not ${event.requeues} (${event.isHeld})`,
          );
        }
        return;
      }
      case 'JobEnded':
        ledger.end(event.jobId, event.state);
    }
  }

  /** For a job that has ended there is nothing left to do. */
  #withLive(jobId: number, act: (job: JobRecord) => void): void {
    const job = this.#ledger.findLive(jobId);
    if (job !== undefined) act(job);
  }

  /** Its attempts keep what they hold until they have ended: nothing else may run beside what is left of them. */
  #failNode(nodeName: string, reason: string): void {
    const node = this.#ledger.pool.get(nodeName);
    if (!this.#ledger.pool.fail(node, reason)) return;
    this.#ledger.queue.doubt();
    for (const jobId of node.jobIds) {
      const job = this.#ledger.find(jobId);
      if (job !== undefined) this.#ledger.doom(job, 'NODE_FAIL');
    }
  }

  #settle(decisions: Decision[]): void {
    for (const job of this.#ledger.settling) {
      const { jobId } = job.request;
      if (job.verdict?.kind === 'end') {
        const { state, exitCode } = job.verdict;
        this.#ledger.end(jobId, state);
        decisions.push({ kind: 'EndJob', jobId, state, exitCode });
      } else {
        decisions.push({ kind: 'Requeue', jobId, ...this.#ledger.requeue(job) });
      }
    }
  }

  #endAttempts(nowMs: number, decisions: Decision[]): void {
    const { deadlines, doomed } = this.#ledger;
    for (let due = deadlines.peek(); due !== undefined && (due.deadlineMs ?? 0) <= nowMs; due = deadlines.peek()) {
      deadlines.pop();
      this.#ledger.doom(due, 'TIMEOUT');
    }
    for (const job of doomed) {
      const cause = job.cause ?? 'NODE_FAIL';
      this.#ledger.markEnding(job, cause);
      decisions.push({ kind: 'EndAttempt', jobId: job.request.jobId, attempt: job.attempt, cause });
    }
  }

  /** Returns whether more jobs might start at once. */
  #startAttempts(nowMs: number, decisions: Decision[]): boolean {
    const { queue, pool } = this.#ledger;
    const start = (job: JobRecord, placement: Placement) => {
      const attempt = job.attempt + 1;
      this.#ledger.start(job, attempt, placement, nowMs);
      decisions.push({ kind: 'StartAttempt', jobId: job.request.jobId, attempt, placement });
    };
    for (let started = 0; started < this.#policy.defaultQueueDepth; started++) {
      const job = queue.head();
      if (job === undefined) return false;
      const placement = placeGang(pool, job);
      if (placement === null) return this.#backfill?.run(nowMs, start) ?? false;
      start(job, placement);
    }
    return queue.head() !== undefined;
  }
}

function stateOf(job: JobRecord): JobState {
  if (job.phase === 'pending') return 'PENDING';
  if (job.phase !== 'over') return job.isEnding ? 'COMPLETING' : 'RUNNING';
  return job.verdict?.kind === 'end' ? job.verdict.state : 'PENDING';
}
