/** A figure over the seeds of a scenario. */
export interface Spread {
  /** Runs that have it. */
  runs: number;
  mean: number;
  /** The least and the greatest of these runs. */
  low: number;
  high: number;
}

/** Null where no run has the figure. */
export function spreadOf(values: readonly (number | null)[]): Spread | null {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return null;
  const { sum, low, high } = known.reduce(
    (so, value) => ({ sum: so.sum + value, low: Math.min(so.low, value), high: Math.max(so.high, value) }),
    { sum: 0, low: Infinity, high: -Infinity },
  );
  return { runs: known.length, mean: sum / known.length, low, high };
}
