import { Heap } from '../lib/heap.ts';
import type { JobKind } from './job-kind.ts';
import type { JobRecord } from './job-record.ts';
import { isAhead } from './queue-front.ts';

/** How priorities are worked out. */
export interface Priorities {
  /** As of the last calculation. */
  prioritize(job: JobRecord): void;
  /** Whether its priority is as of the last calculation: that of a job that ran meanwhile is not. */
  isCurrent(job: JobRecord): boolean;
}

/** Jobs that keep their order among themselves whatever the time: the first in is the first out. */
export class Lane {
  readonly jobs = new Heap<JobRecord>(isSubmittedBefore, setQueueIndex);
  readonly kind: JobKind;
  readonly staticPriority: number;
  readonly delayMs: number;
  /** Its place among lanes; -1 outside. */
  index = -1;

  constructor({ kind, staticPriority, eligibleMs, request }: JobRecord) {
    this.kind = kind;
    this.staticPriority = staticPriority;
    this.delayMs = eligibleMs - request.submitMs;
  }

  holds({ kind, staticPriority, eligibleMs, request }: JobRecord): boolean {
    return (
      kind === this.kind && staticPriority === this.staticPriority && eligibleMs - request.submitMs === this.delayMs
    );
  }
}

/**
 * The jobs behind the front of the queue. As time passes priorities change with age and fair-share, but not the order of jobs of one user, QOS
 * and size: each such lot stands in a lane, and only the first of a lane is held against others. What a calculation of priorities costs then
 * goes with how many lanes there are and not with how many jobs. Of the others in a lane `priority` is that of an earlier calculation. A job
 * that comes with an older priority keeps it, and stands alone, until the next one.
 */
export class Backlog {
  size: number;
  readonly #priorities: Priorities;
  readonly #lanesOf = new Map<JobKind, Lane[]>();
  /** That came with an older priority. */
  readonly #outdated = new Set<JobRecord>();
  readonly #order = new Heap<Lane>(isLaneAhead, (lane, index) => {
    lane.index = index;
  });

  constructor(priorities: Priorities) {
    this.#priorities = priorities;
    // Set here, so that V8 does not take it for a constant: see JobRecord.
    this.size = 0;
  }

  push(job: JobRecord): void {
    const isCurrent = this.#priorities.isCurrent(job);
    const lane = isCurrent ? this.#laneFor(job) : new Lane(job);
    if (!isCurrent) this.#outdated.add(job);
    this.size += 1;
    job.lane = lane;
    const first = lane.jobs.peek();
    if (first === undefined || isSubmittedBefore(job, first)) {
      if (lane.index >= 0) this.#order.removeAt(lane.index);
      lane.jobs.push(job);
      this.#order.push(lane);
    } else lane.jobs.push(job);
  }

  /** The job whose turn comes first. */
  peek(): JobRecord | undefined {
    return this.#order.peek()?.jobs.peek();
  }

  pop(): JobRecord | undefined {
    const job = this.peek();
    if (job !== undefined) this.remove(job);
    return job;
  }

  remove(job: JobRecord): void {
    const { lane } = job;
    if (lane === null) throw new Error(`invariant violated: job ${job.request.jobId} is in no lane`);
    this.size -= 1;
    job.lane = null;
    if (job.queueIndex > 0) {
      lane.jobs.removeAt(job.queueIndex);
      // It may come back, and was there at the last calculation.
      this.#priorities.prioritize(job);
      return;
    }
    this.#order.removeAt(lane.index);
    lane.jobs.removeAt(0);
    const next = lane.jobs.peek();
    if (next === undefined) {
      if (!this.#outdated.delete(job)) this.#drop(lane);
      return;
    }
    this.#priorities.prioritize(next);
    this.#order.push(lane);
  }

  /** Priorities have been calculated: what they are made of besides age and fair-share is what it was. */
  recalculated(): void {
    const outdated = [...this.#outdated];
    for (const job of outdated) this.remove(job);
    for (const lane of this.#order) {
      const first = lane.jobs.peek();
      if (first !== undefined) this.#priorities.prioritize(first);
    }
    this.#order.reorder();
    for (const job of outdated) {
      this.#priorities.prioritize(job);
      this.push(job);
    }
  }

  /** All of them, in no particular order; none is left. */
  takeAll(): JobRecord[] {
    const jobs: JobRecord[] = [];
    for (const lane of this.#order) {
      for (const job of lane.jobs) {
        job.lane = null;
        job.queueIndex = -1;
        jobs.push(job);
      }
    }
    while (this.#order.size > 0) this.#order.removeAt(this.#order.size - 1);
    this.#lanesOf.clear();
    this.#outdated.clear();
    this.size = 0;
    return jobs;
  }

  /** Its `priority` is as of the last calculation from here on, unless it came with an older one. */
  refresh(job: JobRecord): void {
    if (!this.#outdated.has(job)) this.#priorities.prioritize(job);
  }

  /** In no particular order, each refreshed. */
  *[Symbol.iterator](): Generator<JobRecord> {
    for (const lane of this.#order) {
      for (const job of lane.jobs) {
        this.refresh(job);
        yield job;
      }
    }
  }

  #laneFor(job: JobRecord): Lane {
    let lanes = this.#lanesOf.get(job.kind);
    if (lanes === undefined) {
      lanes = [];
      this.#lanesOf.set(job.kind, lanes);
    }
    for (const lane of lanes) if (lane.holds(job)) return lane;
    const lane = new Lane(job);
    lanes.push(lane);
    return lane;
  }

  #drop(lane: Lane): void {
    const lanes = this.#lanesOf.get(lane.kind) ?? [];
    const last = lanes.pop();
    if (last !== lane && last !== undefined) lanes[lanes.indexOf(lane)] = last;
    if (lanes.length === 0) this.#lanesOf.delete(lane.kind);
  }
}

function isSubmittedBefore(a: JobRecord, b: JobRecord): boolean {
  return a.request.submitMs === b.request.submitMs
    ? a.request.jobId < b.request.jobId
    : a.request.submitMs < b.request.submitMs;
}

function isLaneAhead(a: Lane, b: Lane): boolean {
  const [one, other] = [a.jobs.peek(), b.jobs.peek()];
  return one !== undefined && other !== undefined && isAhead(one, other);
}

function setQueueIndex(job: JobRecord, index: number): void {
  job.queueIndex = index;
}
