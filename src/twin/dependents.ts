import type { LiveJob } from './live-job.ts';

/** Which pending jobs wait for which others: a job is eligible only once all that it waits for have ended. */
export class Dependents {
  /** By the id of the job that they wait for. */
  readonly #byJobId = new Map<number, Set<LiveJob>>();

  add(job: LiveJob): void {
    for (const { jobId } of job.core.request.dependencies) {
      const waiting = this.#byJobId.get(jobId);
      if (waiting === undefined) this.#byJobId.set(jobId, new Set([job]));
      else waiting.add(job);
    }
  }

  /** The job has ended. */
  settle(job: LiveJob, nowMs: number): void {
    if (this.#byJobId.size === 0) return;
    const { jobId, dependencies } = job.core.request;
    const freed = this.#byJobId.get(jobId);
    if (freed !== undefined) {
      for (const waiting of freed) waiting.eligibleMs = Math.max(waiting.eligibleMs, nowMs);
      this.#byJobId.delete(jobId);
    }
    for (const { jobId: other } of dependencies) {
      const waiting = this.#byJobId.get(other);
      if (waiting?.delete(job) && waiting.size === 0) this.#byJobId.delete(other);
    }
  }
}
