/** Sparse experts in place of a dense MLP. */
export interface MixtureOfExperts {
  experts: number;
  expertsPerToken: number;
  /** Experts every token passes, besides the routed ones. */
  sharedExperts: number;
  /** Inner width of one routed expert. */
  expertFfn: number;
  /** Inner width of all shared experts together; 0 without. */
  sharedFfn: number;
  /** The first layers that keep a dense MLP of width `ffn`. */
  denseLayers: number;
  /** Every n-th layer after `denseLayers` is sparse, the others are dense. */
  sparseEvery: number;
}

/** Multi-head latent attention (DeepSeek-V2, arXiv 2405.04434, section 2.1). Queries are not compressed where `qRank` is null. */
export interface LatentAttention {
  qRank: number | null;
  kvRank: number;
  nopeHeadDim: number;
  ropeHeadDim: number;
  valueHeadDim: number;
}

/** A transformer as the planner takes it: what its arithmetic, traffic and memory follow from. */
export interface ModelShape {
  name: string;
  layers: number;
  hidden: number;
  heads: number;
  /** Fewer than `heads` for grouped-query attention, 1 for multi-query. */
  kvHeads: number;
  /** Width of one head; `heads * headDim` is not always `hidden`. */
  headDim: number;
  /** Inner width of the dense MLP. */
  ffn: number;
  /** Two matrices (GELU, ReLU, ...) or three (SwiGLU, GeGLU). */
  isGated: boolean;
  vocab: number;
  /** The longest sequence it takes; what training uses by default. */
  sequenceLengthMax: number;
  /** The output projection is the input embedding. */
  hasTiedEmbeddings: boolean;
  moe: MixtureOfExperts | null;
  latentAttention: LatentAttention | null;
  parameters: ModelParameters;
}

/** Exact counts of trained parameters. */
export interface ModelParameters {
  total: number;
  /** Touched by one token: without the experts that a token is not routed to. */
  active: number;
  /** One dense layer: attention, MLP, norms, biases. */
  denseLayer: number;
  /** One sparse layer with all its experts; 0 for a dense model. */
  sparseLayer: number;
  /** Of one sparse layer, the routed experts alone; 0 for a dense model. */
  sparseLayerExperts: number;
  /** Tokens, positions and what else stands before the first layer. */
  inputEmbedding: number;
  /** Final norm, output projection where it is not tied, and what else stands after the last layer. */
  outputHead: number;
}
