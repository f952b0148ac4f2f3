import type { ReportSeries } from '../report.ts';
import type { BucketSums } from './bucket-sums.ts';

/** What is summed up over time, and where. */
export const CHANNELS = {
  productive: 0,
  lost: 1,
  overhead: 2,
  allocated: 3,
  idle: 4,
  drained: 5,
  down: 6,
  fragmented: 7,
  pendingJobs: 8,
  runningJobs: 9,
  pendingDevices: 10,
} as const;

/** Means over buckets of what each channel holds. */
export function seriesOf(sums: BucketSums, endMs: number): ReportSeries {
  const { widthMs } = sums;
  const beginsMs = Array.from({ length: sums.bucketCount(endMs) }, (_, bucket) => bucket * widthMs);
  const meansOf = (channel: keyof typeof CHANNELS) => {
    const ofChannel = sums.sums(CHANNELS[channel], endMs);
    return beginsMs.map((beginMs, bucket) => {
      const spanMs = Math.min(widthMs, endMs - beginMs);
      return spanMs <= 0 ? 0 : rounded((ofChannel[bucket] ?? 0) / spanMs);
    });
  };
  const productive = meansOf('productive');
  const lost = meansOf('lost');
  const overhead = meansOf('overhead');
  // What no attempt that is over accounts for.
  const unfinished = meansOf('allocated').map((allocated, bucket) =>
    rounded(Math.max(0, allocated - (productive[bucket] ?? 0) - (lost[bucket] ?? 0) - (overhead[bucket] ?? 0))),
  );
  return {
    bucketSeconds: widthMs / 1000,
    startSeconds: beginsMs.map((beginMs) => beginMs / 1000),
    productive,
    lost,
    overhead,
    unfinished,
    idle: meansOf('idle'),
    drained: meansOf('drained'),
    down: meansOf('down'),
    fragmented: meansOf('fragmented'),
    pendingJobs: meansOf('pendingJobs'),
    runningJobs: meansOf('runningJobs'),
    pendingDevices: meansOf('pendingDevices'),
  };
}

/** To thousandths: what is drawn needs no more, and the text of a report is a third of what it would be. */
function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
