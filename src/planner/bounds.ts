import type { StackEfficiency } from './efficiency.ts';
import { sparseLayerCount } from './flops.ts';
import type { Grid, Sharding } from './layout-space.ts';
import type { ModelShape } from './model.ts';
import type { StepCost } from './step-cost.ts';

/** Relative room for rounding in a bound that is exact in real numbers. */
export const ROUNDING = 1e-9;

/** Bytes of weights, gradients and optimizer state that any one stage holds at least: its layers, each the mean of dense and sparse ones as in the estimator. */
export function stateBytesLeast(
  model: ModelShape,
  stack: StackEfficiency,
  { tp, pp, dp, cp, ep }: Grid,
  { zero, offload }: Sharding,
): number {
  const { denseLayer, sparseLayer, sparseLayerExperts } = model.parameters;
  const sparseShare = sparseLayerCount(model) / model.layers;
  const layers = Math.floor(model.layers / pp);
  const common = (layers * ((1 - sparseShare) * denseLayer + sparseShare * (sparseLayer - sparseLayerExperts))) / tp;
  const experts = (layers * sparseShare * sparseLayerExperts) / (tp * ep);
  const held = common + experts;
  const sharded = common / (dp * cp) + experts / ((dp * cp) / ep);
  const weights = stack.weightBytes * (zero === 3 ? sharded : held);
  const gradients = stack.gradientBytes * (zero >= 2 ? sharded : held);
  const optimizer = offload ? 0 : stack.optimizerBytes * (zero >= 1 ? sharded : held);
  return (weights + gradients + optimizer) * (1 - ROUNDING);
}

/** Seconds that a layout takes at least with up to `interleaveMost` chunks a stage, given its cost with one: the bubble is divided by the chunks. */
export function interleavedSecondsLeast(plain: StepCost, interleaveMost: number): number {
  return (plain.iterationSeconds - plain.seconds.bubble * (1 - 1 / interleaveMost)) * (1 - ROUNDING);
}
