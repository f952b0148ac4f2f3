import type { StackEfficiency } from './efficiency.ts';
import { sparseLayerCount } from './flops.ts';
import type { StepWorkload } from './machine.ts';
import type { ModelShape } from './model.ts';
import type { Parallelism } from './parallelism.ts';

/** Activations of one layer for one microbatch on one GPU, bytes. */
export interface LayerActivations {
  /** Kept from the forward pass to the backward pass. */
  kept: number;
  /** In use while one layer is at work, beyond what is kept. */
  working: number;
}

/**
 * Korthikanti et al. (arXiv 2205.05198), equations 1 to 6, with the widths of grouped-query attention, gated MLPs and experts put in: for a GPT with an MLP of
 * 4h, `s b h (10 + 24/t + 5 a s / (h t))` without recompute.
 */
export function layerActivations(
  model: ModelShape,
  workload: StepWorkload,
  stack: StackEfficiency,
  { tp, cp, microBatch, recompute, sequenceParallel }: Parallelism,
): LayerActivations {
  const { hidden, heads, kvHeads, headDim, latentAttention: latent, moe } = model;
  const tokens = (microBatch * workload.sequenceLength) / cp;
  const queryDim = latent === null ? headDim : latent.nopeHeadDim + latent.ropeHeadDim;
  const valueDim = latent?.valueHeadDim ?? headDim;
  const keyValueWidth = latent === null ? 2 * kvHeads * headDim : heads * (queryDim + valueDim);
  const mask = stack.dropout ? 1 : 0;

  // Inputs of the two norms, of the attention's and the MLP's first GEMM, and two dropout masks.
  const residual = tokens * hidden * (4 + 4 + 2 * mask);
  const sparse = moe === null ? 0 : sparseLayerCount(model) / model.layers;
  const sparseWidth = moe === null ? 0 : moe.expertFfn * moe.expertsPerToken + moe.sharedFfn;
  const width = (1 - sparse) * model.ffn + sparse * sparseWidth;
  const dispatched = moe === null ? 0 : sparse * 4 * tokens * hidden * moe.expertsPerToken;
  const inner = tokens * (2 * (heads * (queryDim + valueDim) + keyValueWidth) + 2 * (model.isGated ? 4 : 2) * width);
  const scores = stack.flashAttention
    ? 4 * heads * tokens
    : heads * tokens * workload.sequenceLength * (stack.dropout ? 5 : 2);

  const residualPart = sequenceParallel ? residual / tp : residual;
  const keptScores = recompute === 'none' || stack.flashAttention ? scores / tp : 0;
  const whole = residualPart + inner / tp + dispatched + keptScores;
  const input = sequenceParallel ? (2 * tokens * hidden) / tp : 2 * tokens * hidden;
  const kept = recompute === 'full' ? input : whole;
  // What is made again, and the gradients of the residual stream and of the widest inner activation.
  const again = recompute === 'full' ? residualPart + inner / tp + dispatched + scores / tp : scores / tp - keptScores;
  const gradients = 4 * tokens * hidden + (4 * tokens * width) / tp;
  return { kept, working: again + gradients };
}

/** Memory of the logits on the last stage: two-byte, their 32-bit copy and its gradient (same paper, section 4.3). */
export function logitsBytes(vocabPerGpu: number, workload: StepWorkload, { cp, microBatch }: Parallelism): number {
  return (10 * microBatch * workload.sequenceLength * vocabPerGpu) / cp;
}

/**
 * Microbatches whose activations a stage holds at most: `pp - stage` of 1F1B; interleaving holds a part more (same paper, section 4.2.3).
 */
export function microBatchesInFlight(stage: number, microBatches: number, pp: number, interleave: number): number {
  const waiting = pp - stage;
  if (interleave === 1) return Math.min(microBatches, waiting);
  const chunks = Math.min(microBatches * interleave, (interleave - 1) * pp + 2 * waiting - 1);
  return chunks / interleave;
}
