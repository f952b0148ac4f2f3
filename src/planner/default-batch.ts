import { divisorsOf } from '../lib/divisors.ts';
import type { ModelShape } from './model.ts';

/** Tokens in a step by the parameters one token touches, from there upward: Brown et al., arXiv 2005.14165, table 2.1, in powers of two; LLaMA, arXiv 2302.13971, table 2, for the last. */
const TOKENS_BY_PARAMETERS: readonly (readonly [parametersLeast: number, tokens: number])[] = [
  [30e9, 2 ** 22],
  [5e9, 2 ** 21],
  [1e9, 2 ** 20],
  [0, 2 ** 19],
];

/**
 * Sequences in a step where none are asked for: 0.5 Mi tokens for models of up to 1 B parameters, 1 Mi up to 5 B, 2 Mi up to 30 B, 4 Mi beyond; of the
 * numbers of sequences that share a large divisor with the GPUs the nearest to that, so that the batch can be split evenly over replicas.
 */
export function defaultGlobalBatch(model: ModelShape, sequenceLength: number, gpus: number): number {
  const tokens = TOKENS_BY_PARAMETERS.find(([least]) => model.parameters.active >= least)?.[1] ?? 2 ** 19;
  const wanted = Math.max(1, Math.round(tokens / sequenceLength));
  const shared = divisorsOf(gpus).findLast((divisor) => divisor <= wanted) ?? 1;
  return shared * Math.max(1, Math.round(wanted / shared));
}
