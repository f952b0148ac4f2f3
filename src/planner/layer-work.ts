import type { ModelShape } from './model.ts';

/** `count` times `batch` products [rows, depth] x [depth, columns] on one GPU. */
export interface Gemm {
  rows: number;
  columns: number;
  depth: number;
  batch: number;
}

/** The attention core on one GPU: `batch` heads of `queries` by `keys`. */
export interface AttentionWork {
  batch: number;
  queries: number;
  keys: number;
  /** Of queries and keys. */
  headDim: number;
  valueDim: number;
}

/** One layer's forward pass over one microbatch on one GPU. */
export interface LayerWork {
  gemms: readonly Gemm[];
  attention: AttentionWork;
  /** Bytes that norms, dropout and residuals read and write, on what is not split over the TP group but by sequence parallelism. */
  residualBytes: number;
  /** The same on what is always split: activations, rotations, transposes. */
  innerBytes: number;
  /** Two-byte elements of the residual stream of this microbatch, before any split by sequence parallelism. */
  residualElements: number;
  /** Tokens sent to experts by all-to-all, in bytes, one way; 0 for a dense layer. */
  dispatchBytes: number;
  /** Bytes of keys and values of this GPU, what context parallelism passes around. */
  keyValueBytes: number;
}

export interface LayerSlice {
  microBatch: number;
  /** Tokens of one sequence on this GPU, and of the whole sequence. */
  localSequence: number;
  sequenceLength: number;
  tp: number;
  ep: number;
  dropout: boolean;
}

/** The work of one layer, dense or sparse, as one GPU of a TP group has it (Shoeybi et al., arXiv 1909.08053, section 3). */
export function layerWork(model: ModelShape, isSparse: boolean, slice: LayerSlice): LayerWork {
  const { hidden, heads, headDim, kvHeads } = model;
  const { tp, microBatch, localSequence, sequenceLength } = slice;
  const tokens = microBatch * localSequence;
  const localHeads = heads / tp;
  const localKvHeads = Math.max(1, kvHeads / tp);
  const gemms: Gemm[] = [];
  const add = (columns: number, depth: number, rows = tokens, batch = 1) => gemms.push({ rows, columns, depth, batch });

  const latent = model.latentAttention;
  let queryDim = headDim;
  let valueDim = headDim;
  let keyValueWidth = 2 * localKvHeads * headDim;
  if (latent === null) {
    add((localHeads + 2 * localKvHeads) * headDim, hidden);
    add(hidden, localHeads * headDim);
  } else {
    queryDim = latent.nopeHeadDim + latent.ropeHeadDim;
    valueDim = latent.valueHeadDim;
    keyValueWidth = localHeads * (queryDim + valueDim);
    if (latent.qRank === null) {
      add(localHeads * queryDim, hidden);
    } else {
      add(latent.qRank, hidden);
      add(localHeads * queryDim, latent.qRank);
    }
    add(latent.kvRank + latent.ropeHeadDim, hidden);
    add(localHeads * (latent.nopeHeadDim + valueDim), latent.kvRank);
    add(hidden, localHeads * valueDim);
  }

  let innerWidth = 0;
  let dispatchBytes = 0;
  const moe = isSparse ? model.moe : null;
  const up = model.isGated ? 2 : 1;
  if (moe === null) {
    add((up * model.ffn) / tp, hidden);
    add(hidden, model.ffn / tp);
    innerWidth = model.ffn / tp;
  } else {
    const localExperts = moe.experts / slice.ep;
    const routedTokens = tokens * moe.expertsPerToken;
    const tokensPerExpert = Math.max(1, Math.ceil(routedTokens / localExperts));
    add(moe.experts, hidden);
    add((up * moe.expertFfn) / tp, hidden, tokensPerExpert, localExperts);
    add(hidden, moe.expertFfn / tp, tokensPerExpert, localExperts);
    innerWidth = (moe.expertFfn * moe.expertsPerToken) / tp;
    if (moe.sharedFfn > 0) {
      add((up * moe.sharedFfn) / tp, hidden);
      add(hidden, moe.sharedFfn / tp);
      innerWidth += moe.sharedFfn / tp;
    }
    dispatchBytes = slice.ep > 1 ? 2 * routedTokens * hidden : 0;
  }

  const residualElements = tokens * hidden;
  return {
    gemms,
    attention: {
      batch: microBatch * localHeads,
      queries: localSequence,
      keys: sequenceLength,
      headDim: queryDim,
      valueDim,
    },
    // Two norms of a read and a write; two residual additions of two reads and a write, with a one-byte mask where there is dropout.
    residualBytes: residualElements * (2 * 4 + 2 * (slice.dropout ? 7 : 6)),
    // The activation; queries, keys and values once in and out; the attention's output in and out.
    innerBytes:
      tokens * (2 * (up + 1) * innerWidth + 4 * (localHeads * queryDim + keyValueWidth) + 4 * localHeads * valueDim),
    residualElements,
    dispatchBytes,
    keyValueBytes: 2 * tokens * keyValueWidth,
  };
}
