import { studentBound } from '../../src/lib/student.ts';
import { INTERVAL_PROBABILITY } from '../../src/twin/compare.ts';
import type { EttrFormula, TwinReport } from '../../src/twin/report.ts';

/** Measured ETTR beside the formula's, of the jobs of several runs together. */
export interface PooledEttr {
  jobs: number;
  measured: number;
  formula: number;
  /** Measured over formula, less 1. */
  apart: number;
  /** Its 95 % confidence interval, over the seeds; null with one run, which says nothing about chance. */
  interval: { low: number; high: number } | null;
}

/** Which failure rate the formula is given: the one that large jobs saw, as the paper takes r_f, or the one that the run was given. */
export type FormulaRate = 'seen' | 'given';

/** By size, in the order of sizes; those that no run has are left out. */
export function pooledBySize(
  reports: readonly TwinReport[],
  rate: FormulaRate,
): { label: string; pooled: PooledEttr }[] {
  const byLabel = new Map<string, { from: number; formulas: EttrFormula[] }>();
  for (const { size, formula } of reports.flatMap(({ predictions }) => predictions.ettr.bySize)) {
    if (formula === null) continue;
    const found = byLabel.get(size.label);
    if (found === undefined) byLabel.set(size.label, { from: size.from, formulas: [formula] });
    else found.formulas.push(formula);
  }
  return [...byLabel]
    .sort(([, a], [, b]) => a.from - b.from)
    .map(([label, { formulas }]) => ({ label, pooled: pooledEttr(formulas, rate) }));
}

/**
 * Sums of the time that jobs took and of the time that the formula expects of them, whose ratio is an estimate with one pair a seed: its variance is that
 * of the pairs' residuals, its interval Student's (Cochran, Sampling Techniques, 1977, section 6.4).
 */
export function pooledEttr(formulas: readonly EttrFormula[], rate: FormulaRate): PooledEttr {
  const pairs = formulas.map((formula) => {
    const productive = formula.jobs * formula.productiveSeconds;
    const ettr = rate === 'given' ? formula.ettr : (formula.ettrAtRateOfLarge ?? formula.ettr);
    return { productive, taken: productive / formula.measured, expected: productive / ettr };
  });
  const sum = (of: (pair: (typeof pairs)[number]) => number) => pairs.reduce((total, pair) => total + of(pair), 0);
  const [productive, taken, expected] = [
    sum((pair) => pair.productive),
    sum((pair) => pair.taken),
    sum((pair) => pair.expected),
  ];
  const ratio = expected / taken;
  const seeds = pairs.length;
  const squares = sum((pair) => (pair.expected - ratio * pair.taken) ** 2);
  const error = Math.sqrt((squares * seeds) / (seeds - 1)) / taken;
  const reach = seeds < 2 ? null : studentBound(INTERVAL_PROBABILITY, seeds - 1) * error;
  return {
    jobs: formulas.reduce((total, { jobs }) => total + jobs, 0),
    measured: productive / taken,
    formula: productive / expected,
    apart: ratio - 1,
    interval: reach === null ? null : { low: ratio - 1 - reach, high: ratio - 1 + reach },
  };
}

/** Whether chance allows that it is so, and that it is not. With one run by the value alone. */
export function verdictOf({ apart, interval }: PooledEttr, within: number): 'ok' | 'OFF' | 'chance may decide' {
  const { low, high } = interval ?? { low: apart, high: apart };
  if (Math.max(Math.abs(low), Math.abs(high)) <= within) return 'ok';
  return low > within || high < -within ? 'OFF' : 'chance may decide';
}
