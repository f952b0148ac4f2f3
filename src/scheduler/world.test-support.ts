import { assert } from 'vitest';
import type { NodeSpec } from '../cluster/node.ts';
import { echoOf } from './echo.ts';
import { ReferenceScheduler } from './reference.ts';
import { completePolicy, type SchedulerOptions } from './policy.ts';
import { createScheduler } from './scheduler.ts';
import type { PendingReason } from './pending-reason.ts';
import type { Decision, Dependency, EndState, JobRequest, Placement, Scheduler, SchedulerEvent } from './types.ts';

/** Of jobs in the queue. */
const QUEUE_REASONS: readonly PendingReason[] = ['None', 'Priority', 'Resources', 'JobArrayTaskLimit'];

interface Holding {
  attempt: number;
  placement: Placement;
  isStarted: boolean;
}

/**
 * A driver without processes: it carries out decisions on paper, keeps a journal and its own books of who holds what, and throws as
 * soon as the scheduler breaks a promise. The books are made from events and decisions only, never from the scheduler's own views.
 */
export class World {
  scheduler: Scheduler;
  nowMs = 0;
  readonly requests = new Map<number, JobRequest>();
  readonly pending = new Set<number>();
  readonly ended = new Map<number, EndState>();
  readonly holdings = new Map<number, Holding>();
  readonly nodes = new Map<string, { spec: NodeSpec; isInService: boolean }>();
  /** For counting what the runs met. */
  onDecision: (decision: Decision) => void = () => {};
  readonly #journal: SchedulerEvent[] = [];
  /** Of jobs that have ended, what `after` with a delay counts from. */
  readonly endedFromMs = new Map<number, number>();
  readonly #attempts = new Map<number, number>();
  readonly #requeued = new Set<number>();
  /** Of jobs that have started since they were last put in the queue. */
  readonly #startMs = new Map<number, number>();
  /** Jobs that were cancelled on nodes, and those that were while none of them held any. */
  readonly #cancelledThere = new Set<number>();
  readonly #cancelledWaiting = new Set<number>();
  readonly #reference: ReferenceScheduler;
  readonly #options: SchedulerOptions;
  readonly #areEchoesApplied: boolean;
  #hasResubmitted = false;
  #isPruned = false;

  constructor(options: SchedulerOptions, areEchoesApplied: boolean) {
    this.#options = options;
    this.#areEchoesApplied = areEchoesApplied;
    this.scheduler = createScheduler(options);
    this.#reference = new ReferenceScheduler(options);
  }

  /** A fact: journalled, then told to both schedulers. */
  tell(event: SchedulerEvent): void {
    this.#journal.push(event);
    this.#keepBooks(event);
    this.scheduler.apply(event);
    this.#reference.apply(event);
  }

  /** True where every job that waits is a candidate for backfill. */
  get isTryingAll(): boolean {
    return completePolicy(this.#options).bfMaxJobTest >= 500;
  }

  /** Cycles until the scheduler has nothing more to do now; a depth limit only cuts the same decisions into more cycles. */
  decide(): Decision[] {
    const decisions: Decision[] = [];
    for (let cycle = 0; ; cycle++) {
      assert(cycle < 1000, 'the scheduler never comes to rest');
      const { decisions: some, wakeAtMs } = this.scheduler.decide(this.nowMs);
      const { defaultQueueDepth, bfMaxJobTest } = completePolicy(this.#options);
      const startCount = some.filter(({ kind }) => kind === 'StartAttempt').length;
      assert(startCount <= defaultQueueDepth + bfMaxJobTest, 'a cycle is bounded');
      for (const decision of some) this.#carryOut(decision);
      decisions.push(...some);
      if (wakeAtMs === null || wakeAtMs > this.nowMs) break;
    }
    for (const decision of decisions) this.onDecision(decision);
    assert.deepEqual(decisions, this.#reference.decide(this.nowMs));
    this.#checkViews();
    return decisions;
  }

  /** True where no attempt holds any of the node. */
  isIdle(nodeName: string): boolean {
    return ![...this.holdings.values()].some(({ placement }) => placement.some((held) => held.nodeName === nodeName));
  }

  /** A new scheduler takes over with nothing but the journal. */
  restart(): void {
    const before = this.#views();
    this.scheduler = this.#replay(this.#journal);
    assert.deepEqual(this.#views(), before);
  }

  /** The same, with a journal that keeps of ended jobs nothing but that they ended; where nobody waits for a while after their start. */
  restartPruned(): void {
    if (this.#hasResubmitted) return;
    const before = this.#views();
    const timed = new Set<number>();
    for (const jobId of [...this.pending, ...this.holdings.keys()]) {
      for (const one of this.requests.get(jobId)?.dependencies ?? [])
        if (one.delayMs !== undefined) timed.add(one.jobId);
    }
    const isKept = (event: SchedulerEvent) => {
      const jobId = event.kind === 'JobSubmitted' ? event.job.jobId : 'jobId' in event ? event.jobId : null;
      return jobId === null || !this.ended.has(jobId) || event.kind === 'JobEnded';
    };
    // One that had waited long enough before that job was put back in the queue would wait again.
    if ([...timed].some((jobId) => this.#requeued.has(jobId))) return;
    const withStart = (event: SchedulerEvent) => {
      const startMs =
        event.kind === 'JobEnded' && timed.has(event.jobId) ? this.endedFromMs.get(event.jobId) : undefined;
      return startMs === undefined ? event : { ...event, startMs };
    };
    this.scheduler = this.#replay(this.#journal.filter(isKept).map(withStart));
    this.#isPruned = true;
    assert.deepEqual(this.#views(), before);
  }

  /** An ended job is to run again. A scheduler rebuilt from a pruned journal has to be told how many attempts there were. */
  resubmit(request: JobRequest): void {
    const event = {
      kind: 'JobSubmitted' as const,
      atMs: this.nowMs,
      job: { ...request, isHeld: false, dependencies: this.withStarts(request.dependencies) },
    };
    this.tell(this.#isPruned ? { ...event, attemptsBefore: this.#attempts.get(request.jobId) ?? 0 } : event);
  }

  /** As the store puts them down in a request. */
  withStarts(dependencies: readonly Dependency[]): Dependency[] {
    return dependencies.map((one) => {
      const startMs =
        one.delayMs !== undefined && this.ended.has(one.jobId) ? this.endedFromMs.get(one.jobId) : undefined;
      return startMs === undefined ? one : { ...one, startMs };
    });
  }

  #replay(events: readonly SchedulerEvent[]): Scheduler {
    const scheduler = createScheduler(this.#options);
    for (const event of events) scheduler.apply(event);
    return scheduler;
  }

  /**
   * Of ended jobs the state only: how many attempts they had is not in a pruned journal. Of a job in the queue, where there are arrays, not
   * what it waits for: which tasks a throttle holds up is found out in the next cycle, and that one has waited long enough after a start.
   */
  #views() {
    const hasThrottles = [...this.requests.values()].some(({ array }) => array !== undefined);
    const waitsForStart = ({ dependencies }: JobRequest) => dependencies.some(({ condition }) => condition === 'after');
    const hasStartWaits = [...this.requests.values()].some(waitsForStart);
    const jobs = [...this.requests].map(([jobId, request]) => {
      const view = this.scheduler.job(jobId);
      if (this.ended.has(jobId) || view === undefined) return view?.state;
      const isFreed = view.state === 'PENDING' && waitsForStart(request);
      const isQueued = isFreed || ((hasThrottles || hasStartWaits) && QUEUE_REASONS.includes(view.reason));
      return isQueued ? { ...view, reason: 'queued' } : view;
    });
    return [this.scheduler.nodes(), jobs];
  }

  #keepBooks(event: SchedulerEvent): void {
    switch (event.kind) {
      case 'NodeAdded':
        this.nodes.set(event.node.name, { spec: event.node, isInService: true });
        return;
      case 'NodeRemoved':
        this.nodes.delete(event.nodeName);
        return;
      case 'NodeFailed':
      case 'NodeDrained':
      case 'NodeResumed': {
        const node = this.nodes.get(event.nodeName);
        if (node !== undefined) node.isInService = event.kind === 'NodeResumed';
        return;
      }
      case 'JobSubmitted':
        this.#hasResubmitted ||= this.requests.has(event.job.jobId);
        this.requests.set(event.job.jobId, event.job);
        this.ended.delete(event.job.jobId);
        this.#forgetStart(event.job.jobId);
        this.pending.add(event.job.jobId);
        return;
      case 'JobCancelRequested':
        if (this.holdings.has(event.jobId)) this.#cancelledThere.add(event.jobId);
        else if (!this.#cancelledThere.has(event.jobId)) this.#cancelledWaiting.add(event.jobId);
        return;
      case 'AttemptStarted': {
        const holding = this.holdings.get(event.jobId);
        if (holding !== undefined) holding.isStarted = true;
        return;
      }
      case 'LaunchFailed':
      case 'AttemptEnded':
        this.holdings.delete(event.jobId);
        this.pending.add(event.jobId);
        return;
      default:
    }
  }

  #carryOut(decision: Decision): void {
    const { jobId } = decision;
    if (decision.kind === 'StartAttempt') this.#checkStart(decision);
    else if (decision.kind === 'EndAttempt') {
      assert(this.holdings.get(jobId)?.attempt === decision.attempt, 'only what runs is ended');
    } else {
      assert(this.pending.has(jobId), `job ${jobId} is settled only when nothing of it runs`);
    }
    if (decision.kind === 'EndJob') {
      this.pending.delete(jobId);
      assert(!this.ended.has(jobId), `job ${jobId} ends once`);
      this.ended.set(jobId, decision.state);
      // One that was to be requeued and was cancelled before that had not started since.
      const isUnstarted = decision.state === 'CANCELLED' && this.#cancelledWaiting.has(jobId);
      this.endedFromMs.set(jobId, isUnstarted ? this.nowMs : (this.#startMs.get(jobId) ?? this.nowMs));
    } else if (decision.kind === 'Requeue') {
      this.#forgetStart(jobId);
      this.#requeued.add(jobId);
    }
    const echo = echoOf(decision, this.nowMs);
    this.#journal.push(echo);
    if (this.#areEchoesApplied) this.scheduler.apply(echo);
  }

  #forgetStart(jobId: number): void {
    this.#startMs.delete(jobId);
    this.#cancelledThere.delete(jobId);
    this.#cancelledWaiting.delete(jobId);
  }

  #checkStart({ jobId, attempt, placement }: Extract<Decision, { kind: 'StartAttempt' }>): void {
    const request = this.requests.get(jobId);
    assert(request !== undefined && this.pending.delete(jobId), `job ${jobId} starts from PENDING only`);
    assert(attempt === (this.#attempts.get(jobId) ?? 0) + 1, `attempts of job ${jobId} count up by one`);
    this.#attempts.set(jobId, attempt);
    this.#startMs.set(jobId, this.nowMs);
    assert(new Set(placement.map(({ nodeName }) => nodeName)).size === request.nodes, 'a gang is whole');
    for (const { nodeName, resources, gpuIndices } of placement) {
      const node = this.nodes.get(nodeName);
      assert(node?.isInService, `node ${nodeName} is in service`);
      assert(!request.excludedNodes.includes(nodeName), `job ${jobId} excludes ${nodeName}`);
      assert(request.gpuType === null || node.spec.gpuType === request.gpuType, 'the GPU type is the one asked for');
      assert.deepEqual(resources, request.exclusive ? node.spec.resources : request.perNode);
      assert(gpuIndices.length === resources.gpus, 'as many GPUs as counted');
    }
    this.holdings.set(jobId, { attempt, placement, isStarted: false });
    this.#checkBooking();
  }

  /** Nothing double-booked: CPUs, memory, each GPU, and whole nodes. */
  #checkBooking(): void {
    const totals = new Map<
      string,
      { cpus: number; memoryBytes: number; gpus: Set<number>; jobs: number; isWhole: boolean }
    >();
    for (const [jobId, { placement }] of this.holdings) {
      for (const { nodeName, resources, gpuIndices } of placement) {
        const total = totals.get(nodeName) ?? { cpus: 0, memoryBytes: 0, gpus: new Set(), jobs: 0, isWhole: false };
        totals.set(nodeName, total);
        total.cpus += resources.cpus;
        total.memoryBytes += resources.memoryBytes;
        total.jobs += 1;
        total.isWhole ||= this.requests.get(jobId)?.exclusive ?? false;
        for (const index of gpuIndices) {
          assert(!total.gpus.has(index), `GPU ${index} of ${nodeName} has one job`);
          total.gpus.add(index);
        }
      }
    }
    for (const [nodeName, total] of totals) {
      const offered = this.nodes.get(nodeName)?.spec.resources;
      assert(
        offered !== undefined && total.cpus <= offered.cpus && total.memoryBytes <= offered.memoryBytes,
        `${nodeName} is not overbooked`,
      );
      assert(
        [...total.gpus].every((index) => index >= 0 && index < offered.gpus),
        'GPUs are those the node has',
      );
      assert(!total.isWhole || total.jobs === 1, `node ${nodeName} is whole for one job`);
    }
  }

  /** No job lost or duplicated; a reason for every pending one. */
  #checkViews(): void {
    for (const jobId of this.requests.keys()) {
      const view = this.scheduler.job(jobId);
      const places = [this.pending.has(jobId), this.holdings.has(jobId), this.ended.has(jobId)].filter(Boolean).length;
      assert(places === 1, `job ${jobId} is in one place`);
      if (this.pending.has(jobId)) {
        assert(view?.state === 'PENDING', `job ${jobId} is seen as pending`);
        assert(view.reason !== 'None', `job ${jobId} has a reason to be pending`);
      } else if (this.holdings.has(jobId)) {
        assert(view?.state === 'RUNNING' || view?.state === 'COMPLETING', `job ${jobId} is seen on nodes`);
        assert.deepEqual(view.placement, this.holdings.get(jobId)?.placement);
      } else assert(view?.state === this.ended.get(jobId), `job ${jobId} is seen as it ended`);
      assert(this.scheduler.explain(jobId, this.nowMs).length > 0, `job ${jobId} can be explained`);
    }
  }
}
