export const RECOMPUTES = ['none', 'selective', 'full'] as const;
/** Activation recompute: nothing, the attention core only (Korthikanti et al., arXiv 2205.05198, section 5), or whole layers. */
export type Recompute = (typeof RECOMPUTES)[number];

/** How a training step is laid out over `tp * pp * dp * cp` GPUs. */
export interface Parallelism {
  /** Tensor parallel. */
  tp: number;
  /** Pipeline parallel, 1F1B. */
  pp: number;
  /** Data parallel. */
  dp: number;
  /** Context parallel: the sequence split over GPUs in attention too. */
  cp: number;
  /** Expert parallel: a divisor of `dp * cp`, experts are spread over these. */
  ep: number;
  /** Sequences in one microbatch of one pipeline. */
  microBatch: number;
  /** Model chunks a pipeline stage holds (virtual stages); 1 is plain 1F1B. */
  interleave: number;
  recompute: Recompute;
  /** Norms and dropout split over the TP group along the sequence. */
  sequenceParallel: boolean;
  /** ZeRO stage: 0 none, 1 optimizer state, 2 and gradients, 3 and weights (FSDP FULL_SHARD). */
  zero: 0 | 1 | 2 | 3;
  /** Optimizer state kept and stepped in host memory. */
  offload: boolean;
}
