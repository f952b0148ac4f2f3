import type { ReportSeries } from './report.ts';
import { spreadOf } from './spread.ts';

/** Of a figure over time: at each step the mean over the seeds, and the least and greatest of them. */
export interface SpreadOverTime {
  mean: number[];
  low: number[];
  high: number[];
}

/** Equal steps from the start of the runs, warm-up included. */
export interface SeriesSpread {
  stepSeconds: number;
  /** Shares of the cluster. */
  allocated: SpreadOverTime;
  pendingJobs: SpreadOverTime;
  pendingDevices: SpreadOverTime;
}

interface RunSeries {
  series: ReportSeries;
  endSeconds: number;
}

const STEPS = 160;
const DIGITS = 4;

/** On steps that are the same for every run up to `untilSeconds`, however long its own buckets are; none for the time after the longest run. */
export function seriesSpread(runs: readonly RunSeries[], devices: number, untilSeconds: number): SeriesSpread {
  const stepSeconds = Math.max(untilSeconds, 1) / STEPS;
  const end = Math.max(0, ...runs.map(({ endSeconds }) => endSeconds));
  const steps = Math.min(STEPS, Math.ceil(end / stepSeconds - 1e-9));
  const over = (valuesOf: (series: ReportSeries) => readonly number[]): SpreadOverTime => {
    const ofRuns = runs.map((run) => sumsOver(valuesOf(run.series), run, stepSeconds, steps));
    const spreads = Array.from({ length: steps }, (_, step) => {
      const span = Math.min(stepSeconds, end - step * stepSeconds);
      return spreadOf(ofRuns.map((sums) => (sums[step] ?? 0) / span));
    });
    return {
      mean: spreads.map((spread) => rounded(spread?.mean ?? 0)),
      low: spreads.map((spread) => rounded(spread?.low ?? 0)),
      high: spreads.map((spread) => rounded(spread?.high ?? 0)),
    };
  };
  return {
    stepSeconds,
    allocated: over(({ productive, lost, overhead, unfinished }) =>
      productive.map((value, bucket) => {
        const all = value + (lost[bucket] ?? 0) + (overhead[bucket] ?? 0) + (unfinished[bucket] ?? 0);
        return devices === 0 ? 0 : all / devices;
      }),
    ),
    pendingJobs: over(({ pendingJobs }) => pendingJobs),
    pendingDevices: over(({ pendingDevices }) => pendingDevices),
  };
}

/** Integrals over steps from means over buckets. After the end of the run there is nothing. */
function sumsOver(
  values: readonly number[],
  { series: { bucketSeconds, startSeconds }, endSeconds }: RunSeries,
  stepSeconds: number,
  steps: number,
): Float64Array {
  const sums = new Float64Array(steps);
  startSeconds.forEach((start, bucket) => {
    const stop = Math.min(start + bucketSeconds, endSeconds);
    const last = Math.min(steps - 1, Math.floor(stop / stepSeconds));
    for (let step = Math.floor(start / stepSeconds); step <= last; step += 1) {
      const shared = Math.min(stop, (step + 1) * stepSeconds) - Math.max(start, step * stepSeconds);
      sums[step] = (sums[step] ?? 0) + Math.max(0, shared) * (values[bucket] ?? 0);
    }
  });
  return sums;
}

function rounded(value: number): number {
  return Number(value.toPrecision(DIGITS));
}
