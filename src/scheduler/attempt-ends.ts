import { assert } from '../lib/assert.ts';
import type { JobRecord } from './job-record.ts';

/** The jobs that hold nodes, sorted by when their attempts end at the latest. */
export class AttemptEnds {
  /** Counts ends that were put off or brought forward. */
  changes = 0;
  readonly #jobs: JobRecord[] = [];

  /** First those that end soonest. */
  sorted(): readonly JobRecord[] {
    return this.#jobs;
  }

  /** `endMs`: Infinity where nothing bounds it, 0 for as soon as can be. Moves the job where it is in already. */
  set(job: JobRecord, endMs: number): void {
    if (job.endMsMax === endMs) return;
    if (job.endMsMax !== null) {
      this.remove(job);
      this.changes += 1;
    }
    job.endMsMax = endMs;
    this.#jobs.splice(this.#indexFor(job), 0, job);
  }

  /** Nothing happens where it is not in. */
  remove(job: JobRecord): void {
    if (job.endMsMax === null) return;
    const index = this.#indexFor(job);
    assert(this.#jobs[index] === job, 'a job with an end is in its place');
    this.#jobs.splice(index, 1);
    job.endMsMax = null;
  }

  #indexFor(job: JobRecord): number {
    const endMs = job.endMsMax ?? 0;
    const { jobId } = job.request;
    let low = 0;
    let high = this.#jobs.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#jobs[middle];
      if (other === undefined) break;
      const otherMs = other.endMsMax ?? 0;
      if (otherMs < endMs || (otherMs === endMs && other.request.jobId < jobId)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
