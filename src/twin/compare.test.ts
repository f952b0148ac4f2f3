import { describe, expect, it } from 'vitest';
import { Random } from '../lib/random.ts';
import { comparePaired } from './compare.ts';

describe('comparing paired runs', () => {
  it('gives the interval of the textbook', () => {
    // Differences 1, 2, 3, 4, 5: mean 3, s = sqrt(2.5), t(0.975, 4) = 2.776.
    const paired = comparePaired([0, 0, 0, 0, 0], [1, 2, 3, 4, 5]);
    expect(paired).toMatchObject({ pairs: 5, base: 0, variant: 3, difference: 3, isClear: true });
    expect(paired?.interval?.low).toBeCloseTo(3 - 2.776 * Math.sqrt(2.5 / 5), 3);
    expect(paired?.interval?.high).toBeCloseTo(3 + 2.776 * Math.sqrt(2.5 / 5), 3);
  });

  it('lets what both seeds share cancel', () => {
    const paired = comparePaired([100, 900, 400], [101, 901.1, 400.9]);
    expect(paired?.isClear).toBe(true);
    expect(paired?.difference).toBeCloseTo(1, 6);
  });

  it('claims nothing from one seed or from noise', () => {
    expect(comparePaired([5], [9])).toMatchObject({ difference: 4, interval: null, isClear: false });
    expect(comparePaired([1, 2, 3], [3, 1, 2.5])?.isClear).toBe(false);
    expect(comparePaired([2, 2], [2, 2])).toMatchObject({ difference: 0, isClear: false });
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
});
