import { describe, expect, it } from 'vitest';
import { gammaAbove } from './gamma.ts';

describe('the gamma distribution', () => {
  it('of an integer shape is the sum of Poisson probabilities below it', () => {
    for (const shape of [1, 2, 7, 30, 200]) {
      for (const mean of [0.01, 1, 6.5, 29, 31, 190, 260]) {
        let term = Math.exp(-mean);
        let sum = 0;
        for (let events = 0; events < shape; events++) {
          sum += term;
          term *= mean / (events + 1);
        }
        expect(gammaAbove(shape, mean)).toBeCloseTo(sum, 12);
      }
    }
  });

  it('of a half shape is the normal one of the root', () => {
    // Q(1/2, z²/2) is the probability that a normal variable is beyond z on either side: 5 % at 1.959964, 1 % at 2.575829.
    expect(gammaAbove(0.5, 1.959964 ** 2 / 2)).toBeCloseTo(0.05, 7);
    expect(gammaAbove(0.5, 2.575829 ** 2 / 2)).toBeCloseTo(0.01, 7);
  });

  it('falls from 1 to 0, for large shapes too', () => {
    for (const shape of [0.3, 4.7, 2500.5, 90_000]) {
      const values = [0, 0.5, 0.9, 1, 1.1, 2, 20].map((times) => gammaAbove(shape, times * shape));
      expect(values[0]).toBe(1);
      expect(values.toSorted((a, b) => b - a)).toEqual(values);
      expect(values.at(-1)).toBeLessThan(0.01);
    }
    expect(gammaAbove(90_000, 90_000)).toBeCloseTo(0.5, 2);
  });
});
