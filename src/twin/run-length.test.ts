import { describe, expect, it } from 'vitest';
import { Random } from '../lib/random.ts';
import { fitRunLength, meanChainJobs, meanJobMs } from './run-length.ts';

const HOUR = 3_600_000;

describe('fitRunLength', () => {
  it.each([
    { hours: 1, logDeviation: 2, jobsMax: 1 },
    { hours: 12, logDeviation: 1.2, jobsMax: 4 },
    { hours: 40, logDeviation: 1.5, jobsMax: 6 },
    { hours: 100, logDeviation: 1, jobsMax: 3 },
  ])('gives runs whose jobs last what was asked for when they are drawn: %o', ({ hours, logDeviation, jobsMax }) => {
    const length = fitRunLength(hours * HOUR, { logDeviation, jobMs: 160 * HOUR, jobsMax });
    expect(meanJobMs(length) / HOUR).toBeCloseTo(hours, 9);
    const random = new Random(4);
    const runs = 200_000;
    let jobs = 0;
    let total = 0;
    for (let run = 0; run < runs; run++) {
      const ms = Math.min(random.nextLogNormal(length.logMean, logDeviation), length.jobMs * jobsMax);
      jobs += Math.ceil(ms / length.jobMs);
      total += ms;
    }
    expect(jobs / runs / meanChainJobs(length)).toBeCloseTo(1, 2);
    expect(Math.abs(total / jobs / HOUR / hours - 1)).toBeLessThan(0.03);
  });

  it('refuses a mean that the cut does not leave room for', () => {
    const shape = { logDeviation: 1, jobMs: 10 * HOUR, jobsMax: 1 };
    expect(() => fitRunLength(9.1 * HOUR, shape)).toThrow(RangeError);
    expect(() => fitRunLength(0, shape)).toThrow(RangeError);
  });
});
