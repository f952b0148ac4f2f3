import { describe, expect, it } from 'vitest';
import { Random } from '../lib/random.ts';
import { clearOnes, comparePaired, exactly } from './compare.ts';

describe('comparing paired runs', () => {
  it('gives the interval of the textbook', () => {
    // Differences 1, 2, 3, 4, 5: mean 3, s = sqrt(2.5), t(0.975, 4) = 2.776.
    const paired = comparePaired([0, 0, 0, 0, 0], [1, 2, 3, 4, 5]);
    expect(paired).toMatchObject({ pairs: 5, base: 0, variant: 3, difference: 3 });
    // The textbook's t = 4.243 with 4 degrees of freedom: p = 0.0132.
    expect(paired?.pValue).toBeCloseTo(0.0132, 4);
    expect(paired?.interval?.low).toBeCloseTo(3 - 2.776 * Math.sqrt(2.5 / 5), 3);
    expect(paired?.interval?.high).toBeCloseTo(3 + 2.776 * Math.sqrt(2.5 / 5), 3);
  });

  it('lets what both seeds share cancel', () => {
    const paired = comparePaired([100, 900, 400], [101, 901.1, 400.9]);
    expect(paired?.pValue).toBeLessThan(0.01);
    expect(paired?.difference).toBeCloseTo(1, 6);
  });

  it('claims nothing from one seed or from noise', () => {
    expect(comparePaired([5], [9])).toMatchObject({ difference: 4, interval: null, pValue: null });
    expect(comparePaired([1, 2, 3], [3, 1, 2.5])?.pValue).toBeGreaterThan(0.5);
    expect(comparePaired([2, 2], [2, 2])).toMatchObject({ difference: 0, pValue: 1 });
  });

  it('leaves out seeds that lack the measure', () => {
    expect(comparePaired([1, null, 3], [2, 5, null])).toMatchObject({ pairs: 1, base: 1, variant: 2 });
    expect(comparePaired([null], [1])).toBeNull();
  });

  it('covers the true difference 95 times in a hundred', () => {
    const random = new Random(7);
    // Sums of twelve uniform draws: normal enough.
    const normal = () => Array.from({ length: 12 }, () => random.nextUniform()).reduce((sum, each) => sum + each, -6);
    const rounds = 2000;
    let covered = 0;
    for (let round = 0; round < rounds; round++) {
      const base = Array.from({ length: 5 }, () => 10 * normal());
      const interval = comparePaired(
        base,
        base.map((value) => value + 3 + normal()),
      )?.interval;
      if (interval && interval.low <= 3 && interval.high >= 3) covered += 1;
    }
    expect(covered / rounds).toBeGreaterThan(0.935);
    expect(covered / rounds).toBeLessThan(0.965);
  });

  it('takes what is not drawn as it is, from one pair', () => {
    const paired = comparePaired([5], [9]);
    expect(paired && exactly(paired)).toMatchObject({ difference: 4, interval: { low: 4, high: 4 }, pValue: 0 });
    const same = comparePaired([5], [5]);
    expect(same && exactly(same)).toMatchObject({ difference: 0, pValue: 1 });
  });

  it('steps up as Benjamini and Hochberg do', () => {
    // 0.02 is above 0.05 / 4 but 0.03 is below 3 x 0.05 / 4, and takes it along.
    expect(clearOnes([0.03, 0.001, null, 0.9, 0.02])).toEqual([true, true, false, false, true]);
    expect(clearOnes([0.02, 0.2, 0.3, 0.9])).toEqual([false, false, false, false]);
    expect(clearOnes([null])).toEqual([false]);
  });

  it('says of sixty differences that are none, in nineteen comparisons of twenty, nothing', () => {
    const random = new Random(11);
    const draw = () => Array.from({ length: 5 }, () => random.nextUniform());
    const rounds = 1000;
    let alone = 0;
    let together = 0;
    for (let round = 0; round < rounds; round++) {
      const pValues = Array.from({ length: 60 }, () => comparePaired(draw(), draw())?.pValue ?? null);
      if (pValues.some((pValue) => (pValue ?? 1) < 0.05)) alone += 1;
      if (clearOnes(pValues).includes(true)) together += 1;
    }
    expect(alone / rounds).toBeGreaterThan(0.9);
    expect(together / rounds).toBeLessThan(0.075);
  });
});
