import type { JobRecord } from './job-record.ts';
import type { Outcomes } from './outcomes.ts';
import type { Dependency, JobState } from './types.ts';

/** Most jobs are waited for by nobody: they share this. */
const NONE: readonly JobRecord[] = [];

/**
 * Who waits for whom. A dependency once satisfied is forgotten, as in Slurm; an `afterok` whose job failed stays, and is satisfied after
 * all if that job is requeued and completes. A job the scheduler has not heard of has not ended.
 */
export class Dependencies {
  readonly #outcomes: Outcomes;
  readonly #waiting = new Map<number, Set<JobRecord>>();

  constructor(outcomes: Outcomes) {
    this.#outcomes = outcomes;
  }

  /** Fills in `waitsFor` of a job just submitted. */
  register(job: JobRecord): void {
    job.waitsFor = job.request.dependencies.filter((dependency) => !this.#isSatisfied(dependency));
    for (const { jobId } of job.waitsFor) {
      const waiting = this.#waiting.get(jobId);
      if (waiting === undefined) this.#waiting.set(jobId, new Set([job]));
      else waiting.add(job);
    }
  }

  /** A job ended: returns the jobs that no longer wait for it. */
  settle(endedId: number): readonly JobRecord[] {
    const waiting = this.#waiting.get(endedId);
    if (waiting === undefined) return NONE;
    const freed: JobRecord[] = [];
    for (const job of waiting) {
      job.waitsFor = job.waitsFor.filter(
        (dependency) => dependency.jobId !== endedId || !this.#isSatisfied(dependency),
      );
      if (job.waitsFor.some(({ jobId }) => jobId === endedId)) continue;
      waiting.delete(job);
      freed.push(job);
    }
    if (waiting.size === 0) this.#waiting.delete(endedId);
    return freed;
  }

  /** The job waits no longer (it was cancelled). */
  forget(job: JobRecord): void {
    for (const { jobId } of job.waitsFor) {
      const waiting = this.#waiting.get(jobId);
      waiting?.delete(job);
      if (waiting?.size === 0) this.#waiting.delete(jobId);
    }
    job.waitsFor = [];
  }

  /** True where the job waited for has ended otherwise than the dependency demands. */
  isBroken(dependency: Dependency): boolean {
    return this.#outcomes.state(dependency.jobId) !== undefined && !this.#isSatisfied(dependency);
  }

  #isSatisfied({ condition, jobId }: Dependency): boolean {
    const state = this.#outcomes.state(jobId);
    return state !== undefined && isMetBy(state, condition);
  }
}

/** Whether a job that ended so is what the dependency waits for. */
export function isMetBy(state: JobState, condition: Dependency['condition']): boolean {
  return condition === 'afterany' || (condition === 'afterok') === (state === 'COMPLETED');
}
