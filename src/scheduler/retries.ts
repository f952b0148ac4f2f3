import type { JobRecord } from './job-record.ts';

/**
 * Those in the front that may preempt others, by when somebody is next looked for to preempt. A list, since whoever is put in has mostly the
 * latest time of all, or a time that is past.
 */
export class Retries implements Iterable<JobRecord> {
  size = 0;
  #first: JobRecord | null = null;
  #last: JobRecord | null = null;

  first(): JobRecord | null {
    return this.#first;
  }

  has(job: JobRecord): boolean {
    return job.retryBefore !== null || job === this.#first;
  }

  /** Its `preemptRetryMs` must not change while it is in. */
  add(job: JobRecord): void {
    const first = this.#first;
    let before: JobRecord | null = null;
    if (first !== null && first.preemptRetryMs < job.preemptRetryMs) {
      before = this.#last;
      while (before !== null && before.preemptRetryMs > job.preemptRetryMs) before = before.retryBefore;
    }
    const after: JobRecord | null = before === null ? first : before.retryAfter;
    job.retryBefore = before;
    job.retryAfter = after;
    if (before === null) this.#first = job;
    else before.retryAfter = job;
    if (after === null) this.#last = job;
    else after.retryBefore = job;
    this.size += 1;
  }

  /** Nothing happens where it is not in. */
  remove(job: JobRecord): void {
    if (!this.has(job)) return;
    const { retryBefore: before, retryAfter: after } = job;
    if (before === null) this.#first = after;
    else before.retryAfter = after;
    if (after === null) this.#last = before;
    else after.retryBefore = before;
    job.retryBefore = null;
    job.retryAfter = null;
    this.size -= 1;
  }

  /** Those with the earliest time first. */
  *[Symbol.iterator](): Generator<JobRecord> {
    for (let job = this.#first; job !== null; job = job.retryAfter) yield job;
  }
}
