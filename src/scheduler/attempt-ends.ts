import { assert } from '../lib/assert.ts';
import type { JobRecord } from './job-record.ts';

/** The jobs that hold nodes, sorted by when their attempts end at the latest. */
export class AttemptEnds {
  /** Counts changes. */
  version = 0;
  readonly #jobs: JobRecord[] = [];

  /** First those that end soonest. */
  sorted(): readonly JobRecord[] {
    return this.#jobs;
  }

  /** `endMs`: Infinity where nothing bounds it, 0 for as soon as can be. Moves the job where it is in already. */
  set(job: JobRecord, endMs: number): void {
    if (job.endMsMax === endMs) return;
    this.remove(job);
    job.endMsMax = endMs;
    this.#jobs.splice(this.#indexFor(job), 0, job);
    this.version += 1;
  }

  /** Nothing happens where it is not in. */
  remove(job: JobRecord): void {
    if (job.endMsMax === null) return;
    const index = this.#indexFor(job);
    assert(this.#jobs[index] === job, 'a job with an end is in its place');
    this.#jobs.splice(index, 1);
    job.endMsMax = null;
    this.version += 1;
  }

  #indexFor(job: JobRecord): number {
    let low = 0;
    let high = this.#jobs.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#jobs[middle];
      if (other !== undefined && endsBefore(other, job)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function endsBefore(a: JobRecord, b: JobRecord): boolean {
  const [one, other] = [a.endMsMax ?? 0, b.endMsMax ?? 0];
  return one === other ? a.request.jobId < b.request.jobId : one < other;
}
