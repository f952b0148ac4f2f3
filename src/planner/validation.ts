import type { Efficiency } from './efficiency.ts';
import {
  MEASURED_QUANTITY,
  MEASURES,
  type Measure,
  type MeasuredRun,
  measuredIterationSeconds,
  type RunPrediction,
} from './measured-run.ts';
import { predictionInterval } from './prediction-interval.ts';

/** A run with what was predicted of it. */
export interface PredictedRun {
  run: MeasuredRun;
  prediction: RunPrediction;
  efficiency: Efficiency;
  /** Whether published runs back all of it (`notValidated`), which the interval depends on. */
  isValidated: boolean;
}

/** One measurement against its prediction, both in the unit of the measure. */
export interface ValidationRow {
  name: string;
  source: string;
  measure: Measure;
  measured: number;
  predicted: number;
  /** Ends of the 80 % prediction interval. */
  low: number;
  high: number;
  /** `(predicted - measured) / measured`, in percent. */
  errorPercent: number;
}

export interface ValidationSummary {
  /** Measurements. */
  rows: number;
  /** Mean, median and largest absolute error, percent of what was measured. */
  mape: number;
  medianApe: number;
  maxApe: number;
  /** Mean error with its sign. */
  biasPercent: number;
  /** How much longer than the fastest layout measured the one predicted fastest took, mean over groups of runs that differ by layout alone; null without any. */
  regretPercent: number | null;
  /** Share of pairs within such groups, more than 1 % apart, that were predicted in the right order; null without any. */
  pairwiseOrderAccuracy: number | null;
  /** Share of measurements within their interval. */
  intervalCoverage: number;
}

export interface Validation {
  rows: ValidationRow[];
  summary: ValidationSummary;
  bySource: Record<string, ValidationSummary>;
  byMeasure: Partial<Record<Measure, ValidationSummary>>;
}

/** Pairs nearer than this share of the faster one are noise: labs that measure the same layout differ by as much. */
const PAIR_DISTANCE_LEAST = 0.01;

/** Predictions held against measurements. At least one run with one measurement. */
export function validate(runs: readonly PredictedRun[]): Validation {
  const sources = [...new Set(runs.map(({ run }) => run.source))];
  const bySource = Object.fromEntries(
    sources.map((source) => [source, summarise(runs.filter(({ run }) => run.source === source))]),
  );
  const byMeasure: Partial<Record<Measure, ValidationSummary>> = {};
  for (const measure of MEASURES) {
    const only = runs.flatMap((predicted) => {
      const value = predicted.run.measured[measure];
      return value === undefined ? [] : [{ ...predicted, run: { ...predicted.run, measured: { [measure]: value } } }];
    });
    if (only.length > 0) byMeasure[measure] = summarise(only);
  }
  return { rows: runs.flatMap(rowsOf), summary: summarise(runs), bySource, byMeasure };
}

function rowsOf({ run, prediction, efficiency, isValidated }: PredictedRun): ValidationRow[] {
  return MEASURES.flatMap((measure) => {
    const measured = run.measured[measure];
    if (measured === undefined) return [];
    const predicted = prediction.predicted[measure];
    const [low, high] = predictionInterval(efficiency, MEASURED_QUANTITY[measure], predicted, isValidated);
    const errorPercent = (100 * (predicted - measured)) / measured;
    return [{ name: run.name, source: run.source, measure, measured, predicted, low, high, errorPercent }];
  });
}

function summarise(runs: readonly PredictedRun[]): ValidationSummary {
  const rows = runs.flatMap(rowsOf);
  const errors = rows.map(({ errorPercent }) => errorPercent);
  const absolute = errors.map(Math.abs).toSorted((a, b) => a - b);
  const within = rows.filter(({ measured, low, high }) => low <= measured && measured <= high);
  const groups = groupsOf(runs);
  return {
    rows: rows.length,
    mape: mean(absolute),
    medianApe: median(absolute),
    maxApe: absolute.at(-1) ?? 0,
    biasPercent: mean(errors),
    regretPercent: regretPercent(groups),
    pairwiseOrderAccuracy: pairwiseOrderAccuracy(groups),
    intervalCoverage: within.length / rows.length,
  };
}

interface Timing {
  measuredSeconds: number;
  predictedSeconds: number;
}

/** Timings of runs of the same work on the same GPUs, two or more a group: between them a choice of layout was possible. */
function groupsOf(runs: readonly PredictedRun[]): Timing[][] {
  const groups = new Map<string, Timing[]>();
  for (const { run, prediction } of runs) {
    const measuredSeconds = measuredIterationSeconds(run, prediction);
    if (measuredSeconds === null) continue;
    const { source, shape, workload, gpu, gpus } = run;
    const key = JSON.stringify([source, shape, workload, gpu, gpus]);
    const group = groups.get(key) ?? [];
    group.push({ measuredSeconds, predictedSeconds: prediction.cost.iterationSeconds });
    groups.set(key, group);
  }
  return [...groups.values()].filter((group) => group.length > 1);
}

function regretPercent(groups: readonly Timing[][]): number | null {
  if (groups.length === 0) return null;
  const regrets = groups.map((group) => {
    const chosen = group.reduce((best, timing) => (timing.predictedSeconds < best.predictedSeconds ? timing : best));
    const fastest = Math.min(...group.map(({ measuredSeconds }) => measuredSeconds));
    return 100 * (chosen.measuredSeconds / fastest - 1);
  });
  return mean(regrets);
}

function pairwiseOrderAccuracy(groups: readonly Timing[][]): number | null {
  let pairs = 0;
  let right = 0;
  for (const group of groups) {
    for (const [index, a] of group.entries()) {
      for (const b of group.slice(index + 1)) {
        const [fast, slow] = a.measuredSeconds < b.measuredSeconds ? [a, b] : [b, a];
        if (slow.measuredSeconds <= fast.measuredSeconds * (1 + PAIR_DISTANCE_LEAST)) continue;
        pairs += 1;
        if (fast.predictedSeconds < slow.predictedSeconds) right += 1;
      }
    }
  }
  return pairs === 0 ? null : right / pairs;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Of ascending values. */
function median(values: readonly number[]): number {
  const middle = values.length / 2;
  const [low = 0, high = 0] = [values[Math.ceil(middle) - 1], values[Math.floor(middle)]];
  return (low + high) / 2;
}
