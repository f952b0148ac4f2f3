/** Weights travel between GPUs in two bytes. */
export const GATHERED_WEIGHT_BYTES = 2;

/** Where the time of a step goes, in seconds on the slowest pipeline stage; the parts sum to `iterationSeconds`. */
export interface StepBreakdown {
  /** GEMMs and attention of the layers, forward and backward once. */
  compute: number;
  /** Norms, activations, dropout, residuals: bound by memory bandwidth. */
  memoryBound: number;
  /** Input embedding, logits and loss. */
  embedding: number;
  /** Work done a second time for activation recompute, its collectives included. */
  recompute: number;
  /** Waiting for the host to launch kernels. */
  host: number;
  tensorParallel: number;
  contextParallel: number;
  expertParallel: number;
  /** Point-to-point between stages. */
  pipeline: number;
  /** Idle while the pipeline fills and drains, or waits for a longer stage. */
  bubble: number;
  /** Gradients and weights between replicas, as far as not hidden behind compute. */
  dataParallel: number;
  optimizer: number;
  /** State moved to and from host memory, as far as not hidden. */
  offload: number;
}

/** Peak memory of one GPU of the fullest pipeline stage. */
export interface MemoryBreakdown {
  weights: number;
  gradients: number;
  optimizer: number;
  activations: number;
  /** Logits, gathered weights, one layer's working set, communication buffers. */
  temporary: number;
  /** CUDA context, libraries, fragmentation. */
  reserve: number;
}

/** One layout evaluated. */
export interface StepCost {
  iterationSeconds: number;
  seconds: StepBreakdown;
  memoryBytes: number;
  memory: MemoryBreakdown;
  /** The pipeline stage, from 0, that holds most. */
  fullestStage: number;
  /** Bytes in host memory a GPU, 0 without offload. */
  hostMemoryBytes: number;
}

/** Arithmetic of one step over all GPUs: what the model needs, and what is done with recompute. */
export interface StepFlops {
  model: number;
  hardware: number;
}

/** One to be written into. */
export function createStepCost(): StepCost {
  return {
    iterationSeconds: 0,
    seconds: {
      compute: 0,
      memoryBound: 0,
      embedding: 0,
      recompute: 0,
      host: 0,
      tensorParallel: 0,
      contextParallel: 0,
      expertParallel: 0,
      pipeline: 0,
      bubble: 0,
      dataParallel: 0,
      optimizer: 0,
      offload: 0,
    },
    memoryBytes: 0,
    memory: createMemoryBreakdown(),
    fullestStage: 0,
    hostMemoryBytes: 0,
  };
}

/** One to be written into. */
export function createMemoryBreakdown(): MemoryBreakdown {
  return { weights: 0, gradients: 0, optimizer: 0, activations: 0, temporary: 0, reserve: 0 };
}
