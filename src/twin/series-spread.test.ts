import { describe, expect, it } from 'vitest';
import type { ReportSeries } from './report.ts';
import { seriesSpread } from './series-spread.ts';

const DEVICES = 10;

/** With as many devices allocated and jobs waiting as `values` say. */
function run(values: readonly number[], bucketSeconds: number, endSeconds: number) {
  const none = values.map(() => 0);
  const series: ReportSeries = {
    bucketSeconds,
    startSeconds: values.map((_, bucket) => bucket * bucketSeconds),
    productive: [...values],
    lost: none,
    overhead: none,
    unfinished: none,
    idle: none,
    drained: none,
    down: none,
    fragmented: none,
    pendingJobs: [...values],
    runningJobs: none,
    pendingDevices: none,
  };
  return { series, endSeconds };
}

describe('series of several runs', () => {
  it('lie on the same steps, however long the buckets of a run are', () => {
    // 160 steps of 10 s: buckets of 20 s, and of 400 s.
    const fine = run(
      Array.from({ length: 80 }, (_, bucket) => (bucket < 40 ? 4 : 8)),
      20,
      1600,
    );
    const coarse = run([4, 4, 8, 8], 400, 1600);
    const { stepSeconds, allocated, pendingJobs } = seriesSpread([fine, coarse], DEVICES, 1600);
    expect(stepSeconds).toBe(10);
    expect(allocated.mean).toEqual(Array.from({ length: 160 }, (_, step) => (step < 80 ? 0.4 : 0.8)));
    expect(allocated.low).toEqual(allocated.mean);
    expect(pendingJobs.high[159]).toBe(8);
  });

  it('have the mean of the seeds within the least and the greatest', () => {
    const { allocated } = seriesSpread([run([2], 160, 160), run([3], 160, 160), run([7], 160, 160)], DEVICES, 160);
    expect([allocated.low[5], allocated.mean[5], allocated.high[5]]).toEqual([0.2, 0.4, 0.7]);
  });

  it('cut a bucket where a step ends, and average over what was run of the last step', () => {
    // Steps of 10 s, buckets of 15 s.
    const { pendingJobs } = seriesSpread([run([6, 0, 6], 15, 37.5)], DEVICES, 1600);
    expect(pendingJobs.mean).toEqual([6, 3, 0, 6]);
  });

  it('are as long as the longest run, in which a shorter one has nothing at the end', () => {
    const { pendingJobs } = seriesSpread([run([6], 20, 20), run([6], 40, 40)], DEVICES, 1600);
    expect(pendingJobs.mean).toEqual([6, 6, 3, 3]);
    expect(pendingJobs.low).toEqual([6, 6, 0, 0]);
  });
});
