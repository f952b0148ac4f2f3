import { expect, it } from 'vitest';
import { timeAxis } from './time.ts';

it.each([1, 86_400, 30 * 86_400, 24_306 * 86_400, 99_999 * 86_400])(
  'has room for its labels over a run of %d seconds',
  (endSeconds) => {
    const { ticks, at } = timeAxis(endSeconds, 0, 1000, 12);
    expect(ticks.length).toBeLessThanOrEqual(13);
    expect(ticks.map(at).every((place) => place >= 0 && place <= 1000)).toBe(true);
  },
);
