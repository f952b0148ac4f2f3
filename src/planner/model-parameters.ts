import type { LatentAttention, ModelParameters, ModelShape } from './model.ts';

/** What the count of parameters depends on besides the shape. */
export interface ParameterRules {
  /** A weight, or a weight and a bias. */
  normVectors: 1 | 2;
  biases: {
    queryKeyValue: boolean;
    attentionOutput: boolean;
    mlp: boolean;
  };
  /** Queries and keys of each head pass a norm of the head's width (Qwen3). */
  hasQueryKeyNorm: boolean;
  /** The router has a bias for each expert (DeepSeek-V3, set to balance the load). */
  hasRouterBias: boolean;
  /** Rows of learned position embeddings; 0 for rotary, sinusoidal and ALiBi positions. */
  positions: number;
  /** What else stands in the first stage: norms of the embedding, token types, patch projection. */
  otherInput: number;
  /** What else a layer has, dense or sparse. */
  otherLayer: number;
  /** What else stands in the last stage. */
  otherOutput: number;
}

/**
 * Exact counts of trained parameters, as the model's class in Hugging Face transformers holds them: two norms a layer and one after the last, a tied embedding
 * counted once.
 */
export function modelParameters(
  shape: Omit<ModelShape, 'name' | 'parameters'>,
  rules: ParameterRules,
): ModelParameters {
  const { hidden, moe } = shape;
  const norm = rules.normVectors * hidden;
  const common = attention(shape, rules) + 2 * norm + rules.otherLayer;
  const mlp = (width: number) =>
    (shape.isGated ? 3 : 2) * hidden * width + (rules.biases.mlp ? (shape.isGated ? 2 : 1) * width + hidden : 0);

  const denseLayer = common + mlp(shape.ffn);
  const expert = moe === null ? 0 : mlp(moe.expertFfn);
  const sparseLayerExperts = moe === null ? 0 : moe.experts * expert;
  const router = moe === null ? 0 : moe.experts * (hidden + (rules.hasRouterBias ? 1 : 0));
  const shared = moe === null || moe.sharedFfn === 0 ? 0 : mlp(moe.sharedFfn);
  const sparseLayer = moe === null ? 0 : common + router + shared + sparseLayerExperts;

  const inputEmbedding = (shape.vocab + rules.positions) * hidden + rules.otherInput;
  const outputHead = norm + (shape.hasTiedEmbeddings ? 0 : shape.vocab * hidden) + rules.otherOutput;
  const sparseLayers = moe === null ? 0 : Math.floor((shape.layers - moe.denseLayers) / moe.sparseEvery);
  const total = inputEmbedding + (shape.layers - sparseLayers) * denseLayer + sparseLayers * sparseLayer + outputHead;
  const idle = moe === null ? 0 : sparseLayers * (moe.experts - moe.expertsPerToken) * expert;
  return {
    total,
    active: total - idle,
    denseLayer,
    sparseLayer,
    sparseLayerExperts,
    inputEmbedding,
    outputHead,
  };
}

function attention(shape: Omit<ModelShape, 'name' | 'parameters'>, rules: ParameterRules): number {
  const { hidden, heads, kvHeads, headDim, latentAttention } = shape;
  if (latentAttention !== null) return multiHeadLatentAttention(hidden, heads, latentAttention);
  const queryKeyValue = (heads + 2 * kvHeads) * headDim;
  return (
    hidden * (queryKeyValue + heads * headDim) +
    (rules.biases.queryKeyValue ? queryKeyValue : 0) +
    (rules.biases.attentionOutput ? hidden : 0) +
    (rules.hasQueryKeyNorm ? 2 * headDim : 0)
  );
}

/** Projections down and up with a norm between, keys and values from one latent vector (DeepSeek-V2, arXiv 2405.04434, section 2.1). */
function multiHeadLatentAttention(hidden: number, heads: number, latent: LatentAttention): number {
  const { qRank, kvRank, nopeHeadDim, ropeHeadDim, valueHeadDim } = latent;
  const queryWidth = heads * (nopeHeadDim + ropeHeadDim);
  const queries = qRank === null ? hidden * queryWidth : hidden * qRank + qRank + qRank * queryWidth;
  const keysAndValues = hidden * (kvRank + ropeHeadDim) + kvRank + kvRank * heads * (nopeHeadDim + valueHeadDim);
  return queries + keysAndValues + heads * valueHeadDim * hidden;
}
