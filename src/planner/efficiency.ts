export const STACKS = ['megatron-2021', 'megatron-2022', 'megatron-deepspeed', 'fsdp', 'megatron-core'] as const;
/** A training software stack with constants of its own. */
export type Stack = (typeof STACKS)[number];

/** How near the kernels of one GPU type come to its peaks, relative to an A100. Fitted. */
export interface GpuEfficiency {
  /** Factor on `StackEfficiency.gemm`. */
  gemm: number;
  /** Factor on `StackEfficiency.attention`. */
  attention: number;
  /** Factor on `StackEfficiency.memoryBandwidth`. */
  memoryBandwidth: number;
}

/**
 * The named constants of a software stack on an A100. Fractions are of the peak named in the machine; seconds and bytes are as they are.
 * All come from `catalog/efficiency/`, where a command of the repository put them.
 */
export interface StackEfficiency {
  stack: Stack;
  title: string;
  /** Attention in one kernel that never writes the score matrix (Dao et al., arXiv 2205.14135). */
  flashAttention: boolean;
  /** Dropout in the layers: masks are kept and written. */
  dropout: boolean;
  /** The fused softmax kernel needs heads of a microbatch on a GPU in multiples of this (Megatron-LM: its thread block takes four); 1 if it takes any. */
  fusedSoftmaxHeads: number;
  /** Sharpness of the maximum of host and GPU time, which overlap but for the ends of a layer. */
  hostOverlapNorm: number;

  /** Tensor-core rate of a large, well-shaped GEMM. */
  gemm: number;
  /** Tensor-core rate inside a flash attention kernel, forward. */
  attention: number;
  /** Rate of its backward kernel over its forward one. */
  attentionBackward: number;
  memoryBandwidth: number;
  /** Passes over memory of norms, dropout, activations and residuals, over those that fused kernels would need. */
  elementwiseTraffic: number;
  /** The same of mask, softmax and dropout over the score matrix. */
  softmaxTraffic: number;
  /** Between one kernel's end and the next one's begin. */
  kernelGapSeconds: number;

  /** The host, to launch one layer's forward pass. */
  hostLayerSeconds: number;
  /** And for a collective of it to begin on all GPUs of a group: for each GPU more, as the slowest host sets the pace. */
  hostCollectiveSeconds: number;
  /** What the host takes longer for a softmax that its fused kernel does not do: see `fusedSoftmaxHeads`. */
  hostUnfusedSoftmaxSeconds: number;
  /** A backward pass over a forward pass, to the host. */
  hostBackward: number;

  /** Bandwidth a collective sees, over NVLink's. */
  nvlink: number;
  /** Of a collective in a node, its begin and the wait for the last to come. */
  nvlinkLatencySeconds: number;
  network: number;
  networkLatencySeconds: number;
  /** Bandwidth of a tensor-parallel collective over NVLink, over `nvlink`: small messages, in the way of the next kernel. */
  tensorParallelNvlink: number;
  /** The same over several nodes, over `network`: all rails at once. */
  tensorParallelNetwork: number;
  /** Share of the tensor-parallel collectives hidden behind GEMMs. */
  tensorParallelOverlap: number;
  /** Share of point-to-point between stages hidden behind compute. */
  pipelineOverlap: number;
  /**
   * Sends and receives between stages that a microbatch waits for where ZeRO brings a pipeline engine of its own (DeepSpeed's hands on whole activations from
   * every GPU of a TP group and overlaps none); 0 where the pipeline is the same with ZeRO.
   */
  zeroPipelineSends: number;
  /** And what that engine takes for a microbatch besides. */
  zeroPipelineSeconds: number;
  /** Share of the last backward pass (ZeRO-3: of all compute) that can hide data-parallel collectives. */
  dataParallelOverlap: number;

  /** Per microbatch and pipeline stage: the schedule's own time. */
  microBatchSeconds: number;
  /** Per step: data, clipping, logging, synchronising. */
  stepSeconds: number;
  /** Memory traffic of the optimizer step over the least possible. */
  optimizerTraffic: number;

  /** Bytes a parameter: what is multiplied, its gradient, the optimizer's state with master weights, and what replicas exchange. */
  weightBytes: number;
  gradientBytes: number;
  optimizerBytes: number;
  gradientReduceBytes: number;
  /** Held by CUDA, NCCL and libraries. */
  reserveBytes: number;
  /** Memory asked of the device over memory in use. */
  fragmentation: number;
}

/** An 80 % prediction interval: `measured / predicted` lies between `low` and `high` for 80 % of the rows held out. */
export interface IntervalWidth {
  low: number;
  high: number;
}

/** What a prediction needs to know of software and silicon. */
export interface Efficiency {
  stack: StackEfficiency;
  gpu: GpuEfficiency;
  time: IntervalWidth;
  memory: IntervalWidth;
}

/** The constants that are numbers: what a fit may move. */
export type StackConstant = Exclude<keyof StackEfficiency, 'stack' | 'title' | 'flashAttention' | 'dropout'>;
