import { divisorsOf } from '../lib/divisors.ts';
import type { ModelShape } from './model.ts';

/** Tokens in a step by the parameters one token touches, from there upward: Brown et al., arXiv 2005.14165, table 2.1, in powers of two; LLaMA, arXiv 2302.13971, table 2, for the last. */
const TOKENS_BY_PARAMETERS: readonly (readonly [parametersLeast: number, tokens: number])[] = [
  [30e9, 2 ** 22],
  [5e9, 2 ** 21],
  [1e9, 2 ** 20],
  [0, 2 ** 19],
];

/** How far from the batch wanted one that splits better may be: 6,080 GPUs have no batch within a tenth of 2,048 that fills their pipelines, and 2,280 does. */
const DISTANCE_MOST = 1 / 8;
/** The same, where no nearer one can be laid out at all. What is fixed goes before any distance. */
const DISTANCE_AT_A_PINCH = 1 / 4;

/** What a default batch has to do justice to. */
export interface BatchNeeds {
  /** Sequences that the software cannot do without; default 1. */
  sequencesLeast?: number;
  /** Where these are fixed. */
  dp?: number | undefined;
  microBatch?: number | undefined;
  /** Whether the run can be laid out with such a batch; default: with any. */
  isPossible?: (globalBatch: number) => boolean;
}

/**
 * Sequences in a step where none are asked for: about 0.5 Mi tokens for models of up to 1 B parameters, 1 Mi up to 5 B, 2 Mi up to 30 B, 4 Mi beyond.
 * Of the batches within an eighth of that, the one with the largest divisor in common with the GPUs with which the run can be laid out; else the nearest
 * within a quarter with which it can be; else the first of them all.
 */
export function defaultGlobalBatch(
  model: ModelShape,
  sequenceLength: number,
  gpus: number,
  { sequencesLeast = 1, dp = 1, microBatch = 1, isPossible = () => true }: BatchNeeds = {},
): number {
  const tokens = TOKENS_BY_PARAMETERS.find(([least]) => model.parameters.active >= least)?.[1] ?? 0;
  const wanted = Math.max(tokens / sequenceLength, sequencesLeast);
  const steps = divisorsOf(gpus)
    .filter((divisor) => divisor % dp === 0)
    .map((divisor) => divisor * microBatch)
    .reverse();
  const even = steps.map((step) => nearestMultiple(wanted, step)).filter((batch) => batch >= sequencesLeast);
  const distance = (batch: number) => Math.abs(batch - wanted);
  const near = even.filter((batch) => distance(batch) <= DISTANCE_MOST * wanted);
  const farthest = dp * microBatch > 1 ? Infinity : DISTANCE_AT_A_PINCH * wanted;
  const far = even
    .filter((batch) => distance(batch) > DISTANCE_MOST * wanted && distance(batch) <= farthest)
    .toSorted((a, b) => distance(a) - distance(b));
  const choices = [...new Set([...near, ...far])];
  return choices.find(isPossible) ?? choices[0] ?? evenBatch(wanted, gpus);
}

/** The batch within an eighth of the one wanted that has the largest divisor in common with the GPUs, so that it splits over many replicas; at least 1. */
export function evenBatch(wanted: number, gpus: number): number {
  return evenBatches(wanted, gpus)[0] ?? Math.max(1, Math.round(wanted));
}

/** The batches within an eighth of the one wanted, one for each divisor in common with the GPUs, the largest divisor first. */
export function evenBatches(wanted: number, gpus: number): number[] {
  const batches = divisorsOf(gpus).map((divisor) => nearestMultiple(wanted, divisor));
  return [...new Set(batches.reverse())].filter((batch) => Math.abs(batch - wanted) <= DISTANCE_MOST * wanted);
}

function nearestMultiple(wanted: number, divisor: number): number {
  return divisor * Math.max(1, Math.round(wanted / divisor));
}
