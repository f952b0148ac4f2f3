import { decayRate, fadedSpan } from './decay.ts';
import { type Amounts, JOB_RESOURCES, RESOURCES } from './limit-reasons.ts';
import { MINUTE_MS, type TimedUse, UNIT } from './run-minutes.ts';

/** What a job has while it runs, and since when it is to be counted. */
interface CountedUse {
  readonly amounts: Readonly<Amounts>;
  /** How much of each may be used in all before it is ended. */
  readonly limit: Readonly<Amounts>;
  countedMs: number;
}

export interface UsedMinutesOptions {
  readonly key: number;
  /** `GrpTRESMins` of each resource and `GrpWall` as that of `jobs`: a job has as many job minutes as it runs. */
  readonly limit: Readonly<Amounts>;
  /** 0: nothing fades. */
  readonly halfLifeSeconds: number;
}

/**
 * The minutes that the jobs of one limit have used (`GrpTRESMins`, `GrpWall`), faded as fair-share's use is. As in Slurm (priority_multifactor.c,
 * decay_apply_new_usage) those of what runs are counted when priorities are calculated, and when it ends.
 */
export class UsedMinutes {
  readonly key: number;
  readonly #limit: Readonly<Amounts>;
  /** Whole minutes of each: of memory in bytes whole MiB minutes; of `jobs` those of the wall clock, and no whole ones. */
  readonly used: Amounts = { jobs: 0, gpus: 0, nodes: 0, cpus: 0, memoryBytes: 0 };
  /** The same times milliseconds, not in whole minutes: of memory in MiB. */
  readonly #used: Amounts = { jobs: 0, gpus: 0, nodes: 0, cpus: 0, memoryBytes: 0 };
  /** Of the decay, per millisecond. */
  readonly #lambda: number;
  /** As of when it has faded. */
  #fadedMs = -Infinity;
  readonly #running = new Map<object, CountedUse>();

  constructor({ key, limit, halfLifeSeconds }: UsedMinutesOptions) {
    this.key = key;
    this.#limit = limit;
    this.#lambda = decayRate(halfLifeSeconds * 1000);
  }

  /** Whether later calculations may change what it lets start: something runs, or there is something left to fade. */
  get isChanging(): boolean {
    if (this.#running.size > 0) return true;
    return this.#lambda > 0 && RESOURCES.some((name) => this.#limit[name] < Infinity && this.used[name] > 0);
  }

  /** A bit for each resource of which as much is used as may be, in their order. */
  get reached(): number {
    let bits = 0;
    for (const [index, name] of RESOURCES.entries()) if (this.used[name] >= this.#limit[name]) bits |= 1 << index;
    return bits;
  }

  /** Those that run and for which as much is used as may be. */
  spent(): object[] {
    // None has a limit of its own that is lower.
    if (this.reached === 0) return [];
    return [...this.#running].flatMap(([job, { limit }]) => {
      return RESOURCES.some((name) => this.used[name] >= limit[name]) ? [job] : [];
    });
  }

  /**
   * `job`: by which `end` knows it. `limit`: to which it is held, where a stronger one does not stand in the place of this. `calculatedMs`: when
   * priorities were calculated last; of one that ran before what it had used by then counts at once.
   */
  start(job: object, { amounts, startMs, factor }: TimedUse, limit: Readonly<Amounts>, calculatedMs: number): void {
    const counted = { jobs: factor, gpus: 0, nodes: 0, cpus: 0, memoryBytes: 0 };
    for (const name of JOB_RESOURCES) counted[name] = (amounts[name] / UNIT[name]) * factor;
    const use = { amounts: counted, limit, countedMs: startMs };
    this.#running.set(job, use);
    if (startMs >= calculatedMs) return;
    this.#fade(calculatedMs);
    this.#count(use, calculatedMs);
    this.#round();
  }

  /** Nothing happens where it has not started. */
  end(job: object, atMs: number): void {
    const use = this.#running.get(job);
    if (use === undefined) return;
    this.#running.delete(job);
    this.#fade(atMs);
    this.#count(use, atMs);
    this.#round();
  }

  /** What was used by jobs that it is not told of, in milliseconds of each: with what has faded by then taken off, and without. */
  carry(
    { faded, whole }: { readonly faded: Readonly<Amounts>; readonly whole: Readonly<Amounts> },
    atMs: number,
  ): void {
    this.#fade(atMs);
    const carried = this.#lambda === 0 ? whole : faded;
    for (const name of RESOURCES) this.#used[name] += carried[name];
    this.#round();
  }

  /** Priorities are calculated: all that was used until then counts. */
  calculated(atMs: number): void {
    this.#fade(atMs);
    for (const use of this.#running.values()) this.#count(use, atMs);
    this.#round();
  }

  #fade(atMs: number): void {
    const sinceMs = atMs - this.#fadedMs;
    // Less than 0 where a live clock was set back.
    if (sinceMs <= 0) return;
    this.#fadedMs = atMs;
    if (this.#lambda === 0) return;
    const kept = Math.exp(-this.#lambda * sinceMs);
    for (const name of RESOURCES) this.#used[name] *= kept;
  }

  /** What it used since it was counted, which fades as it is used. */
  #count(use: CountedUse, atMs: number): void {
    const ms = atMs - use.countedMs;
    if (ms <= 0) return;
    use.countedMs = atMs;
    const fadedMs = fadedSpan(ms, this.#lambda);
    // What is in already may have faded until later.
    const kept = Math.exp(-this.#lambda * Math.max(0, this.#fadedMs - atMs));
    for (const name of RESOURCES) this.#used[name] += use.amounts[name] * fadedMs * kept;
  }

  #round(): void {
    this.used.jobs = this.#used.jobs / MINUTE_MS;
    for (const name of JOB_RESOURCES) this.used[name] = Math.floor(this.#used[name] / MINUTE_MS) * UNIT[name];
  }
}
