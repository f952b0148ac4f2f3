import { describe, expect, it } from 'vitest';
import { normalBelow, normalQuantile } from './normal.ts';

describe('normalBelow', () => {
  it('has the values of the tables', () => {
    // Abramowitz and Stegun, table 26.1.
    expect(normalBelow(0)).toBe(0.5);
    expect(normalBelow(1)).toBeCloseTo(0.841344746068543, 14);
    expect(normalBelow(1.96)).toBeCloseTo(0.97500210485178, 13);
    expect(normalBelow(3)).toBeCloseTo(0.99865010196837, 14);
  });

  it('is symmetric, rises and ends at 0 and 1', () => {
    let before = -1;
    for (let deviations = -9; deviations <= 9; deviations += 0.25) {
      const below = normalBelow(deviations);
      expect(below + normalBelow(-deviations)).toBeCloseTo(1, 12);
      expect(below).toBeGreaterThanOrEqual(before);
      before = below;
    }
    expect(normalBelow(-9)).toBe(0);
    expect(normalBelow(9)).toBe(1);
  });
});

describe('normalQuantile', () => {
  it('undoes normalBelow, in the tails too', () => {
    for (let probability = 0.0005; probability < 1; probability += 0.0005) {
      expect(normalBelow(normalQuantile(probability)) / probability).toBeCloseTo(1, 7);
    }
    for (const probability of [1e-4, 1e-6, 1e-9]) {
      expect(normalBelow(normalQuantile(probability)) / probability).toBeCloseTo(1, 6);
    }
    expect(normalQuantile(0.975)).toBeCloseTo(1.959963985, 8);
  });
});
