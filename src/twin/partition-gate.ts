import { excessFinder, excessText } from '../scheduler/partition-limits.ts';
import { partitionFinder, type SchedulerOptions } from '../scheduler/policy.ts';
import { partitionNames } from '../scheduler/partition-names.ts';
import type { Dependency, JobRequest } from '../scheduler/types.ts';
import type { JobSource, TwinJob } from './types.ts';

/** A job that breaks a limit of its partition, or waits for one that was refused for that. */
export interface JobBeyond {
  jobId: number;
  reason: string;
}

const KEPT_MAX = 100;

/**
 * The jobs of a source, held to the limits of their partitions as they are submitted: with `enforcePartLimits` those beyond are refused, and with them
 * whoever waits for one, as `sbatch` does; without, they wait for ever. Both are counted.
 */
export class PartitionGate implements JobSource {
  /** So far. */
  beyondCount = 0;
  /** The first of them. */
  readonly beyond: JobBeyond[] = [];
  readonly countEstimate: number | null;
  readonly endMsEstimate: number | null;
  readonly #source: JobSource;
  readonly #enforcing: boolean | 'any';
  readonly #partitionOf: ReturnType<typeof partitionFinder>;
  readonly #excessOf: ReturnType<typeof excessFinder>;
  readonly #refused = new Set<number>();

  constructor(source: JobSource, { partitions = [], qos, enforcePartLimits = false }: SchedulerOptions) {
    this.#source = source;
    this.countEstimate = source.countEstimate;
    this.endMsEstimate = source.endMsEstimate;
    this.#enforcing = enforcePartLimits;
    this.#partitionOf = partitionFinder(partitions);
    this.#excessOf = excessFinder(qos);
  }

  next(): TwinJob | null {
    for (;;) {
      const job = this.#source.next();
      const reason = job === null ? null : this.#reason(job);
      if (job === null || reason === null) return job;
      const { jobId } = job.request;
      this.beyondCount += 1;
      if (this.beyond.length < KEPT_MAX) this.beyond.push({ jobId, reason });
      if (this.#enforcing === false) return job;
      this.#refused.add(jobId);
    }
  }

  #reason({ request }: TwinJob): string | null {
    const excess = this.#excess(request);
    if (excess !== null) return excess;
    const isLost = ({ jobId }: Dependency) => this.#refused.has(jobId);
    const { dependencies, isAnyEnough = false } = request;
    const hasLost = isAnyEnough ? dependencies.length > 0 && dependencies.every(isLost) : dependencies.some(isLost);
    return hasLost ? 'it waits for a job that is refused' : null;
  }

  /** In words the first limit that it breaks; null where one of its partitions lets it run, or all of them where they have to. */
  #excess(request: JobRequest): string | null {
    let text: string | null = null;
    for (const name of partitionNames(request.partition)) {
      const partition = this.#partitionOf(name ?? null);
      const excess = partition === undefined ? null : this.#excessOf(partition, request);
      if (partition !== undefined && excess !== null) text ??= excessText(excess, partition, request);
      else if (this.#enforcing !== true) return null;
    }
    return text;
  }
}
