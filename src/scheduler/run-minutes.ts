import type { Amounts } from './limit-profile.ts';
import { JOB_RESOURCES, type JobResource } from './limit-reasons.ts';

const MINUTE_MS = 60_000;
const MEBIBYTE = 1024 ** 2;

/** A job that runs, as far as such limits go: what it has, and for how long it may run in all; Infinity for ever. */
export interface TimedUse {
  readonly amounts: Readonly<Record<JobResource, number>>;
  readonly startMs: number;
  readonly limitMs: number;
}

/**
 * What the running jobs of one limit on minutes ahead (`GrpTRESRunMins`) may still use by their time limits. As in Slurm (priority_multifactor.c,
 * decay_apply_new_usage) it goes down only when priorities are calculated, and when a job ends; where they never are, with ends alone.
 */
export class MinutesAhead {
  readonly key: number;
  /** Resource minutes, whole ones: CPU minutes, and of memory in bytes whole MiB minutes. */
  readonly used: Amounts = { jobs: 0, gpus: 0, nodes: 0, cpus: 0, memoryBytes: 0 };
  readonly #running = new Map<object, TimedUse>();

  constructor(key: number) {
    this.key = key;
  }

  get isIdle(): boolean {
    return this.#running.size === 0;
  }

  /** `job`: by which `end` knows it. `calculatedMs`: when priorities were calculated last. */
  start(job: object, use: TimedUse, calculatedMs: number): void {
    this.#running.set(job, use);
    this.recount(calculatedMs);
  }

  end(job: object, calculatedMs: number): void {
    this.#running.delete(job);
    this.recount(calculatedMs);
  }

  recount(calculatedMs: number): void {
    for (const name of JOB_RESOURCES) {
      let sum = 0;
      for (const { amounts, startMs, limitMs } of this.#running.values()) {
        const leftMs = Math.max(0, limitMs - Math.max(0, calculatedMs - startMs));
        sum += minutesOf(amounts[name], leftMs);
      }
      const unit = name === 'memoryBytes' ? MEBIBYTE : 1;
      this.used[name] = Math.floor(sum / unit) * unit;
    }
  }
}

/** So much for so long, in minutes of it. */
export function minutesOf(amount: number, ms: number): number {
  return amount === 0 ? 0 : (amount * ms) / MINUTE_MS;
}

/** The first resource of which a job would have more minutes ahead of it, beside those that are used, than the limit allows; null where there is none. */
export function exceededMinutes(
  used: Readonly<Amounts>,
  amounts: Readonly<Record<JobResource, number>>,
  limitMs: number,
  limit: Readonly<Amounts>,
): JobResource | null {
  for (const name of JOB_RESOURCES) if (used[name] + minutesOf(amounts[name], limitMs) > limit[name]) return name;
  return null;
}
