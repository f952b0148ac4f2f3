import { gammaAbove } from '../../lib/gamma.ts';

/** Of the intervals that are given with failure counts. */
export const FAILURE_INTERVAL_PROBABILITY = 0.9;

/**
 * Exact central confidence interval of the mean of a Poisson variable of which `count` was seen (Garwood, Biometrika 28, 1936): below `low` a count this
 * large, above `high` one this small, has half of the remaining probability each. 5.43 to 16.96 for 10 and 0.9. A count that is no integer is that
 * of events that do not come alone, see `ClusteredCount`.
 */
export function poissonInterval(count: number, probability: number): { low: number; high: number } {
  const tail = (1 - probability) / 2;
  // P(X <= count) falls with the mean.
  const high = solve(count, tail, (mean) => gammaAbove(count + 1, mean));
  const low = count === 0 ? 0 : solve(count, 1 - tail, (mean) => gammaAbove(count, mean));
  return { low, high };
}

/** The mean at which a falling function is `target`. */
function solve(count: number, target: number, falling: (mean: number) => number): number {
  let low = 0;
  let high = count + 1;
  while (falling(high) > target) high *= 2;
  // Halving more often changes nothing that a double holds.
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (falling(middle) > target) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
