import type { JobRequest } from '../scheduler/types.ts';
import type { LiveJob } from './live-job.ts';

/** Whether the job waits for more than the ends of all those jobs. */
function isTimed({ isAnyEnough, dependencies }: JobRequest): boolean {
  return isAnyEnough === true || dependencies.some(({ condition }) => condition === 'after');
}

/** Which pending jobs wait for which others: a job is eligible only once what it waits for has come. */
export class Dependents {
  /** By the id of the job that they wait for. */
  readonly #byJobId = new Map<number, Set<LiveJob>>();
  /** When jobs started that have ended, where somebody may come who waits for that to lie back. */
  readonly #startedMs = new Map<number, number>();

  /** What the job waits for, with what is known of jobs that have ended. */
  complete(request: JobRequest): void {
    if (this.#startedMs.size === 0) return;
    request.dependencies = request.dependencies.map((one) => {
      const startMs = (one.delayMs ?? 0) > 0 ? this.#startedMs.get(one.jobId) : undefined;
      return startMs === undefined ? one : { ...one, startMs };
    });
  }

  /** Its first attempt begins: since when it has been eligible is for the scheduler to say where that hangs on more than ends. */
  begin(job: LiveJob): void {
    const { request, eligibleMs } = job.core;
    if (isTimed(request)) job.eligibleMs = Math.max(job.eligibleMs, eligibleMs);
  }

  add(job: LiveJob): void {
    if (isTimed(job.core.request)) return;
    for (const { jobId } of job.core.request.dependencies) {
      const waiting = this.#byJobId.get(jobId);
      if (waiting === undefined) this.#byJobId.set(jobId, new Set([job]));
      else waiting.add(job);
    }
  }

  /** The job has ended. */
  settle(job: LiveJob, nowMs: number): void {
    if (job.twin.isStartKept === true)
      this.#startedMs.set(job.core.request.jobId, job.phase === 'pending' ? nowMs : job.startMs);
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
