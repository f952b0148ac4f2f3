import { expect, it } from 'vitest';
import type { RecordedWaits } from '../report.ts';
import { meanWaits } from './mean-waits.ts';

function waits(meanSeconds: number, ofShort: number | null): RecordedWaits {
  const wait = (mean: number) => ({ jobs: 2, recordedMeanSeconds: 20, meanSeconds: mean, difference: mean / 20 - 1 });
  const byPartition = ofShort === null ? [] : [{ name: 'short', ...wait(ofShort) }];
  return { ...wait(meanSeconds), byPartition, byQos: [{ name: 'normal', ...wait(meanSeconds) }] };
}

it('is the mean of the runs, of a partition of those that have jobs there', () => {
  expect(meanWaits(waits(20, 10), [waits(26, 30), waits(29, null)])).toEqual({
    jobs: 2,
    recordedMeanSeconds: 20,
    meanSeconds: 25,
    difference: 0.25,
    byPartition: [{ name: 'short', jobs: 2, recordedMeanSeconds: 20, meanSeconds: 20, difference: 0 }],
    byQos: [{ name: 'normal', jobs: 2, recordedMeanSeconds: 20, meanSeconds: 25, difference: 0.25 }],
  });
});
