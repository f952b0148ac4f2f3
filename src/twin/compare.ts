import { studentBound } from '../lib/student.ts';

/** Of the intervals that are given with a difference. */
export const INTERVAL_PROBABILITY = 0.95;

/** One measure under two scenarios, run with the same seeds. */
export interface PairedDifference {
  /** Seeds of which both scenarios have the measure. */
  pairs: number;
  /** Means over these seeds. */
  base: number;
  variant: number;
  /** Mean of variant minus base. */
  difference: number;
  /** 95 % confidence interval of the difference; null with one pair, which says nothing about chance. */
  interval: { low: number; high: number } | null;
  /** The interval does not hold 0: more than chance. */
  isClear: boolean;
}

/**
 * Paired t-test: seeds are shared by both scenarios, so that what chance does to both cancels, and the interval is that of the mean of the
 * differences, mean +- t s / sqrt(n) with n - 1 degrees of freedom. Null where no seed has both values (null: the run has no such measure).
 */
export function comparePaired(
  base: readonly (number | null)[],
  variant: readonly (number | null)[],
): PairedDifference | null {
  const pairs = base.flatMap((value, index) => {
    const other = variant[index] ?? null;
    return value === null || other === null ? [] : [{ value, other }];
  });
  if (pairs.length === 0) return null;
  const differences = pairs.map(({ value, other }) => other - value);
  const difference = mean(differences);
  const result = {
    pairs: pairs.length,
    base: mean(pairs.map(({ value }) => value)),
    variant: mean(pairs.map(({ other }) => other)),
    difference,
  };
  if (pairs.length === 1) return { ...result, interval: null, isClear: false };
  const squares = differences.reduce((sum, each) => sum + (each - difference) ** 2, 0);
  const standardError = Math.sqrt(squares / (pairs.length - 1) / pairs.length);
  const reach = studentBound(INTERVAL_PROBABILITY, pairs.length - 1) * standardError;
  const interval = { low: difference - reach, high: difference + reach };
  return { ...result, interval, isClear: interval.low > 0 || interval.high < 0 };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
