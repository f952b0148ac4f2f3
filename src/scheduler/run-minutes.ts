import { type Amounts, JOB_RESOURCES, type JobResource } from './limit-reasons.ts';

export const MINUTE_MS = 60_000;
/** What whole minutes are counted of. */
export const UNIT = { gpus: 1, nodes: 1, cpus: 1, memoryBytes: 1024 ** 2 } as const;

/** A job that runs, as far as such limits go: what it has, and for how long it may run in all; Infinity for ever. */
export interface TimedUse {
  readonly amounts: Readonly<Record<JobResource, number>>;
  readonly startMs: number;
  readonly limitMs: number;
  /** What its minutes count for (`UsageFactor`). */
  readonly factor: number;
}

/**
 * What the running jobs of one limit on minutes ahead (`GrpTRESRunMins`) may still use by their time limits. As in Slurm (priority_multifactor.c,
 * decay_apply_new_usage) it goes down only when priorities are calculated, and when a job ends; where they never are, with ends alone.
 */
export class MinutesAhead {
  readonly key: number;
  /** Resource minutes, whole ones: CPU minutes, and of memory in bytes whole MiB minutes. */
  readonly used: Amounts = { jobs: 0, gpus: 0, nodes: 0, cpus: 0, memoryBytes: 0 };
  /** The same times milliseconds, not in whole minutes: of memory in MiB. */
  readonly #ahead: Record<JobResource, number> = { gpus: 0, nodes: 0, cpus: 0, memoryBytes: 0 };
  readonly #running = new Map<object, TimedUse>();

  constructor(key: number) {
    this.key = key;
  }

  /** Whether later calculations may change it: any of its jobs runs. */
  get isChanging(): boolean {
    return this.#running.size > 0;
  }

  /** `job`: by which `end` knows it. `calculatedMs`: when priorities were calculated last. */
  start(job: object, use: TimedUse, calculatedMs: number): void {
    this.#running.set(job, use);
    this.#count(use, 1, calculatedMs);
    this.#round();
  }

  /** Nothing happens where it has not started. */
  end(job: object, calculatedMs: number): void {
    const use = this.#running.get(job);
    if (use === undefined) return;
    this.#running.delete(job);
    this.#count(use, -1, calculatedMs);
    // One that might run for ever leaves nothing to take it from, and sums of memory that are rounded leave a residue.
    if (!this.isChanging || JOB_RESOURCES.some((name) => Number.isNaN(this.#ahead[name]))) this.recount(calculatedMs);
    else this.#round();
  }

  /** As of that calculation of priorities, from all that runs. */
  recount(calculatedMs: number): void {
    for (const name of JOB_RESOURCES) this.#ahead[name] = 0;
    for (const use of this.#running.values()) this.#count(use, 1, calculatedMs);
    this.#round();
  }

  #count({ amounts, startMs, limitMs, factor }: TimedUse, sign: 1 | -1, calculatedMs: number): void {
    const leftMs = Math.max(0, limitMs - Math.max(0, calculatedMs - startMs));
    for (const name of JOB_RESOURCES) {
      const amount = (amounts[name] / UNIT[name]) * factor;
      if (amount !== 0) this.#ahead[name] += sign * amount * leftMs;
    }
  }

  #round(): void {
    for (const name of JOB_RESOURCES) this.used[name] = Math.floor(this.#ahead[name] / MINUTE_MS) * UNIT[name];
  }
}

/** So much for so long, in minutes of it; 0 of nothing, however long. */
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
