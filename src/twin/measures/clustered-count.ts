import { FAILURE_INTERVAL_PROBABILITY, poissonInterval } from './poisson-interval.ts';

/**
 * Counts events that come in clusters: one broken node ends all eight jobs that share it, one switch those of a pod. Their number scatters more than that
 * of events that come one by one.
 */
export class ClusteredCount<Cause extends object> {
  count = 0;
  /** Sum over the causes of the squares of their events: the variance of `count`, where causes come one by one. */
  #squares = 0;
  /** Those that nothing refers to any more will cause nothing more. */
  readonly #ofCause = new WeakMap<Cause, number>();

  /** `cause` null: its own. */
  add(cause: Cause | null): void {
    const before = cause === null ? 0 : (this.#ofCause.get(cause) ?? 0);
    if (cause !== null) this.#ofCause.set(cause, before + 1);
    this.count += 1;
    this.#squares += 2 * before + 1;
  }

  /** So many events that come one by one scatter as much, in proportion (Kish's effective number); 0 of none. */
  get independent(): number {
    return this.count === 0 ? 0 : (this.count * this.count) / this.#squares;
  }
}

/**
 * Confidence interval of the mean of a count of clusters (Fay and Feuer, Statistics in Medicine 16, 1997, with the mean weight for the largest): that of a
 * Poisson count of the independent ones, in proportion. Garwood's where all come one by one.
 */
export function clusteredInterval(count: number, independent: number): { low: number; high: number } {
  const { low, high } = poissonInterval(independent, FAILURE_INTERVAL_PROBABILITY);
  const each = count === 0 ? 1 : count / independent;
  return { low: each * low, high: each * high };
}
