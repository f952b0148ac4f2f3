import { describe, expect, it } from 'vitest';
import { Random } from './random.ts';

describe('Random', () => {
  it('gives the same numbers for the same seed and others for another', () => {
    const draw = (seed: number) => {
      const random = new Random(seed);
      return Array.from({ length: 8 }, () => random.nextUint32());
    };
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
    expect(new Set(draw(0)).size).toBe(8);
  });

  it('is uniform: mean, variance and each of 16 bins are as they should be', () => {
    const random = new Random(7);
    const count = 160_000;
    const bins = Array.from({ length: 16 }, () => 0);
    let sum = 0;
    let squares = 0;
    for (let index = 0; index < count; index++) {
      const value = random.nextUniform();
      sum += value;
      squares += value * value;
      const bin = Math.floor(value * 16);
      bins[bin] = (bins[bin] ?? 0) + 1;
    }
    expect(sum / count).toBeCloseTo(1 / 2, 2);
    expect(squares / count).toBeCloseTo(1 / 3, 2);
    // Five standard deviations of a bin of 10,000.
    for (const bin of bins) expect(Math.abs(bin - 10_000)).toBeLessThan(500);
  });

  it('draws exponential times of the mean asked for', () => {
    const random = new Random(11);
    let sum = 0;
    let longer = 0;
    for (let index = 0; index < 100_000; index++) {
      const time = random.nextExponential(20);
      sum += time;
      if (time > 20) longer += 1;
    }
    expect(sum / 100_000 / 20).toBeCloseTo(1, 1);
    expect(longer / 100_000).toBeCloseTo(Math.exp(-1), 2);
  });
});
