import { DEFAULT_QOS } from '../scheduler/default-names.ts';
import type { EventQueue } from '../lib/event-queue.ts';
import { ZERO_MS } from '../lib/zero-ms.ts';
import type { CoreJob, DecisionSink, SchedulerCore } from '../scheduler/core-types.ts';
import type { SchedulerOptions } from '../scheduler/policy.ts';
import type { EndCause, EndState } from '../scheduler/types.ts';
import { adaptedCheckpointing } from './adaptive-interval.ts';
import { attemptMs, type Progress, setProgress } from './attempt-progress.ts';
import { Dependents } from './dependents.ts';
import {
  CANCELLED_BY_USER,
  COMPLETE_LINE,
  HASH_ATTEMPT_ENDED,
  HASH_JOB_ENDED,
  HASH_REQUEUED,
  HASH_STARTED,
  HASH_SUBMITTED,
  LAUNCH_LINE,
  NODES_FREED,
  TASKS_ENDED,
  TASKS_STARTED,
} from './event-kinds.ts';
import { type LiveJob, LiveJobs } from './live-job.ts';
import type { NodeServices } from './node-services.ts';
import type { Observers } from './observers.ts';
import type { Scenario, Timing } from './scenario.ts';
import type { StateHash } from './state-hash.ts';
import { ATTEMPT_STATES, type AttemptState, type Incident, type TwinJob } from './types.ts';

export interface AttemptsParts {
  core: SchedulerCore;
  queue: EventQueue;
  nodes: NodeServices;
  observers: Observers;
  hash: StateHash;
}

/**
 * The jobs that have not ended, and what becomes of their attempts between the decisions of the scheduler and what the clock brings. An
 * attempt holds its nodes from its decision, works from when its tasks run, and gives the nodes back a while after its tasks are over.
 */
export class Attempts implements DecisionSink {
  nowMs = ZERO_MS;
  submittedCount = 0;
  endedCount = 0;
  /** Attempts that hold nodes. */
  onNodesCount = 0;
  /** Cancellations to come, of jobs that have ended too. */
  cancelTimerCount = 0;
  /** Facts that the scheduler was told, and decisions that it took. */
  eventCount = 0;
  readonly #jobs = new LiveJobs();
  readonly #dependents = new Dependents();
  readonly #core: SchedulerCore;
  readonly #queue: EventQueue;
  readonly #nodes: NodeServices;
  readonly #observers: Observers;
  readonly #hash: StateHash;
  readonly #timing: Timing;
  /** When the last launch has begun; later than now where others are waiting. */
  #launcherFreeMs = -Infinity;
  /** The same of attempts that are being ended. */
  #killerFreeMs = -Infinity;
  /** By QOS. */
  readonly #graceMs: ReadonlyMap<string, number>;
  readonly #progress: Progress = { doneMs: 0, savedMs: 0 };

  constructor({ core, queue, nodes, observers, hash }: AttemptsParts, { timing, policy }: Scenario) {
    this.#core = core;
    this.#queue = queue;
    this.#nodes = nodes;
    this.#observers = observers;
    this.#hash = hash;
    this.#timing = timing;
    this.#graceMs = gracesOf(policy);
  }

  get liveCount(): number {
    return this.submittedCount - this.endedCount;
  }

  submit(twin: TwinJob): void {
    const { request, cancelAfterMs } = twin;
    const eligibleMs = Math.max(request.submitMs, request.beginMs ?? request.submitMs);
    if (request.dependencies.length > 0) this.#dependents.complete(request);
    // One that was submitted before the run began has been waiting since.
    const job = this.#jobs.add(twin, this.#core.submit(request, Math.min(eligibleMs, this.nowMs)));
    job.eligibleMs = eligibleMs;
    this.submittedCount += 1;
    this.eventCount += 1;
    if (request.dependencies.length > 0) this.#dependents.add(job);
    if (cancelAfterMs !== null) {
      this.cancelTimerCount += 1;
      this.#queue.push(request.submitMs + cancelAfterMs, CANCELLED_BY_USER, job.slot, job.jobStamp);
    }
    this.#addToHash(HASH_SUBMITTED, job);
    this.#observers.jobSubmitted(twin, this.nowMs);
  }

  /** Has been running on these nodes since `startMs`, before the run began. */
  adopt(twin: TwinJob, startMs: number, nodeIndices: readonly number[]): void {
    const job = this.#jobs.add(twin, this.#core.adopt(twin.request, startMs, nodeIndices));
    job.eligibleMs = Math.max(twin.request.submitMs, twin.request.beginMs ?? twin.request.submitMs);
    this.submittedCount += 1;
    this.#addToHash(HASH_SUBMITTED, job);
    this.#observers.jobSubmitted(twin, this.nowMs);
    this.#begin(job, startMs);
    this.#runTasks(job, startMs + this.#timing.launchMs);
  }

  /** The run is over: who waits still, and for what. */
  tellPending(): void {
    if (!this.#observers.seeLeft) return;
    for (const { twin, core } of this.#jobs.pending()) {
      const reason = this.#core.reasonOf(core);
      this.#observers.leftPending(twin, core.attempt, reason);
    }
  }

  // What the scheduler decides.

  startAttempt(core: CoreJob): void {
    const job = this.#jobs.at(core.slot);
    this.#begin(job, this.nowMs);
    const { launchMs, launchGapMs = 0 } = this.#timing;
    this.#launcherFreeMs = Math.max(this.nowMs, this.#launcherFreeMs + launchGapMs);
    const tasksMs = this.#launcherFreeMs + launchMs;
    if (tasksMs === this.nowMs) this.#startTasks(job);
    else this.#queue.pushInLine(LAUNCH_LINE, tasksMs, TASKS_STARTED, job.slot, job.attemptStamp);
  }

  #begin(job: LiveJob, startMs: number): void {
    const { core } = job;
    const { allocation } = core;
    if (allocation === null) throw new Error(`invariant violated: job ${core.request.jobId} starts on no nodes`);
    const { nodeIndices } = allocation;
    if (core.attempt === 1 && core.request.dependencies.length > 0) this.#dependents.begin(job);
    const queuedMs = startMs - job.eligibleMs;
    this.eventCount += 1;
    this.onNodesCount += 1;
    job.attemptStamp += 1;
    job.phase = 'launching';
    job.startMs = startMs;
    if (job.firstStartMs === Infinity) job.firstStartMs = startMs;
    job.tasksMs = Infinity;
    job.attemptQueuedMs = queuedMs;
    job.queuedMs += queuedMs;
    job.allocation = allocation;
    job.incident = null;
    job.preemptorJobId = null;
    job.brokenMs = this.#nodes.isAnyBroken(nodeIndices) ? this.nowMs : Infinity;
    this.#nodes.occupy(job.slot, nodeIndices);
    this.#addToHash(HASH_STARTED, job);
    this.#hash.addInts(nodeIndices);
    this.#observers.attemptStarted(job.twin, core.attempt, allocation, queuedMs, startMs);
  }

  endAttempt(core: CoreJob, cause: EndCause): void {
    const job = this.#jobs.at(core.slot);
    this.eventCount += 1;
    if (!isWorking(job)) return;
    job.attemptStamp += 1;
    job.phase = 'ending';
    job.interruptedMs = this.nowMs;
    job.endState = cause === 'REQUEUE' || cause === 'HANG' ? 'FAILED' : cause;
    job.attemptState = stateOf(cause, job.incident);
    if (cause !== 'NODE_FAIL') job.incident = null;
    let dyingMs = this.#timing.killMs;
    if (cause === 'PREEMPTED') {
      job.preemptorJobId = core.preemptorJobId;
      dyingMs += this.#graceMs.get(core.request.qos ?? DEFAULT_QOS) ?? 0;
    }
    this.#killerFreeMs = Math.max(this.nowMs, this.#killerFreeMs + (this.#timing.killGapMs ?? 0));
    this.#queue.push(this.#killerFreeMs + dyingMs, TASKS_ENDED, job.slot, job.attemptStamp);
  }

  requeueJob(core: CoreJob): void {
    const job = this.#jobs.at(core.slot);
    this.eventCount += 1;
    job.phase = 'pending';
    job.eligibleMs = this.nowMs;
    this.#addToHash(HASH_REQUEUED, job);
  }

  endJob(core: CoreJob, state: EndState): void {
    const job = this.#jobs.at(core.slot);
    this.eventCount += 1;
    this.endedCount += 1;
    let endMs = job.tasksEndMs;
    if (job.phase !== 'over') {
      endMs = this.nowMs;
      job.queuedMs += Math.max(0, this.nowMs - job.eligibleMs);
    }
    this.#addToHash(HASH_JOB_ENDED, job);
    this.#hash.addInt(ATTEMPT_STATES.indexOf(state));
    if (this.#observers.seeJobEnds) this.#tellJobEnd(job, state, endMs);
    this.#dependents.settle(job, this.nowMs);
    this.#jobs.remove(job);
  }

  // What the clock brings. Void where the job or its attempt has gone on meanwhile.

  tasksStarted(slot: number, attemptStamp: number): void {
    const job = this.#jobs.at(slot);
    if (job.attemptStamp === attemptStamp) this.#startTasks(job);
  }

  tasksEnded(slot: number, attemptStamp: number): void {
    const job = this.#jobs.at(slot);
    if (job.attemptStamp !== attemptStamp) return;
    if (job.phase === 'ending') return this.#endInterrupted(job);
    const { outcome } = job.twin;
    const workMs = job.twin.workMs - job.savedMs;
    // A node that is lost takes the work with it, and the next attempt comes as far again.
    if (outcome === 'NODE_FAIL') this.#endByItself(job, outcome, 0, workMs);
    else this.#endByItself(job, outcome, workMs, 0);
  }

  nodesFreed(slot: number, attemptStamp: number): void {
    const job = this.#jobs.at(slot);
    if (job.attemptStamp === attemptStamp) this.#freeNodes(job);
  }

  cancelledByUser(slot: number, jobStamp: number): void {
    this.cancelTimerCount -= 1;
    const job = this.#jobs.at(slot);
    if (job.jobStamp !== jobStamp) return;
    const isOver = job.phase === 'ending' || job.phase === 'completing' || job.phase === 'over';
    if (isOver && !isRequeueState(job.attemptState)) return;
    this.eventCount += 1;
    this.#core.cancel(job.core, this.nowMs);
  }

  // What incidents do.

  stall(slot: number, nowMs: number): void {
    const job = this.#jobs.at(slot);
    if (!isWorking(job)) return;
    job.brokenMs = Math.min(job.brokenMs, nowMs);
    // Its end is put off for ever; that of a launch is not.
    if (job.phase === 'running') job.attemptStamp += 1;
  }

  loseNode(slot: number, incident: Incident): void {
    const job = this.#jobs.at(slot);
    if (isWorking(job)) job.incident ??= incident;
    // What a lost node had left to tidy up it never will: the job has ended as it ended.
    else if (job.phase === 'completing') this.#freeNodes(job);
  }

  failAttempt(slot: number, incident: Incident): void {
    const job = this.#jobs.at(slot);
    if (!isWorking(job)) return;
    job.incident = incident;
    this.#setProgress(job, this.nowMs);
    const { doneMs, savedMs } = this.#progress;
    this.#endByItself(job, 'FAILED', savedMs, doneMs - savedMs + this.#stalledMs(job));
  }

  #startTasks(job: LiveJob): void {
    this.eventCount += 1;
    this.#core.started(job.core, this.nowMs);
    this.#runTasks(job, this.nowMs);
  }

  #runTasks(job: LiveJob, tasksMs: number): void {
    job.phase = 'running';
    job.tasksMs = tasksMs;
    job.checkpointing = adaptedCheckpointing(job);
    if (job.brokenMs < Infinity) return;
    const endMs = Math.max(this.nowMs, tasksMs + attemptMs(job.twin.workMs - job.savedMs, job.checkpointing));
    this.#queue.push(endMs, TASKS_ENDED, job.slot, job.attemptStamp);
  }

  #endByItself(job: LiveJob, state: EndState & AttemptState, productiveMs: number, lostMs: number): void {
    job.endState = state;
    job.attemptState = state;
    this.#core.completing?.(job.core);
    this.#endTasks(job, productiveMs, lostMs);
  }

  #endInterrupted(job: LiveJob): void {
    this.#setProgress(job, job.interruptedMs);
    const { doneMs, savedMs } = this.#progress;
    // A user who cancels a job has what he wanted of it: nothing will be done again.
    const productiveMs = job.attemptState === 'CANCELLED' ? doneMs : savedMs;
    this.#endTasks(job, productiveMs, doneMs - productiveMs + this.#stalledMs(job));
  }

  /** `lostMs` and `productiveMs` of the attempt; the rest of its time is overhead. */
  #endTasks(job: LiveJob, productiveMs: number, lostMs: number): void {
    const overheadMs = this.nowMs - job.startMs - productiveMs - lostMs;
    job.productiveMs += productiveMs;
    job.lostMs += lostMs;
    job.overheadMs += overheadMs;
    if (job.incident !== null) job.failures += 1;
    job.savedMs += productiveMs;
    job.tasksEndMs = this.nowMs;
    job.phase = 'completing';
    job.attemptStamp += 1;
    this.#addToHash(HASH_ATTEMPT_ENDED, job);
    this.#hash.addInt(ATTEMPT_STATES.indexOf(job.attemptState));
    if (this.#observers.seeAttemptEnds) this.#tellAttemptEnd(job, productiveMs, lostMs, overheadMs);
    if (this.#timing.completeMs === 0) this.#freeNodes(job);
    else {
      const freedMs = this.nowMs + this.#timing.completeMs;
      this.#queue.pushInLine(COMPLETE_LINE, freedMs, NODES_FREED, job.slot, job.attemptStamp);
    }
  }

  #freeNodes(job: LiveJob): void {
    job.attemptStamp += 1;
    job.phase = 'over';
    this.eventCount += 1;
    this.onNodesCount -= 1;
    if (job.allocation !== null) this.#nodes.vacate(job.slot, job.allocation.nodeIndices, this.nowMs);
    const exitCode = job.endState === 'COMPLETED' || job.endState === 'CANCELLED' ? 0 : 1;
    this.#core.ended(job.core, job.endState, exitCode, this.nowMs);
  }

  /** How far the attempt had come when it was to end, or when it broke. */
  #setProgress(job: LiveJob, endMs: number): void {
    const elapsedMs = job.tasksMs === Infinity ? 0 : Math.max(0, Math.min(endMs, job.brokenMs) - job.tasksMs);
    setProgress(this.#progress, elapsedMs, job.twin.workMs - job.savedMs, job.checkpointing);
  }

  /** How long it stood still because a node was broken. */
  #stalledMs(job: LiveJob): number {
    if (job.tasksMs === Infinity || job.brokenMs === Infinity) return 0;
    const untilMs = job.phase === 'ending' ? job.interruptedMs : this.nowMs;
    return Math.max(0, untilMs - Math.max(job.brokenMs, job.tasksMs));
  }

  #tellAttemptEnd(job: LiveJob, productiveMs: number, lostMs: number, overheadMs: number): void {
    const { allocation } = job;
    if (allocation === null) throw new Error('invariant violated: an attempt ends that was on no nodes');
    const end = {
      job: job.twin,
      attempt: job.core.attempt,
      queuedMs: job.attemptQueuedMs,
      startMs: job.startMs,
      endMs: this.nowMs,
      state: job.attemptState,
      productiveMs,
      lostMs,
      overheadMs,
      allocation,
      incident: job.incident,
      preemptorJobId: job.preemptorJobId,
    };
    this.#observers.attemptEnded(end);
  }

  #tellJobEnd(job: LiveJob, state: EndState, endMs: number): void {
    const end = {
      job: job.twin,
      endMs,
      state,
      attempts: job.core.attempt,
      startMs: job.firstStartMs === Infinity ? null : job.firstStartMs,
      queuedMs: job.queuedMs,
      productiveMs: job.productiveMs,
      lostMs: job.lostMs,
      overheadMs: job.overheadMs,
    };
    this.#observers.jobEnded(end);
  }

  #addToHash(what: number, job: LiveJob): void {
    this.#hash.addInt(what);
    this.#hash.addTime(this.nowMs);
    this.#hash.addInt(job.core.request.jobId);
    this.#hash.addInt(job.core.attempt);
  }
}

/** Its tasks are launched or run, and nobody has told them to end. */
function isWorking(job: LiveJob): boolean {
  return job.phase === 'running' || job.phase === 'launching';
}

function isRequeueState(state: AttemptState): boolean {
  return state === 'PREEMPTED' || state === 'NODE_FAIL' || state === 'REQUEUED';
}

function stateOf(cause: EndCause, incident: Incident | null): AttemptState {
  if (cause === 'REQUEUE') return 'REQUEUED';
  if (cause === 'HANG') return 'FAILED';
  return cause === 'NODE_FAIL' && incident?.severity === 'high' ? 'REQUEUED' : cause;
}

function gracesOf({ qos = [] }: SchedulerOptions): Map<string, number> {
  return new Map(qos.map(({ name, graceSeconds = 0 }) => [name, Math.round(graceSeconds * 1000)]));
}
