import { Heap } from '../lib/heap.ts';
import type { JobRecord } from './job-record.ts';

/** Priority, then first in, first out. Total: no two jobs have the same id. */
export function isAhead(a: JobRecord, b: JobRecord): boolean {
  const [one, other] = [a.request, b.request];
  if (one.priority !== other.priority) return one.priority > other.priority;
  if (one.submitMs !== other.submitMs) return one.submitMs < other.submitMs;
  return one.jobId < other.jobId;
}

/**
 * The pending jobs that could start: not held, waiting for no other job. The first `depth` of them stand sorted in front, where they are
 * looked at; the others wait in a heap, so that a long backlog costs no more than a short one. Jobs that the nodes in service could not
 * hold even if empty are set aside as they come to the front, and come back when a node joins or resumes.
 */
export class PendingQueue {
  /** Counts the jobs that left the front. */
  departures = 0;
  /** Jobs that came to the front since the last `takeArrivals`. */
  readonly #arrivals = new Set<JobRecord>();
  readonly #depth: number;
  /** Shorter than `#depth` only where nothing else is left. */
  readonly #front: JobRecord[] = [];
  readonly #rest = new Heap<JobRecord>(isAhead, (job, index) => {
    job.queueIndex = index;
  });
  readonly #aside = new Set<JobRecord>();
  readonly #isServiceable: (job: JobRecord) => boolean;
  #isDoubtful = false;

  constructor(depth: number, isServiceable: (job: JobRecord) => boolean) {
    this.#depth = depth;
    this.#isServiceable = isServiceable;
  }

  add(job: JobRecord): void {
    const last = this.#front.at(-1);
    const isFull = this.#front.length >= this.#depth;
    if (isFull && last !== undefined && isAhead(last, job)) {
      this.#rest.push(job);
    } else if (!this.#isServiceable(job)) {
      this.#aside.add(job);
    } else {
      this.#front.splice(this.#indexFor(job), 0, job);
      this.#arrivals.add(job);
      if (!isFull || last === undefined) return;
      this.#front.pop();
      this.#arrivals.delete(last);
      this.#rest.push(last);
    }
  }

  /** Nothing happens where the job is not queued. */
  remove(job: JobRecord): void {
    const index = this.#indexFor(job);
    if (this.#front[index] === job) {
      this.#front.splice(index, 1);
      this.#leave(job);
      this.#refill();
    } else if (job.queueIndex >= 0) this.#rest.removeAt(job.queueIndex);
    else this.#aside.delete(job);
  }

  /** The job whose turn it is. */
  head(): JobRecord | undefined {
    return this.front()[0];
  }

  /** The first jobs, in order. */
  front(): readonly JobRecord[] {
    if (this.#isDoubtful) {
      this.#isDoubtful = false;
      for (const job of this.#front.splice(0)) {
        if (this.#isServiceable(job)) this.#front.push(job);
        else {
          this.#aside.add(job);
          this.#leave(job);
        }
      }
      this.#refill();
    }
    return this.#front;
  }

  /** Jobs that are in the front now and were not when this was last asked, in order. */
  takeArrivals(): JobRecord[] {
    if (this.#arrivals.size === 0) return [];
    const arrivals = this.front().filter((job) => this.#arrivals.has(job));
    this.#arrivals.clear();
    return arrivals;
  }

  /** More nodes are in service than before. */
  reconsider(): void {
    const jobs = [...this.#aside];
    this.#aside.clear();
    for (const job of jobs) this.add(job);
  }

  /** Fewer nodes are in service than before. */
  doubt(): void {
    this.#isDoubtful = true;
  }

  /** Jobs that are to start before this one and that the nodes in service could hold. Walks the whole queue: for people's questions. */
  ahead(job: JobRecord): number {
    let count = 0;
    const isCounted = (other: JobRecord) => other !== job && isAhead(other, job) && this.#isServiceable(other);
    for (const other of this.front()) if (isCounted(other)) count += 1;
    for (const other of this.#rest) if (isCounted(other)) count += 1;
    return count;
  }

  #leave(job: JobRecord): void {
    this.#arrivals.delete(job);
    this.departures += 1;
  }

  #refill(): void {
    while (this.#front.length < this.#depth) {
      const job = this.#rest.pop();
      if (job === undefined) return;
      if (this.#isServiceable(job)) {
        this.#front.push(job);
        this.#arrivals.add(job);
      } else this.#aside.add(job);
    }
  }

  #indexFor(job: JobRecord): number {
    let low = 0;
    let high = this.#front.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#front[middle];
      if (other !== undefined && isAhead(other, job)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
