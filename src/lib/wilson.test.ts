import { expect, it } from 'vitest';
import { wilsonInterval } from './wilson.ts';

it.each([
  // Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
  [81, 263, 0.2553, 0.3662],
  [15, 148, 0.0624, 0.1605],
  [0, 20, 0, 0.1611],
  [1, 29, 0.0061, 0.1718],
])('gives the published interval of %i in %i', (right, total, low, high) => {
  const interval = wilsonInterval(right, total);
  expect(interval.low).toBeCloseTo(low, 4);
  expect(interval.high).toBeCloseTo(high, 4);
});

it('stays within 0 and 1', () => {
  expect(wilsonInterval(0, 1).low).toBe(0);
  expect(wilsonInterval(1, 1).high).toBe(1);
});
