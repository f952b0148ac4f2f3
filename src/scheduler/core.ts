import type { NodeSpec } from '../cluster/node.ts';
import { definite } from '../lib/assert.ts';
import { empty } from '../lib/empty.ts';
import { ZERO_MS } from '../lib/zero-ms.ts';
import { Cadence } from './cadence.ts';
import { ConservativePasses } from './conservative.ts';
import type { CarriedUse, CoreJob, DecisionSink, SchedulerCore } from './core-types.ts';
import { EasyBackfill, type Start } from './easy-backfill.ts';
import { reasonOf } from './explanation.ts';
import { isOnNodes, JobRecord } from './job-record.ts';
import { Ledger } from './ledger.ts';
import { areInService, haveRoom, holdNodes, placeGang } from './placement.ts';
import { Preemption } from './preempting.ts';
import { completePolicy, type Policy, type SchedulerOptions } from './policy.ts';
import type { PendingReason } from './pending-reason.ts';
import type { CarriedMinutes, EndCause, EndState, JobRequest } from './types.ts';

/** Jobs parked under it wait for a reservation to begin; no limit has this number. */
const RESERVATION = Number.NEGATIVE_INFINITY;
/** Of changes to the nodes, before the first look at them. */
const NOTHING_SEEN = -1;

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
  /** In the place of `#backfill` where Slurm's own passes are made. */
  readonly #passes: ConservativePasses | null;
  readonly #cadence: Cadence | null;
  readonly #preemption: Preemption | null;
  #lastBackfillMs = -Infinity;
  #calcPeriod = 0;
  #isClusterNew = true;
  #reservationsChangeMs = -Infinity;
  #seenChanges = NOTHING_SEEN;
  #owesBackfill = false;
  /** The head that found no room last, and the changes to the nodes up to then: without more there is none for it. */
  #stuckHead: JobRecord | null = null;
  #stuckChanges = NOTHING_SEEN;
  /** Changes to the nodes up to the last look at those for whom others were preempted. */
  #claimantsChanges = NOTHING_SEEN;
  /** Since when as much is used of a limit as it allows to jobs that still run. */
  #spentMs = Infinity;
  /** Starts a job in the cycle that is being run. Made once: cycles are many, and most start nothing. */
  readonly #starter: Start = (job, nodeIndices) => this.#start(job, nodeIndices);
  /** Of this cycle. */
  #nowMs = ZERO_MS;
  #sink: DecisionSink | null = null;

  constructor(policy: Policy) {
    this.policy = policy;
    this.ledger = new Ledger(policy);
    const admit = (job: JobRecord, nowMs: number) => this.#admit(job, nowMs);
    const isConservative = policy.backfillType === 'conservative';
    const isBackfilling = policy.schedulerType === 'backfill';
    this.#backfill = isBackfilling && !isConservative ? new EasyBackfill(this.ledger, admit) : null;
    this.#passes = isConservative ? new ConservativePasses(this.ledger, policy, admit) : null;
    const bfIntervalSeconds = isBackfilling ? policy.bfIntervalSeconds : null;
    this.#cadence = isConservative && policy.cadence !== null ? new Cadence(policy.cadence, bfIntervalSeconds) : null;
    if (policy.priority.type !== 'basic') this.ledger.kinds.limits.calculated(this.#calculationMs(0));
    this.#preemption = policy.preempt.type === 'none' ? null : new Preemption(this.ledger, policy, admit);
  }

  get pendingCount(): number {
    return this.ledger.liveCount - this.runningCount;
  }

  get runningCount(): number {
    return this.ledger.ends.size;
  }

  reasonOf(job: CoreJob): PendingReason {
    return reasonOf(this.ledger, this.#own(job));
  }

  addNode(spec: NodeSpec): number {
    const index = this.ledger.pool.add(spec);
    this.ledger.queue.reconsider();
    this.#isClusterNew = true;
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
    this.#isClusterNew = true;
  }

  /** Reservations have come or gone. */
  reservationsChanged(): void {
    // The masks of all of them are made anew, and whoever waits for one is looked at again.
    this.#isClusterNew = true;
  }

  submit(request: JobRequest, atMs: number, attemptsBefore = 0): JobRecord {
    return this.ledger.submit(request, attemptsBefore, atMs);
  }

  carryUse(uses: readonly CarriedUse[], minutes: readonly CarriedMinutes[]): void {
    const { kinds } = this.ledger;
    for (const used of minutes) kinds.carryMinutes(used, 0);
    const { fairShare } = kinds;
    const factors = new Map<number, number>();
    for (const { account, user, billingSeconds, factor } of uses) {
      const index = fairShare.association(account, user);
      fairShare.carry(index, billingSeconds, 0);
      if (factor !== undefined) factors.set(index, factor);
    }
    if (factors.size === 0) fairShare.recalculate(0);
    else fairShare.takeOver(factors, -this.policy.priority.calcAgeSeconds * 1000);
  }

  adopt(request: JobRequest, startMs: number, nodeIndices: readonly number[]): JobRecord {
    const { ledger } = this;
    const submitted = ledger.submit({ ...request, beginMs: startMs, dependencies: [] }, 0, startMs);
    const job = ledger.choose(submitted.entries?.[0] ?? submitted);
    ledger.start(job, job.attempt + 1, holdNodes(ledger.pool, job, nodeIndices), startMs);
    ledger.markStarted(job, startMs);
    return job;
  }

  cancel(job: CoreJob, atMs: number): void {
    this.ledger.cancel(this.#own(job), atMs);
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
    this.#cadence?.jobEnded(own.request.jobId, own.isEnding, atMs);
    this.ledger.endAttempt(own, state, exitCode, atMs);
  }

  decide(nowMs: number, sink: DecisionSink): number {
    this.#nowMs = nowMs;
    this.#sink = sink;
    this.ledger.wake(nowMs);
    if (this.#isClusterNew) this.#surveyCluster();
    this.#prioritize(nowMs);
    if (nowMs >= this.#reservationsChangeMs) this.#reviewReservations(nowMs);
    this.#settle(nowMs, sink);
    this.#endAttempts(nowMs, sink);
    if (this.#passes !== null) return this.#makePasses(this.#passes, nowMs, sink);
    const isUnfinished = this.#startAttempts(nowMs);
    this.#preemption?.run(nowMs, sink);
    return isUnfinished ? nowMs : this.#wakeMs(nowMs);
  }

  #wakeMs(nowMs: number): number {
    const { ends, timers, queue } = this.ledger;
    const deadlineMs = ends.firstLimited()?.deadlineMs ?? Infinity;
    const cadence = this.#cadence;
    let wakeMs = Math.min(cadence?.limitCheckMs(deadlineMs) ?? deadlineMs, timers.peek()?.eligibleMs ?? Infinity);
    wakeMs = Math.min(wakeMs, this.ledger.dependencies.nextMs, this.#spentCheckMs());
    if (cadence !== null) wakeMs = Math.min(wakeMs, this.#passWakeMs(cadence, queue.head() === undefined));
    // Also where nobody is in the queue: those who wait for a reservation are out of it, and those whom limits hold up.
    wakeMs = Math.min(wakeMs, this.#reservationsChangeMs);
    if (this.policy.priority.type !== 'basic' && this.ledger.kinds.limits.isToBeCalculated)
      wakeMs = Math.min(wakeMs, this.#calculationMs(this.#calcPeriod + 1));
    if (queue.head() === undefined) return wakeMs;
    if (this.#passes !== null && cadence === null) wakeMs = Math.min(wakeMs, this.#nextBackfillMs());
    if (this.#backfill?.hasWork() && this.policy.bfIntervalSeconds > 0) {
      const nextMs = this.#lastBackfillMs + this.policy.bfIntervalSeconds * 1000;
      if (nextMs > nowMs) wakeMs = Math.min(wakeMs, nextMs);
    }
    const preemptMs = this.#preemption?.wakeMs ?? Infinity;
    return Math.min(wakeMs, preemptMs > nowMs ? preemptMs : Infinity);
  }

  #passWakeMs(cadence: Cadence, isQueueEmpty: boolean): number {
    const backfillMs = this.#passes?.dueMs ?? Infinity;
    if (this.#passes?.isLocked === true) return backfillMs;
    return Math.min(backfillMs, cadence.wakeMs(isQueueEmpty, backfillMs < Infinity));
  }

  /** What depends on which nodes there are. */
  #surveyCluster(): void {
    this.#isClusterNew = false;
    this.ledger.priorities.setCluster(this.ledger.pool.present().map(({ spec }) => spec));
    if (!this.ledger.reservations.isEmpty)
      this.ledger.reservations.setNodes(this.ledger.pool.nodes.map(({ spec }) => spec.name));
    this.#reservationsChangeMs = -Infinity;
    if (this.policy.priority.type === 'multifactor')
      this.ledger.queue.reorder((job) => this.ledger.priorities.prioritizeAnew(job));
  }

  /** Fair-share and age count anew once in each period. */
  #prioritize(nowMs: number): void {
    const { type, calcPeriodSeconds, calcAgeSeconds } = this.policy.priority;
    if (type === 'basic') return;
    const period = Math.floor((nowMs + calcAgeSeconds * 1000) / (calcPeriodSeconds * 1000));
    if (period === this.#calcPeriod) return;
    this.#calcPeriod = period;
    for (const limit of this.ledger.kinds.limits.calculated(this.#calculationMs(period)))
      this.ledger.queue.unpark(limit);
    this.ledger.kinds.fairShare.recalculate(nowMs);
    this.ledger.queue.recalculated();
  }

  /** When that period begins. */
  #calculationMs(period: number): number {
    const { calcPeriodSeconds, calcAgeSeconds } = this.policy.priority;
    return (period * calcPeriodSeconds - calcAgeSeconds) * 1000;
  }

  #reviewReservations(nowMs: number): void {
    this.#reservationsChangeMs = this.ledger.reservations.nextChangeMs(nowMs);
    this.ledger.queue.unpark(RESERVATION);
    this.#backfill?.forget();
    this.ledger.pool.reservationsChanged();
  }

  /** Whether limits and reservations let it start now; if not, it is parked. */
  #admit(job: JobRecord, nowMs: number): boolean {
    const { queue, kinds, reservations } = this.ledger;
    if (job.demand !== null) {
      // Passes find it nodes first, and then see whether those are too many.
      const blocked = kinds.limits.blockedBy(job.kind.limits, job.demand, this.#passes !== null);
      if (blocked !== null) {
        queue.park(job, blocked.key);
        return false;
      }
    }
    const { reservation = null } = job.request;
    if (reservations.isEmpty && reservation === null) {
      job.barred = null;
      return true;
    }
    const { user, account } = job.kind;
    // Its partition's where it has no limit of its own.
    const timeLimitMs = job.limitMs === Infinity ? null : job.limitMs;
    const asUser = { user, account, reservation, timeLimitMs };
    job.isOutsideReservation = !reservations.isOpen(asUser, nowMs);
    if (job.isOutsideReservation) {
      queue.park(job, RESERVATION);
      return false;
    }
    job.barred = reservations.barred(asUser, nowMs);
    return true;
  }

  #settle(nowMs: number, sink: DecisionSink): void {
    const { settling } = this.ledger;
    if (settling.length === 0) return;
    // What a sink reports in the meantime comes after it.
    for (let index = 0; index < settling.length; index++) {
      const job = settling[index];
      if (job?.verdict?.kind === 'end') {
        const { state, exitCode } = job.verdict;
        this.ledger.end(job.request.jobId, state, nowMs);
        sink.endJob(job, state, exitCode);
      } else if (job !== undefined) {
        this.ledger.requeue(job, nowMs);
        sink.requeueJob(job);
      }
    }
    empty(settling);
  }

  #endAttempts(nowMs: number, sink: DecisionSink): void {
    const { ends, doomed } = this.ledger;
    if ((ends.firstLimited()?.deadlineMs ?? Infinity) <= nowMs) {
      for (const due of ends.limitedUntil(nowMs)) {
        if ((this.#cadence?.limitCheckMs(due.deadlineMs) ?? due.deadlineMs) > nowMs) break;
        this.ledger.doom(due, 'TIMEOUT');
      }
    }
    if (this.ledger.kinds.limits.spent.size > 0) this.#endSpent(nowMs);
    else this.#spentMs = Infinity;
    if (doomed.size === 0) return;
    for (const job of doomed) {
      const cause: EndCause = job.cause ?? 'NODE_FAIL';
      this.ledger.markEnding(job, cause);
      sink.endAttempt(job, cause);
    }
  }

  /** Jobs for which as much is used as their limits allow, once those that run are held to their time limits. */
  #endSpent(nowMs: number): void {
    const { spent } = this.ledger.kinds.limits;
    if (this.#spentMs === Infinity) this.#spentMs = nowMs;
    if (this.#spentCheckMs() > nowMs) return;
    for (const job of spent) if (job instanceof JobRecord) this.ledger.doom(job, 'TIMEOUT');
    spent.clear();
    this.#spentMs = Infinity;
  }

  #spentCheckMs(): number {
    return this.#cadence?.limitCheckMs(this.#spentMs) ?? this.#spentMs;
  }

  #start(job: JobRecord, nodeIndices: readonly number[]): void {
    const own = this.ledger.choose(job);
    this.ledger.start(own, own.attempt + 1, holdNodes(this.ledger.pool, own, nodeIndices), this.#nowMs);
    definite(this.#sink, 'jobs start in a cycle').startAttempt(own);
  }

  /** Slurm's passes, those that are due. Returns when to decide again. */
  #makePasses(passes: ConservativePasses, nowMs: number, sink: DecisionSink): number {
    const { pool, queue } = this.ledger;
    const arrivals = queue.takeArrivals();
    for (const job of arrivals) passes.arrived(job);
    const hasChanged = arrivals.length > 0 || pool.changes !== this.#seenChanges;
    if (!passes.isLocked && this.ledger.claimants.size > 0) this.#startClaimants();
    const cadence = this.#cadence;
    if (cadence === null) {
      passes.main(nowMs, true, this.#starter);
      this.#owesBackfill ||= hasChanged && this.policy.schedulerType === 'backfill';
      if (this.#nextBackfillMs() <= nowMs) {
        this.#owesBackfill = false;
        this.#lastBackfillMs = nowMs;
        passes.beginBackfill(nowMs);
        passes.resume(nowMs, () => false, this.#starter);
      }
      this.#preemption?.run(nowMs, sink);
    } else {
      if (hasChanged && !this.#isTakenOverIdle()) cadence.ask(nowMs);
      const preemption = this.#preemption;
      if (preemption !== null) {
        passes.preempt = {
          candidates: (job, atMs) => preemption.candidates(job, atMs),
          makeRoom: (job, usable, atMs) => preemption.makeRoom(job, usable, atMs, sink),
        };
      }
      this.#makeTimedPasses(passes, cadence, nowMs);
    }
    this.#seenChanges = pool.changes;
    return this.#wakeMs(nowMs);
  }

  /** At the first look: a controller of which it is known when it made its passes knows its nodes, and with nobody waiting nothing asks for another. */
  #isTakenOverIdle(): boolean {
    const { cadence } = this.policy;
    return this.#seenChanges === NOTHING_SEEN && cadence?.mainAgeSeconds !== undefined && this.pendingCount === 0;
  }

  #makeTimedPasses(passes: ConservativePasses, cadence: Cadence, nowMs: number): void {
    const startAndTell: Start = (job, nodeIndices) => {
      cadence.changed(nowMs);
      this.#start(job, nodeIndices);
    };
    for (;;) {
      if (passes.dueMs <= nowMs && passes.resume(nowMs, (sinceMs) => cadence.hasChangedSince(sinceMs), startAndTell)) {
        cadence.backfillOver(nowMs);
      }
      if (passes.isLocked) return;
      const pass = cadence.next(nowMs, passes.dueMs < Infinity);
      if (pass === null) return;
      if (pass === 'backfill') passes.beginBackfill(nowMs);
      else {
        passes.main(nowMs, pass === 'full', startAndTell);
        // Jobs that it finds held up are marked so.
        if (this.ledger.queue.head() !== undefined) cadence.changed(nowMs);
      }
    }
  }

  /** Where no cadence says it: `bfIntervalSeconds` after the last pass, once something has changed. */
  #nextBackfillMs(): number {
    return this.#owesBackfill ? this.#lastBackfillMs + this.policy.bfIntervalSeconds * 1000 : Infinity;
  }

  /** Returns whether more jobs might start at once. */
  #startAttempts(nowMs: number): boolean {
    const { queue, pool } = this.ledger;
    if (this.ledger.claimants.size > 0) this.#startClaimants();
    if (!this.ledger.reservations.isEmpty) this.#backfill?.forget();
    for (let started = 0; started < this.policy.defaultQueueDepth; ) {
      const job = queue.head();
      if (job === undefined) return false;
      if (!this.#admit(job, nowMs)) continue;
      started += 1;
      const isStuck =
        this.#stuckHead === job && this.#stuckChanges === pool.changes && this.ledger.reservations.isEmpty;
      const nodeIndices = isStuck ? null : placeGang(pool, job);
      if (nodeIndices === null) {
        this.#stuckHead = job;
        this.#stuckChanges = pool.changes;
        return this.#backfillBehind(job, nowMs);
      }
      this.#backfill?.forget();
      this.#start(job, nodeIndices);
    }
    return queue.head() !== undefined;
  }

  /** Those for whom others were preempted, once their nodes are free. */
  #startClaimants(): void {
    const { pool } = this.ledger;
    // Claims, attempts that leave and nodes that go all count as changes.
    if (pool.changes === this.#claimantsChanges) return;
    this.#claimantsChanges = pool.changes;
    for (const job of this.ledger.claimants) {
      const { claimed } = job;
      if (claimed === null) continue;
      if (!areInService(pool, claimed)) {
        this.ledger.abandonClaim(job);
      } else if (haveRoom(pool, claimed, job)) {
        this.#backfill?.forget();
        this.#start(job, claimed);
      }
    }
  }

  #backfillBehind(head: JobRecord, nowMs: number): boolean {
    if (this.#backfill === null) return false;
    if (nowMs < this.#lastBackfillMs + this.policy.bfIntervalSeconds * 1000) return false;
    this.#lastBackfillMs = nowMs;
    // One behind it may have used up a limit that they share: then it blocks nobody any more.
    if (this.#backfill.run(head, nowMs, this.#starter)) return true;
    return head.place === null || !this.#admit(head, nowMs);
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
