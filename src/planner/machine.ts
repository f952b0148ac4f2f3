import type { Cluster, GpuType, Precision } from '../cluster/cluster.ts';

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

/** A GPU type of the catalogue at one precision, or the figure it lacks to plan with. */
export function plannedGpu(gpu: GpuType, precision: Precision): PlannedGpu | { lacks: string } {
  const peakFlops = gpu.peakFlops[precision];
  if (peakFlops === undefined) return { lacks: `peakTeraflops.${precision}` };
  if (gpu.memoryBytesPerSecond === null) return { lacks: 'memoryGigabytesPerSecond' };
  if (gpu.streamingMultiprocessors === null) return { lacks: 'streamingMultiprocessors' };
  return {
    name: gpu.name,
    // A maker's gigabyte of GPU memory has 2^30 bytes.
    memoryBytes: (gpu.memoryBytes / 1e9) * 2 ** 30,
    memoryBytesPerSecond: gpu.memoryBytesPerSecond,
    peakFlops,
    streamingMultiprocessors: gpu.streamingMultiprocessors,
    // Without NVLink, PCIe 4.0 x16.
    nvlinkBytesPerSecond: gpu.nvlinkBytesPerSecond ?? 32e9,
    powerWattsMax: gpu.powerWattsMax,
  };
}

/** `gpus` GPUs of a cluster's main kind of node. Fabric figures that its file leaves out are one 200 Gb/s link a GPU without a bottleneck. */
export function machineOfCluster(cluster: Cluster, gpu: PlannedGpu, gpus: number): Machine {
  const { nodeTypes, fabric } = cluster;
  const nodeType = nodeTypes.find(({ gpuType }) => gpuType === gpu.name);
  const gpusPerNode = typeof nodeType?.gpusPerNode === 'number' ? nodeType.gpusPerNode : 1;
  const memoryBytes = typeof nodeType?.memoryBytes === 'number' ? nodeType.memoryBytes : null;
  const linkBytesPerSecond = fabric?.linkBytesPerSecond ?? 25e9;
  return {
    gpu,
    gpus,
    gpusPerNode,
    networkBytesPerSecondPerGpu: (linkBytesPerSecond * (fabric?.linksPerNode ?? gpusPerNode)) / gpusPerNode,
    nodesPerLeaf: fabric?.leafNodes ?? Infinity,
    oversubscription: fabric?.oversubscription ?? 1,
    hostMemoryBytesPerGpu: memoryBytes === null ? null : memoryBytes / gpusPerNode,
  };
}
