import type { Efficiency } from './efficiency.ts';

/** What is predicted: the time of a step, a rate (which falls as time rises), or peak memory. */
export type PredictedQuantity = 'time' | 'rate' | 'memory';

/**
 * Least relative half-width of an interval around what no published run backs: the largest mean error there is on a source whose features the constants had
 * not seen (the BLOOM rows, 14 %, see `npm run fit:planner`).
 */
const UNSEEN_LEAST = 0.15;

/** The 80 % prediction interval around a predicted value, in its own unit. */
export function predictionInterval(
  efficiency: Efficiency,
  quantity: PredictedQuantity,
  predicted: number,
  isValidated = true,
): [low: number, high: number] {
  const width = quantity === 'memory' ? efficiency.memory : efficiency.time;
  const low = isValidated ? width.low : Math.min(width.low, 1 - UNSEEN_LEAST);
  const high = isValidated ? width.high : Math.max(width.high, 1 + UNSEEN_LEAST);
  return quantity === 'rate' ? [predicted / high, predicted / low] : [predicted * low, predicted * high];
}
