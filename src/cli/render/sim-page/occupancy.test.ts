import { expect, it } from 'vitest';
import { niceTicks } from './occupancy.ts';

it('an axis has ticks beside 0, as many as it is to have at most', () => {
  expect(niceTicks(45_000, 2)).toEqual([0, 20_000, 40_000]);
  expect(niceTicks(16_000, 5)).toEqual([0, 5000, 10_000, 15_000]);
  expect(niceTicks(1, 2)).toEqual([0, 1]);
  for (const count of [2, 3, 5]) {
    for (let most = 1; most < 1e6; most = Math.ceil(most * 1.07)) {
      const ticks = niceTicks(most, count);
      expect(ticks.length - 1).toBeLessThanOrEqual(count);
      expect(ticks.length).toBeGreaterThan(1);
      expect(ticks.at(-1)).toBeLessThanOrEqual(most);
    }
  }
});
