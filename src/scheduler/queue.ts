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
 * The pending jobs that could start: not held, waiting for no other job. Those that the nodes in service could not hold even if empty are
 * set aside as they come to the front, and come back when a node joins or resumes; so each is looked at once for each such event.
 */
export class PendingQueue {
  readonly #heap = new Heap<JobRecord>(isAhead, (job, index) => {
    job.queueIndex = index;
  });
  readonly #aside = new Set<JobRecord>();
  readonly #isServiceable: (job: JobRecord) => boolean;

  constructor(isServiceable: (job: JobRecord) => boolean) {
    this.#isServiceable = isServiceable;
  }

  add(job: JobRecord): void {
    this.#heap.push(job);
  }

  /** Nothing happens where the job is not queued. */
  remove(job: JobRecord): void {
    if (job.queueIndex >= 0) this.#heap.removeAt(job.queueIndex);
    else this.#aside.delete(job);
  }

  /** The job whose turn it is. */
  head(): JobRecord | undefined {
    for (;;) {
      const job = this.#heap.peek();
      if (job === undefined || this.#isServiceable(job)) return job;
      this.#heap.pop();
      this.#aside.add(job);
    }
  }

  /** More nodes are in service than before. */
  reconsider(): void {
    for (const job of this.#aside) this.#heap.push(job);
    this.#aside.clear();
  }

  /** Jobs that are to start before this one and that the nodes in service could hold. Walks the whole queue: for people's questions. */
  ahead(job: JobRecord): number {
    let count = 0;
    for (const other of this.#heap) if (other !== job && isAhead(other, job) && this.#isServiceable(other)) count += 1;
    return count;
  }
}
