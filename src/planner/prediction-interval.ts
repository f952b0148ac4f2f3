import type { Efficiency } from './efficiency.ts';

/** What is predicted: the time of a step, a rate (which falls as time rises), or peak memory. */
export type PredictedQuantity = 'time' | 'rate' | 'memory';

/** The 80 % prediction interval around a predicted value, in its own unit. */
export function predictionInterval(
  efficiency: Efficiency,
  quantity: PredictedQuantity,
  predicted: number,
): [low: number, high: number] {
  const { low, high } = quantity === 'memory' ? efficiency.memory : efficiency.time;
  return quantity === 'rate' ? [predicted / high, predicted / low] : [predicted * low, predicted * high];
}
