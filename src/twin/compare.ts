import { studentBound, studentWithin } from '../lib/student.ts';

/** Of the intervals that are given with a difference. */
export const INTERVAL_PROBABILITY = 0.95;

/** Of the differences that are called clear, this share at most is chance, in the mean. */
export const FALSE_DISCOVERY_RATE = 0.05;

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
  /** How likely chance alone makes a difference as large, by the same test; null with one pair. */
  pValue: number | null;
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
  if (pairs.length === 1) return { ...result, interval: null, pValue: null };
  const squares = differences.reduce((sum, each) => sum + (each - difference) ** 2, 0);
  const standardError = Math.sqrt(squares / (pairs.length - 1) / pairs.length);
  const reach = studentBound(INTERVAL_PROBABILITY, pairs.length - 1) * standardError;
  const interval = { low: difference - reach, high: difference + reach };
  const pValue = difference === 0 ? 1 : 1 - studentWithin(Math.abs(difference) / standardError, pairs.length - 1);
  return { ...result, interval, pValue };
}

/** The same of runs in which nothing is drawn: one pair says all, and the difference is what it is. */
export function exactly(paired: PairedDifference): PairedDifference {
  const { difference } = paired;
  return { ...paired, interval: { low: difference, high: difference }, pValue: difference === 0 ? 1 : 0 };
}

/**
 * Which of several differences are more than chance, all of them taken together: of sixty measures that differ by chance alone, three have a 95 %
 * interval without 0. The step-up procedure of Benjamini and Hochberg (J. R. Stat. Soc. B 57, 1995) at `FALSE_DISCOVERY_RATE`.
 */
export function clearOnes(pValues: readonly (number | null)[]): boolean[] {
  const sorted = pValues.filter((pValue) => pValue !== null).sort((a, b) => a - b);
  const last = sorted.findLastIndex((pValue, index) => pValue <= (FALSE_DISCOVERY_RATE * (index + 1)) / sorted.length);
  const bound = sorted[last] ?? -1;
  return pValues.map((pValue) => pValue !== null && pValue <= bound);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
