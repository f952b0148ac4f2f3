import type { StepWorkload } from './machine.ts';
import type { ModelShape } from './model.ts';
import type { Recompute } from './parallelism.ts';
import type { StepFlops } from './step-cost.ts';

/** Multiply-adds of the forward pass of all layers over one token, in FLOPs, attention over the whole sequence included (not halved by the mask). */
function layerFlopsPerToken(model: ModelShape, sequenceLength: number): { matmul: number; core: number } {
  const { hidden, heads, kvHeads, headDim, moe, latentAttention: latent } = model;
  let attention: number;
  let core: number;
  if (latent === null) {
    attention = hidden * (2 * heads + 2 * kvHeads) * headDim;
    core = 2 * sequenceLength * heads * headDim;
  } else {
    const queryDim = latent.nopeHeadDim + latent.ropeHeadDim;
    const queries = latent.qRank === null ? hidden * heads * queryDim : latent.qRank * (hidden + heads * queryDim);
    attention =
      queries +
      hidden * (latent.kvRank + latent.ropeHeadDim) +
      latent.kvRank * heads * (latent.nopeHeadDim + latent.valueHeadDim) +
      heads * latent.valueHeadDim * hidden;
    core = sequenceLength * heads * (queryDim + latent.valueHeadDim);
  }
  const matrices = model.isGated ? 3 : 2;
  const sparseLayers = sparseLayerCount(model);
  const dense = matrices * hidden * model.ffn;
  const sparse =
    moe === null ? 0 : matrices * hidden * (moe.expertFfn * moe.expertsPerToken + moe.sharedFfn) + hidden * moe.experts;
  const matmul = model.layers * attention + (model.layers - sparseLayers) * dense + sparseLayers * sparse;
  return { matmul: 2 * matmul, core: 2 * model.layers * core };
}

/** Layers whose MLP is made of experts. */
export function sparseLayerCount({ layers, moe }: ModelShape): number {
  return moe === null ? 0 : Math.floor((layers - moe.denseLayers) / moe.sparseEvery);
}

/**
 * Arithmetic of one step over all GPUs (Narayanan et al., SC'21, arXiv 2104.04473, section 5.1 and appendix): three times the forward pass; full recompute
 * adds the layers' forward pass, selective recompute the attention core's, unless that is flash attention, which keeps nothing to compute again. For a GPT with an MLP of 4h, full recompute gives 96 B s l h^2 (1 + s/6h + V/16lh).
 */
export function stepFlops(
  model: ModelShape,
  workload: StepWorkload,
  recompute: Recompute,
  flashAttention = false,
): StepFlops {
  const tokens = workload.globalBatch * workload.sequenceLength;
  const { matmul, core } = layerFlopsPerToken(model, workload.sequenceLength);
  const logits = 2 * model.hidden * model.vocab;
  const modelFlops = 3 * (matmul + core + logits);
  const again = recompute === 'full' ? matmul + core : recompute === 'selective' && !flashAttention ? core : 0;
  return { model: tokens * modelFlops, hardware: tokens * (modelFlops + again) };
}
