import { describe, expect, it } from 'vitest';
import { patternSearch } from './pattern-search.ts';

describe('patternSearch', () => {
  it('finds the least of a curved valley', () => {
    const { values, loss } = patternSearch(
      [
        { start: 1, least: 0.01, most: 100 },
        { start: 0.5, least: 0, most: 1 },
      ],
      ([a = 0, b = 0]) => Math.log(a / 7) ** 2 + (b - 0.2) ** 2 + 0.1 * Math.log(a / 7) * (b - 0.2),
      { tolerance: 1e-6, rounds: 500 },
    );
    expect(values[0]).toBeCloseTo(7, 3);
    expect(values[1]).toBeCloseTo(0.2, 3);
    expect(loss).toBeLessThan(1e-6);
  });

  it('stays within bounds', () => {
    const { values } = patternSearch([{ start: 2, least: 1, most: 3 }], ([a = 0]) => -a);
    expect(values).toEqual([3]);
  });

  it('stops after as many rounds as it may', () => {
    let calls = 0;
    patternSearch(
      [{ start: 1, least: 0.1, most: 10 }],
      () => {
        calls += 1;
        return -calls;
      },
      { rounds: 5 },
    );
    expect(calls).toBe(6);
  });
});
