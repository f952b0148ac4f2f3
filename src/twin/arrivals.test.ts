import { describe, expect, it } from 'vitest';
import { Random } from '../lib/random.ts';
import { Arrivals, type ArrivalRate } from './arrivals.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const OFFICE_HOURS = Array.from({ length: 24 }, (_, hour) => (hour >= 9 && hour < 17 ? 3 : 1));
const OFFICE_DAYS = [2, 2, 2, 2, 2, 1, 0];

function drawn(rate: ArrivalRate): number[] {
  const arrivals = new Arrivals(new Random(9), rate);
  const times: number[] = [];
  for (let at = arrivals.next(); at !== null; at = arrivals.next()) times.push(at);
  return times;
}

describe('Arrivals', () => {
  it('come in order, as many as asked for, by hour and day as weighted', () => {
    const weeks = 10;
    const times = drawn({
      perDay: 1000,
      hourWeights: OFFICE_HOURS,
      dayWeights: OFFICE_DAYS,
      growth: 0,
      endMs: weeks * 7 * DAY_MS,
    });
    // Four deviations of a Poisson count.
    expect(Math.abs(times.length - 70_000)).toBeLessThan(4 * Math.sqrt(70_000));
    expect(times.every((at, index) => Number.isSafeInteger(at) && at >= (times[index - 1] ?? 0))).toBe(true);
    const share = (isIn: (day: number, hour: number) => boolean) =>
      times.filter((at) => isIn(Math.floor(at / DAY_MS) % 7, Math.floor(at / HOUR_MS) % 24)).length / times.length;
    expect(share((day) => day === 6)).toBe(0);
    expect(share((day) => day === 5)).toBeCloseTo(1 / 11, 2);
    expect(share((_, hour) => hour >= 9 && hour < 17)).toBeCloseTo(24 / 40, 2);
  });

  it('grow evenly', () => {
    const flat = { hourWeights: OFFICE_HOURS.fill(1), dayWeights: [1, 1, 1, 1, 1, 1, 1] };
    const times = drawn({ ...flat, perDay: 2000, growth: 1, endMs: 70 * DAY_MS });
    expect(times.length / (70 * 2000)).toBeCloseTo(1.5, 2);
    const early = times.filter((at) => at < 35 * DAY_MS).length;
    expect(early / times.length).toBeCloseTo(1.25 / 3, 2);
  });
});
