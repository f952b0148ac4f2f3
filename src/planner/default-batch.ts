import { divisorsOf } from '../lib/divisors.ts';
import type { ModelShape } from './model.ts';

/** Tokens in a step by the parameters one token touches, from there upward: Brown et al., arXiv 2005.14165, table 2.1, in powers of two; LLaMA, arXiv 2302.13971, table 2, for the last. */
const TOKENS_BY_PARAMETERS: readonly (readonly [parametersLeast: number, tokens: number])[] = [
  [30e9, 2 ** 22],
  [5e9, 2 ** 21],
  [1e9, 2 ** 20],
  [0, 2 ** 19],
];

/** How far from the batch wanted one that splits better may be. */
const DISTANCE_MOST = 0.1;

/**
 * Sequences in a step where none are asked for: about 0.5 Mi tokens for models of up to 1 B parameters, 1 Mi up to 5 B, 2 Mi up to 30 B, 4 Mi beyond,
 * made even for the GPUs (`evenBatch`). `sequencesLeast`: what the software cannot do without.
 */
export function defaultGlobalBatch(
  model: ModelShape,
  sequenceLength: number,
  gpus: number,
  sequencesLeast = 1,
): number {
  const tokens = TOKENS_BY_PARAMETERS.find(([least]) => model.parameters.active >= least)?.[1] ?? 0;
  return evenBatch(Math.max(tokens / sequenceLength, sequencesLeast), gpus);
}

/** The batch within 10 % of the one wanted that has the largest divisor in common with the GPUs, so that it splits over many replicas; at least 1. */
export function evenBatch(wanted: number, gpus: number): number {
  for (const divisor of divisorsOf(gpus).reverse()) {
    const batch = divisor * Math.max(1, Math.round(wanted / divisor));
    if (Math.abs(batch - wanted) <= DISTANCE_MOST * wanted) return batch;
  }
  return Math.max(1, Math.round(wanted));
}
