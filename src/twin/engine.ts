import { EventQueue } from '../lib/event-queue.ts';
import { ZERO_MS } from '../lib/zero-ms.ts';
import type { SchedulerCore } from '../scheduler/core-types.ts';
import { createCore } from '../scheduler/core.ts';
import { Attempts } from './attempts.ts';
import {
  CANCELLED_BY_USER,
  DETECTED,
  HASH_NODE,
  LINE_COUNT,
  NODES_FREED,
  REPAIRED,
  TASKS_ENDED,
  TASKS_STARTED,
} from './event-kinds.ts';
import { IncidentEffects } from './incident-effects.ts';
import { NodeServices } from './node-services.ts';
import { Observers } from './observers.ts';
import type { RunControl, RunSummary, Scenario, StartState } from './scenario.ts';
import { StateHash } from './state-hash.ts';
import type { Incident, NodeService, TwinJob } from './types.ts';

const PROGRESS_EVERY = 16_384;
const STATE_HASH_EVERY = 100_000;

/**
 * Runs a scenario: the scheduler that runs live, under a virtual clock. Same scenario, same run. Throws where a source gives jobs or
 * incidents out of order, and a RangeError for a policy that makes no sense.
 */
export function runTwin(scenario: Scenario, control: RunControl = {}): RunSummary {
  return new Engine(scenario, control).run();
}

const SERVICES: readonly NodeService[] = ['up', 'draining', 'down'];

class Engine {
  readonly #scenario: Scenario;
  readonly #control: RunControl;
  readonly #core: SchedulerCore;
  readonly #queue = new EventQueue(LINE_COUNT);
  readonly #hash = new StateHash();
  readonly #observers: Observers;
  readonly #nodes: NodeServices;
  readonly #attempts: Attempts;
  readonly #effects: IncidentEffects;
  /** Those that were not detected yet, by number. */
  readonly #undetected = new Map<number, Incident>();
  #incidentCount = 0;
  #nowMs = ZERO_MS;
  #nextJob: TwinJob | null = null;
  #nextSubmitMs = Infinity;
  #nextIncident: Incident | null = null;
  #nextIncidentMs = Infinity;
  #nextReviewMs: number;
  /** When the scheduler wants to decide again. */
  #wakeMs = Infinity;
  #reportedEvents = 0;
  #hashedEvents = 0;

  constructor(scenario: Scenario, control: RunControl) {
    this.#scenario = scenario;
    this.#control = control;
    this.#core = createCore(scenario.policy);
    for (const node of scenario.nodes) this.#core.addNode(node);
    this.#observers = new Observers(scenario);
    this.#nodes = new NodeServices(scenario.nodes.length, this.#core, {
      scheduleRepair: (nodeIndex, atMs) => this.#queue.push(atMs, REPAIRED, nodeIndex, 0),
      changed: (nodeIndex, service, reason, atMs) => this.#nodeChanged(nodeIndex, service, reason, atMs),
      returned: (nodeIndex, atMs) => scenario.incidents?.repaired?.(nodeIndex, atMs),
    });
    const { queue, core, nodes, observers, hash } = {
      queue: this.#queue,
      core: this.#core,
      nodes: this.#nodes,
      observers: this.#observers,
      hash: this.#hash,
    };
    this.#attempts = new Attempts({ queue, core, nodes, observers, hash }, scenario);
    this.#effects = new IncidentEffects(this.#nodes, {
      stall: (slot, nowMs) => this.#attempts.stall(slot, nowMs),
      loseNode: (slot, incident) => this.#attempts.loseNode(slot, incident),
      failAttempt: (slot, incident) => this.#attempts.failAttempt(slot, incident),
      scheduleDetection: (incident) => this.#scheduleDetection(incident),
    });
    this.#nextReviewMs = scenario.operator?.reviewEveryMs ?? Infinity;
  }

  run(): RunSummary {
    const untilMs = this.#scenario.untilMs ?? Infinity;
    const { isEnough } = this.#control;
    if (this.#scenario.start !== undefined) this.#takeOver(this.#scenario.start);
    this.#pullJob();
    this.#pullIncident();
    let isInterrupted = false;
    let isOver = false;
    while (!isOver) {
      const nextMs = this.#nextInstantMs(untilMs);
      if (nextMs > untilMs || nextMs === Infinity) break;
      this.#nowMs = nextMs;
      this.#attempts.nowMs = nextMs;
      // Not `nextMs`: as a field it is a double from the first instant on (see ZERO_MS), and with it whatever is reckoned from it.
      this.#live(this.#nowMs);
      isInterrupted = this.#report();
      isOver = isInterrupted || isEnough?.() === true;
    }
    this.#attempts.tellPending();
    const { submittedCount, endedCount, eventCount } = this.#attempts;
    return {
      endMs: isOver || untilMs === Infinity ? this.#nowMs : untilMs,
      jobsSubmitted: submittedCount,
      jobsEnded: endedCount,
      events: eventCount,
      isInterrupted,
      stateHash: this.#hash.digest(),
    };
  }

  #takeOver({ running, pending, nodesOut, usage, minutes = [] }: StartState): void {
    this.#core.carryUse(usage, minutes);
    for (const { job, startMs, nodeIndices } of running) this.#attempts.adopt(job, startMs, nodeIndices);
    for (const nodeIndex of nodesOut) this.#nodes.drain(nodeIndex, 'out of service at the start', Infinity, 0);
    for (const job of pending) this.#attempts.submit(job);
    this.#wakeMs = 0;
  }

  /** Infinity where nothing will happen any more, or nothing that matters. */
  #nextInstantMs(untilMs: number): number {
    const nextMs = Math.min(this.#queue.nextMs, this.#nextSubmitMs, this.#wakeMs);
    if (untilMs === Infinity && this.#attempts.onNodesCount === 0 && this.#nextJob === null) {
      if (this.#attempts.liveCount === 0) return Infinity;
      // Jobs are left that wait for nodes in repair or for their own time, if for anything: meanwhile nothing more breaks.
      return nextMs;
    }
    return Math.min(nextMs, this.#nextIncidentMs, this.#nextReviewMs);
  }

  /** Everything of one instant: what the clock brings, what comes from outside, what the scheduler decides, until nothing more happens. */
  #live(nowMs: number): void {
    const queue = this.#queue;
    const attempts = this.#attempts;
    do {
      const before = attempts.eventCount;
      while (queue.nextMs <= nowMs) this.#takeEvent();
      while (this.#nextIncidentMs <= nowMs) this.#breakNext(nowMs);
      while (this.#nextSubmitMs <= nowMs) this.#submitNext();
      while (this.#nextReviewMs <= nowMs) this.#review(nowMs);
      if (attempts.eventCount !== before || this.#wakeMs <= nowMs) {
        this.#wakeMs = this.#core.decide(nowMs, attempts);
      }
    } while (this.#wakeMs <= nowMs || queue.nextMs <= nowMs);
    this.#observers.settled(nowMs, this.#core.pendingCount, this.#core.runningCount);
  }

  #takeEvent(): void {
    const queue = this.#queue;
    queue.take();
    const { kind, subject, stamp } = queue;
    switch (kind) {
      case TASKS_ENDED:
        return this.#attempts.tasksEnded(subject, stamp);
      case TASKS_STARTED:
        return this.#attempts.tasksStarted(subject, stamp);
      case NODES_FREED:
        return this.#attempts.nodesFreed(subject, stamp);
      case CANCELLED_BY_USER:
        return this.#attempts.cancelledByUser(subject, stamp);
      case DETECTED:
        return this.#detect(subject);
      case REPAIRED:
        this.#nodes.repairDone(subject, this.#nowMs);
    }
  }

  #submitNext(): void {
    if (this.#nextJob !== null) this.#attempts.submit(this.#nextJob);
    this.#pullJob();
  }

  #pullJob(): void {
    const previousMs = this.#nextSubmitMs;
    this.#nextJob = this.#scenario.jobs.next();
    this.#nextSubmitMs = this.#nextJob?.request.submitMs ?? Infinity;
    if (previousMs < Infinity && this.#nextSubmitMs < previousMs) {
      throw new Error(`job ${this.#nextJob?.request.jobId} is submitted before the job that came before it`);
    }
  }

  #breakNext(nowMs: number): void {
    const incident = this.#nextIncident;
    this.#pullIncident();
    // One that is past was held back while nothing ran that it could have hit.
    if (incident === null || incident.atMs < nowMs || !this.#effects.break(incident, nowMs)) return;
    this.#observers.incident(incident);
  }

  #pullIncident(): void {
    const previousMs = this.#nextIncidentMs;
    this.#nextIncident = this.#scenario.incidents?.next() ?? null;
    this.#nextIncidentMs = this.#nextIncident?.atMs ?? Infinity;
    if (previousMs < Infinity && this.#nextIncidentMs < previousMs) {
      throw new Error(`an incident at ${this.#nextIncidentMs} ms comes after one at ${previousMs} ms`);
    }
  }

  #scheduleDetection(incident: Incident): void {
    this.#incidentCount += 1;
    this.#undetected.set(this.#incidentCount, incident);
    this.#queue.push(incident.detectedMs, DETECTED, this.#incidentCount, 0);
  }

  #detect(number: number): void {
    const incident = this.#undetected.get(number);
    this.#undetected.delete(number);
    if (incident !== undefined) this.#effects.detect(incident, this.#nowMs);
  }

  #review(nowMs: number): void {
    const { operator } = this.#scenario;
    if (operator === null) return;
    // As with incidents, none takes place while nothing runs that is left to run.
    const isPast = this.#nextReviewMs < nowMs;
    this.#nextReviewMs += operator.reviewEveryMs;
    if (isPast) return;
    for (const { nodeIndex, reason, repairMs } of operator.review(nowMs)) {
      if (!this.#nodes.isOut(nodeIndex)) this.#nodes.drain(nodeIndex, reason, repairMs, nowMs);
    }
  }

  #nodeChanged(nodeIndex: number, service: NodeService, reason: string, atMs: number): void {
    this.#attempts.eventCount += 1;
    this.#hash.addInt(HASH_NODE);
    this.#hash.addTime(atMs);
    this.#hash.addInt(nodeIndex);
    this.#hash.addInt(SERVICES.indexOf(service));
    this.#observers.nodeChanged(nodeIndex, service, reason, atMs);
  }

  /** Returns whether the run is to end. */
  #report(): boolean {
    const events = this.#attempts.eventCount;
    const { onStateHash, onProgress, stateHashEvery = STATE_HASH_EVERY } = this.#control;
    if (onStateHash !== undefined && events - this.#hashedEvents >= stateHashEvery) {
      this.#hashedEvents = events;
      onStateHash(events, this.#nowMs, this.#hash.digest());
    }
    if (onProgress === undefined || events - this.#reportedEvents < PROGRESS_EVERY) return false;
    this.#reportedEvents = events;
    return !onProgress(this.#nowMs, this.#attempts.submittedCount, this.#attempts.endedCount);
  }
}
