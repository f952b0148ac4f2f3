import type { ReportSeries } from '../../../twin/report.ts';
import { round } from '../page-chart.ts';
import type { LAYER_INKS } from './style.ts';

export type Layer = keyof typeof LAYER_INKS;

/** From the ground up. */
export const LAYERS: readonly { name: Layer; title: string; meaning: string }[] = [
  { name: 'productive', title: 'Productive', meaning: 'work that was kept: finished, or saved by a checkpoint' },
  { name: 'unfinished', title: 'Unfinished', meaning: 'of attempts that still ran at the end of the run' },
  { name: 'overhead', title: 'Overhead', meaning: 'restarts, stalls of checkpoints, dying after the signal' },
  { name: 'lost', title: 'Lost', meaning: 'work that was done and not kept' },
  { name: 'idle', title: 'Idle', meaning: 'free, on nodes in service' },
  { name: 'drained', title: 'Drained', meaning: 'free, on nodes that drain' },
  { name: 'down', title: 'Down', meaning: 'on nodes that are out of service' },
];
/** More steps than these no screen shows. */
const STEPS_MAX = 400;

/** A stretch of time with the means over it. */
export interface Step {
  from: number;
  to: number;
  devices: Record<Layer, number>;
  pendingJobs: number;
  runningJobs: number;
  pendingDevices: number;
}

/** Nothing ran, waited or was out of service. */
export function isEmpty({ devices, pendingJobs }: Step): boolean {
  return pendingJobs === 0 && LAYERS.every(({ name }) => name === 'idle' || devices[name] === 0);
}

/** The series as no more steps than are drawn. */
export function stepsOf(series: ReportSeries, endSeconds: number): Step[] {
  const { bucketSeconds, startSeconds } = series;
  const each = Math.max(1, Math.ceil(startSeconds.length / STEPS_MAX));
  return Array.from({ length: Math.ceil(startSeconds.length / each) }, (_, index) => {
    const first = index * each;
    const buckets = startSeconds.slice(first, first + each);
    const spans = buckets.map((start) => Math.max(0, Math.min(bucketSeconds, endSeconds - start)));
    const span = spans.reduce((sum, seconds) => sum + seconds, 0);
    const mean = (values: readonly number[]) =>
      span === 0
        ? (values[first] ?? 0)
        : spans.reduce((sum, seconds, bucket) => sum + seconds * (values[first + bucket] ?? 0), 0) / span;
    const from = buckets[0] ?? 0;
    const devices = { productive: 0, unfinished: 0, overhead: 0, lost: 0, idle: 0, drained: 0, down: 0 };
    for (const { name } of LAYERS) devices[name] = mean(series[name]);
    return {
      from,
      to: from + span,
      devices,
      pendingJobs: mean(series.pendingJobs),
      runningJobs: mean(series.runningJobs),
      pendingDevices: mean(series.pendingDevices),
    };
  });
}

/** A stretch of time. */
export type Stretch = Pick<Step, 'from' | 'to'>;

/** The area below a line of steps. */
export function stepPath(
  steps: readonly Stretch[],
  values: readonly number[],
  xOf: (seconds: number) => number,
  yOf: (value: number) => number,
  ground: number,
): string {
  return `${stepLine(steps, values, xOf, yOf)}V${ground}H${round(xOf(steps[0]?.from ?? 0))}Z`;
}

/** A line that goes from step to step. */
export function stepLine(
  steps: readonly Stretch[],
  values: readonly number[],
  xOf: (seconds: number) => number,
  yOf: (value: number) => number,
): string {
  let path = `M${round(xOf(steps[0]?.from ?? 0))},${round(yOf(values[0] ?? 0))}`;
  let last = round(yOf(values[0] ?? 0));
  steps.forEach((step, index) => {
    const y = round(yOf(values[index] ?? 0));
    if (y !== last) path += `V${y}`;
    last = y;
    const next = values[index + 1];
    // Steps of the same height are one.
    if (next === undefined || round(yOf(next)) !== y) path += `H${round(xOf(step.to))}`;
  });
  return path;
}

/** The area between two lines of steps. */
export function stepBand(
  steps: readonly Stretch[],
  low: readonly number[],
  high: readonly number[],
  xOf: (seconds: number) => number,
  yOf: (value: number) => number,
): string {
  const start = `${round(xOf(steps[0]?.from ?? 0))},${round(yOf(low[0] ?? 0))}`;
  const back = steps.toReversed().map(({ from }, index) => {
    const y = round(yOf(low[steps.length - 1 - index] ?? 0));
    return `V${y}H${round(xOf(from))}`;
  });
  return `${stepLine(steps, high, xOf, yOf)}${back.join('')}L${start}Z`;
}

/** Where a band stays thick for a while, `reach` to either side. */
export function thickest(thicknesses: readonly number[], reach: number): { index: number; thickness: number } {
  const best = { index: 0, thickness: 0 };
  for (let index = 0; index < thicknesses.length; index += 1) {
    const near = thicknesses.slice(Math.max(0, index - reach), index + reach + 1);
    const isInside = index >= reach && index + reach < thicknesses.length;
    const thickness = Math.min(...near) * (isInside || thicknesses.length <= 2 * reach ? 1 : 0);
    if (thickness > best.thickness) Object.assign(best, { index, thickness });
  }
  return best;
}
