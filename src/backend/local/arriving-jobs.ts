import type { JobRequest, JobsAlike } from '../../scheduler/types.ts';

/** Jobs that were accepted and that the scheduler has not been told of, counted by whom they count for. */
export class ArrivingJobs {
  readonly #byKind: Map<string, JobsAlike>;

  constructor(from: ReadonlyMap<string, JobsAlike> = new Map()) {
    this.#byKind = new Map(from);
  }

  copy(): ArrivingJobs {
    return new ArrivingJobs(this.#byKind);
  }

  list(): JobsAlike[] {
    return [...this.#byKind.values()];
  }

  /** `jobCount` < 0: so many have arrived. */
  add(job: JobRequest, jobCount: number): void {
    const key = `${job.user}\n${job.account}\n${job.qos}`;
    const count = (this.#byKind.get(key)?.jobCount ?? 0) + jobCount;
    if (count === 0) this.#byKind.delete(key);
    else this.#byKind.set(key, { job, jobCount: count });
  }
}
