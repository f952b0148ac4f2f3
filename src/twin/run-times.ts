import { partitionNames } from '../scheduler/partition-names.ts';
import type { TraceRow } from './trace-row.ts';

/** So few tell nothing of how long others run. */
const ALIKE_MIN = 5;
/** Of a job of which nothing is known. */
const UNKNOWN_MS = 3_600_000;

type Asked = Pick<TraceRow, 'user' | 'partition' | 'limitMs'>;

/** A job that runs, and how long it has: it will come to more than that. */
export type Unfinished = Asked & { readonly elapsedMs: number };

/**
 * How long jobs run, from those of the past: as a share of the time limit that they asked for, among the jobs of the same user in the same
 * partition, else of the user, else of the partition, else among all. Jobs without a limit are told by their run time itself.
 *
 * Jobs that still run count too, as having reached what they have reached (Kaplan and Meier, JASA 53, 1958): among those that have ended the short
 * ones are too many, the more so the shorter the past is that one looks at.
 */
export class RunTimes {
  readonly #shares: ReadonlyMap<string, Survival>;
  readonly #unlimitedMs: Survival;

  constructor(past: Iterable<Asked & Pick<TraceRow, 'runMs'>>, unfinished: Iterable<Unfinished> = []) {
    const shares = new Map<string, { ended: number[]; reached: number[] }>();
    const unlimited = { ended: [] as number[], reached: [] as number[] };
    const note = (row: Asked, ms: number, kind: 'ended' | 'reached') => {
      if (row.limitMs === null) {
        unlimited[kind].push(ms);
        return;
      }
      for (const group of groupsOf(row)) {
        let values = shares.get(group);
        if (values === undefined) shares.set(group, (values = { ended: [], reached: [] }));
        values[kind].push(Math.min(1, ms / row.limitMs));
      }
    };
    for (const row of past) note(row, row.runMs, 'ended');
    for (const row of unfinished) note(row, row.elapsedMs, 'reached');
    this.#shares = new Map([...shares].map(([group, { ended, reached }]) => [group, new Survival(ended, reached)]));
    this.#unlimitedMs = new Survival(unlimited.ended, unlimited.reached);
  }

  /**
   * Run time in all, in ms, of a job that has run for `elapsedMs` already: the given quantile, in [0, 1), of those of its like that ran
   * longer than that. 0.5: the median; a uniform random number: a draw.
   */
  expected(job: Asked, elapsedMs: number, quantile = 0.5): number {
    const { limitMs } = job;
    if (limitMs === null) {
      const runMs = this.#unlimitedMs.quantile(elapsedMs, quantile);
      return Math.round(runMs === null || runMs === Infinity ? elapsedMs + UNKNOWN_MS : runMs);
    }
    for (const group of groupsOf(job)) {
      const share = this.#shares.get(group)?.quantile(elapsedMs / limitMs, quantile) ?? null;
      // Beyond what any has come to: until its limit.
      if (share !== null) return Math.max(1, Math.round(Math.min(1, share) * limitMs));
    }
    // Nothing is known of its like, or none ran so long.
    return Math.max(limitMs, elapsedMs + 1);
  }
}

/** The most alike first. */
function groupsOf({ user, partition: names }: Asked): string[] {
  // Of a job that waits in several those that ran in the first are the most alike.
  const partition = partitionNames(names)[0] ?? null;
  return [`user ${user} in ${partition}`, `user ${user}`, `partition ${partition}`, 'all'];
}

/** Which part of all lasts longer than a value, from values at which some ended and others that were reached by some that go on. */
class Survival {
  /** Ascending, where any ended. */
  readonly #values: number[] = [];
  /** Part that lasts longer than each of them. */
  readonly #parts: number[] = [];
  /** How many ended at each of them or above. */
  readonly #endedFrom: number[] = [];

  constructor(ended: readonly number[], reached: readonly number[]) {
    const ends = [...ended].sort((a, b) => a - b);
    const goesOn = [...reached].sort((a, b) => a - b);
    let part = 1;
    let passed = 0;
    for (let index = 0; index < ends.length; ) {
      const value = ends[index] ?? 0;
      let next = index;
      while (next < ends.length && ends[next] === value) next += 1;
      while (passed < goesOn.length && (goesOn[passed] ?? 0) < value) passed += 1;
      const atRisk = ends.length - index + goesOn.length - passed;
      part *= 1 - (next - index) / atRisk;
      this.#values.push(value);
      this.#parts.push(part);
      this.#endedFrom.push(ends.length - index);
      index = next;
    }
  }

  /** Of those that last longer than `least`; Infinity beyond all that ended; null where too few ended above it. */
  quantile(least: number, quantile: number): number | null {
    const first = this.#firstAbove(least);
    if ((this.#endedFrom[first] ?? 0) < ALIKE_MIN) return null;
    const from = first === 0 ? 1 : (this.#parts[first - 1] ?? 0);
    const target = from * (1 - quantile);
    let low = first;
    let high = this.#parts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      // The values whose part is below the target are those beyond the quantile.
      if ((this.#parts[middle] ?? 0) < target) high = middle;
      else low = middle + 1;
    }
    return this.#values[low] ?? Infinity;
  }

  #firstAbove(least: number): number {
    let low = 0;
    let high = this.#values.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#values[middle] ?? 0) > least) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
