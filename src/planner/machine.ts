/** One GPU as the cost model sees it. Rates are peaks, dense. */
export interface PlannedGpu {
  /** `a100-80`, ... */
  name: string;
  memoryBytes: number;
  memoryBytesPerSecond: number;
  /** At the precision the GEMMs run in. */
  peakFlops: number;
  streamingMultiprocessors: number;
  /** To its peers in the node, one direction. */
  nvlinkBytesPerSecond: number;
  powerWattsMax: number | null;
}

/** The GPUs a run gets and what joins them: a two-level Clos of leaf and spine switches over nodes. */
export interface Machine {
  gpu: PlannedGpu;
  gpus: number;
  gpusPerNode: number;
  /** Of one GPU's share of its node's links, one direction. */
  networkBytesPerSecondPerGpu: number;
  /** Nodes that reach each other without crossing a spine; Infinity where it is not known. */
  nodesPerLeaf: number;
  /** Bandwidth out of a leaf asked for over bandwidth there is; 1 is none. */
  oversubscription: number;
  /** Host memory and PCIe, for offload. */
  hostMemoryBytesPerGpu: number | null;
}

/** What is trained in one step, whatever the layout. */
export interface StepWorkload {
  sequenceLength: number;
  /** Sequences in a step. */
  globalBatch: number;
}
