import type { TraceRow } from './trace-source.ts';

/** So few tell nothing of how long others run. */
const ALIKE_MIN = 5;
/** Of a job of which nothing is known. */
const UNKNOWN_MS = 3_600_000;

type Asked = Pick<TraceRow, 'user' | 'partition' | 'limitMs'>;

/**
 * How long jobs run, from those of the past: as a share of the time limit that they asked for, among the jobs of the same user in the same
 * partition, else of the user, else of the partition, else among all. Jobs without a limit are told by their run time itself.
 */
export class RunTimes {
  /** By group, ascending. */
  readonly #shares = new Map<string, number[]>();
  readonly #unlimitedMs: number[] = [];

  constructor(past: Iterable<Asked & Pick<TraceRow, 'runMs'>>) {
    for (const row of past) {
      if (row.limitMs === null) {
        this.#unlimitedMs.push(row.runMs);
        continue;
      }
      for (const group of groupsOf(row)) {
        const shares = this.#shares.get(group) ?? [];
        this.#shares.set(group, shares);
        shares.push(Math.min(1, row.runMs / row.limitMs));
      }
    }
    for (const shares of this.#shares.values()) shares.sort((a, b) => a - b);
    this.#unlimitedMs.sort((a, b) => a - b);
  }

  /**
   * Run time in all, in ms, of a job that has run for `elapsedMs` already: the given quantile, in [0, 1), of those of its like that ran
   * longer than that. 0.5: the median; a uniform random number: a draw.
   */
  expected(job: Asked, elapsedMs: number, quantile = 0.5): number {
    const { limitMs } = job;
    if (limitMs === null) return Math.round(among(this.#unlimitedMs, elapsedMs, quantile) ?? elapsedMs + UNKNOWN_MS);
    for (const group of groupsOf(job)) {
      const share = among(this.#shares.get(group) ?? [], elapsedMs / limitMs, quantile);
      if (share !== null) return Math.max(1, Math.round(share * limitMs));
    }
    // Nothing is known of its like, or none ran so long.
    return Math.max(limitMs, elapsedMs + 1);
  }
}

/** The most alike first. */
function groupsOf({ user, partition }: Asked): string[] {
  return [`user ${user} in ${partition}`, `user ${user}`, `partition ${partition}`, 'all'];
}

/** The quantile of those above `least`; null where they are too few. */
function among(sorted: readonly number[], least: number, quantile: number): number | null {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) > least) high = middle;
    else low = middle + 1;
  }
  const count = sorted.length - low;
  return count < ALIKE_MIN ? null : (sorted[low + Math.floor(quantile * count)] ?? null);
}
