import type { NodeSpec } from '../cluster/node.ts';
import type { CoreJob, DecisionSink, SchedulerCore } from './core-types.ts';
import { EasyBackfill } from './easy-backfill.ts';
import { isOnNodes, JobRecord } from './job-record.ts';
import { Ledger } from './ledger.ts';
import { holdNodes, placeGang } from './placement.ts';
import { completePolicy, type Policy, type SchedulerOptions } from './policy.ts';
import type { EndCause, EndState, JobRequest } from './types.ts';

/**
 * The scheduler with Slurm's policies `sched/builtin` and `sched/backfill`: priority order, first in first out among equals. The first job
 * that does not fit into what is free blocks those behind it, all of them or those that would delay it; a job that the nodes in service
 * could not hold even if empty blocks nobody. Throws a RangeError for a policy that makes no sense.
 */
export function createCore(options: SchedulerOptions = {}): SchedulerCore {
  return new Core(completePolicy(options));
}

export class Core implements SchedulerCore {
  readonly policy: Policy;
  readonly ledger: Ledger;
  readonly #backfill: EasyBackfill | null;
  #lastBackfillMs = -Infinity;

  constructor(policy: Policy) {
    this.policy = policy;
    this.ledger = new Ledger(policy);
    this.#backfill = policy.schedulerType === 'backfill' ? new EasyBackfill(this.ledger, () => true) : null;
  }

  get pendingCount(): number {
    return this.ledger.liveCount - this.runningCount;
  }

  get runningCount(): number {
    return this.ledger.ends.sorted().length;
  }

  addNode(spec: NodeSpec): number {
    const index = this.ledger.pool.add(spec);
    this.ledger.queue.reconsider();
    return index;
  }

  failNode(nodeIndex: number, reason: string): void {
    const node = this.ledger.pool.at(nodeIndex);
    if (!this.ledger.pool.fail(node, reason)) return;
    this.ledger.queue.doubt();
    // Attempts keep what they hold until they have ended: nothing else may run beside what is left of them. In the order of their starts.
    const jobs = node.jobs.length > 1 ? [...node.jobs].sort(byStart) : node.jobs;
    for (const job of jobs) this.ledger.doom(job, 'NODE_FAIL');
  }

  drainNode(nodeIndex: number, reason: string): void {
    this.ledger.pool.drain(this.ledger.pool.at(nodeIndex), reason);
    this.ledger.queue.doubt();
  }

  resumeNode(nodeIndex: number): void {
    if (this.ledger.pool.resume(this.ledger.pool.at(nodeIndex))) this.ledger.queue.reconsider();
  }

  removeNode(nodeIndex: number): void {
    this.ledger.pool.remove(this.ledger.pool.at(nodeIndex));
    this.ledger.queue.doubt();
  }

  submit(request: JobRequest, atMs: number, attemptsBefore = 0): JobRecord {
    return this.ledger.submit(request, attemptsBefore, atMs);
  }

  cancel(job: CoreJob): void {
    this.ledger.cancel(this.#own(job));
  }

  requeue(job: CoreJob): void {
    this.ledger.requeueByUser(this.#own(job));
  }

  started(job: CoreJob, atMs: number): void {
    this.ledger.markStarted(this.#own(job), atMs);
  }

  ended(job: CoreJob, state: EndState, exitCode: number, atMs: number): void {
    const own = this.#own(job);
    if (!isOnNodes(own)) throw new Error(`job ${own.request.jobId} holds no nodes: its attempt has ended before`);
    this.ledger.endAttempt(own, state, exitCode, atMs);
  }

  decide(nowMs: number, sink: DecisionSink): number {
    this.ledger.wake(nowMs);
    this.#settle(nowMs, sink);
    this.#endAttempts(nowMs, sink);
    const isUnfinished = this.#startAttempts(nowMs, sink);
    return isUnfinished ? nowMs : this.#wakeMs(nowMs);
  }

  #wakeMs(nowMs: number): number {
    const { deadlines, timers, queue } = this.ledger;
    let wakeMs = Math.min(deadlines.peek()?.deadlineMs ?? Infinity, timers.peek()?.eligibleMs ?? Infinity);
    if (this.#backfill?.hasWork() && this.policy.bfIntervalSeconds > 0 && queue.head() !== undefined) {
      const nextMs = this.#lastBackfillMs + this.policy.bfIntervalSeconds * 1000;
      if (nextMs > nowMs) wakeMs = Math.min(wakeMs, nextMs);
    }
    return wakeMs;
  }

  #settle(nowMs: number, sink: DecisionSink): void {
    const { settling } = this.ledger;
    if (settling.length === 0) return;
    // What a sink reports in the meantime comes after it.
    for (let index = 0; index < settling.length; index++) {
      const job = settling[index];
      if (job?.verdict?.kind === 'end') {
        const { state, exitCode } = job.verdict;
        this.ledger.end(job.request.jobId, state);
        sink.endJob(job, state, exitCode);
      } else if (job !== undefined) {
        this.ledger.requeue(job, nowMs);
        sink.requeueJob(job);
      }
    }
    settling.length = 0;
  }

  #endAttempts(nowMs: number, sink: DecisionSink): void {
    const { deadlines, doomed } = this.ledger;
    for (let due = deadlines.peek(); due !== undefined && (due.deadlineMs ?? 0) <= nowMs; due = deadlines.peek()) {
      deadlines.pop();
      this.ledger.doom(due, 'TIMEOUT');
    }
    for (const job of doomed) {
      const cause: EndCause = job.cause ?? 'NODE_FAIL';
      this.ledger.markEnding(job, cause);
      sink.endAttempt(job, cause);
    }
  }

  /** Returns whether more jobs might start at once. */
  #startAttempts(nowMs: number, sink: DecisionSink): boolean {
    const { queue, pool } = this.ledger;
    const start = (job: JobRecord, nodeIndices: readonly number[]) => {
      this.ledger.start(job, job.attempt + 1, holdNodes(pool, job, nodeIndices), nowMs);
      sink.startAttempt(job);
    };
    for (let started = 0; started < this.policy.defaultQueueDepth; started++) {
      const job = queue.head();
      if (job === undefined) return false;
      const nodeIndices = placeGang(pool, job);
      if (nodeIndices === null) return this.#backfillBehind(job, nowMs, start);
      this.#backfill?.forget();
      start(job, nodeIndices);
    }
    return queue.head() !== undefined;
  }

  #backfillBehind(
    head: JobRecord,
    nowMs: number,
    start: (job: JobRecord, nodeIndices: readonly number[]) => void,
  ): boolean {
    if (this.#backfill === null) return false;
    if (nowMs < this.#lastBackfillMs + this.policy.bfIntervalSeconds * 1000) return false;
    this.#lastBackfillMs = nowMs;
    return this.#backfill.run(head, nowMs, start);
  }

  /** A core is driven with its own jobs only. */
  #own(job: CoreJob): JobRecord {
    if (!(job instanceof JobRecord)) throw new TypeError('the job is not one of this scheduler');
    return job;
  }
}

function byStart(a: JobRecord, b: JobRecord): number {
  return a.startNumber - b.startNumber;
}
