import type { NodeSpec, Resources } from './node.ts';

/** Arithmetic a GPU has a peak rate for; `fp64Tensor` is FP64 on tensor cores. */
export const PRECISIONS = ['fp64', 'fp64Tensor', 'fp32', 'tf32', 'bf16', 'fp16'] as const;
export type Precision = (typeof PRECISIONS)[number];

/** Where a figure comes from: citation by the figure's path in its file, `nodes.count` or `nodes` for all below it. */
export type Sources = Readonly<Record<string, string>>;

/** A model of GPU. Rates are dense (no sparsity). */
export interface GpuType {
  name: string;
  title: string;
  memoryBytes: number;
  memoryBytesPerSecond: number | null;
  peakFlops: Readonly<Partial<Record<Precision, number>>>;
  /** To its peers in the node, one direction. */
  nvlinkBytesPerSecond: number | null;
  /** Thread blocks of a GEMM run on them in waves. */
  streamingMultiprocessors: number | null;
  powerWattsMax: number | null;
  sources: Sources;
}

/** `auto`: what the machine at hand has, shared out. Null: not published. */
export interface NodeType {
  /** Nodes are named by it and counted from 1, unless they have `names`. */
  namePrefix: string;
  count: number;
  /** As many as there are nodes. */
  names?: readonly string[];
  /** The leaf switch of all of them, where leaves are not filled one after the other. */
  leaf?: string;
  /** Nodes of a lower weight are given out first. Absent: 1. */
  weight?: number;
  /** What jobs call the type of its GPUs. Absent: `gpuType`. */
  gresType?: string;
  cpus: number | 'auto' | null;
  memoryBytes: number | 'auto' | null;
  gpusPerNode: number | 'auto';
  gpuType: string | null;
  /** Peak of a node's CPUs in FP64. */
  cpuPeakFlops: number | null;
  localStorageBytes: number | null;
  powerWattsMax: number | null;
}

export interface Fabric {
  title: string;
  /** Nodes under one leaf switch or one group of leaf switches, which reach each other without crossing a spine. */
  leafNodes: number | null;
  linksPerNode: number | null;
  /** Of one link, one direction. */
  linkBytesPerSecond: number | null;
  /** Bandwidth out of a leaf asked for over bandwidth there is; 1 is none. */
  oversubscription: number | null;
}

export interface StorageTier {
  title: string;
  capacityBytes: number | null;
  bytesPerSecond: number | null;
}

/** A measured HPL run, as on the TOP500. */
export interface HplRun {
  list: string;
  rmaxFlops: number;
  rpeakFlops: number | null;
}

export interface Cluster {
  name: string;
  title: string;
  note: string | null;
  /** The main kind first. */
  nodeTypes: readonly NodeType[];
  fabric: Fabric | null;
  storage: readonly StorageTier[];
  powerWatts: number | null;
  /** Of nodes in jobs that any node's failure ends; null if not known. */
  failuresPerNodeDay: number | null;
  hpl: HplRun | null;
  sources: Sources;
}

export interface ClusterTotals {
  nodes: number;
  gpus: number;
  /** Null where a kind of node does not say. */
  cpus: number | null;
  memoryBytes: number | null;
  gpuMemoryBytes: number;
  /** Of all GPUs; precisions that every GPU of the cluster has. */
  gpuPeakFlops: Readonly<Partial<Record<Precision, number>>>;
  /** Of all CPUs in FP64; null where a kind of node does not say. */
  cpuPeakFlops: number | null;
}

/** Sums over the nodes; what a node leaves to `auto` counts as unknown (GPUs as none). */
export function totalsOf(cluster: Cluster, gpuTypes: ReadonlyMap<string, GpuType>): ClusterTotals {
  const sum = (of: (nodeType: NodeType) => number | 'auto' | null) => {
    let total: number | null = 0;
    for (const nodeType of cluster.nodeTypes) {
      const each = of(nodeType);
      total = total === null || each === null || each === 'auto' ? null : total + each * nodeType.count;
    }
    return total;
  };
  const groups = cluster.nodeTypes.flatMap(({ count, gpusPerNode, gpuType }) => {
    const gpu = gpuTypes.get(gpuType ?? '');
    return gpu === undefined || gpusPerNode === 'auto' ? [] : [{ gpu, count: count * gpusPerNode }];
  });
  const gpuPeakFlops: Partial<Record<Precision, number>> = {};
  for (const precision of PRECISIONS) {
    if (groups.length === 0 || groups.some(({ gpu }) => gpu.peakFlops[precision] === undefined)) continue;
    gpuPeakFlops[precision] = groups.reduce(
      (total, { gpu, count }) => total + (gpu.peakFlops[precision] ?? 0) * count,
      0,
    );
  }
  return {
    nodes: sum(() => 1) ?? 0,
    gpus: sum(({ gpusPerNode }) => (gpusPerNode === 'auto' ? 0 : gpusPerNode)) ?? 0,
    cpus: sum(({ cpus }) => cpus),
    memoryBytes: sum(({ memoryBytes }) => memoryBytes),
    gpuMemoryBytes: groups.reduce((total, { gpu, count }) => total + gpu.memoryBytes * count, 0),
    gpuPeakFlops,
    cpuPeakFlops: sum(({ cpuPeakFlops }) => cpuPeakFlops),
  };
}

/**
 * Bytes/s, one direction, between two halves of a two-level Clos: each of half the nodes sends over all its links, and a leaf passes on a share of it
 * given by its oversubscription, `floor(N/2) * links * link / oversubscription`. A cluster of one leaf has no spine to cross. Null where a figure is missing.
 */
export function bisectionBytesPerSecond({ nodeTypes, fabric }: Cluster): number | null {
  if (fabric === null || fabric.linksPerNode === null || fabric.linkBytesPerSecond === null) return null;
  const nodes = nodeTypes.reduce((sum, { count }) => sum + count, 0);
  const isOneLeaf = fabric.leafNodes !== null && nodes <= fabric.leafNodes;
  const oversubscription = isOneLeaf ? 1 : fabric.oversubscription;
  if (oversubscription === null) return null;
  return (Math.floor(nodes / 2) * fabric.linksPerNode * fabric.linkBytesPerSecond) / oversubscription;
}

/**
 * Every node of the cluster as the scheduler takes it, in order; leaves are filled one after the other and named `leaf1`, `leaf2`, ...
 * `auto` stands in for what the file leaves to the machine at hand or does not say.
 */
export function expandNodes(cluster: Cluster, auto: Resources): NodeSpec[] {
  const { leafNodes = null } = cluster.fabric ?? {};
  const specs: NodeSpec[] = [];
  for (const nodeType of cluster.nodeTypes) {
    const { namePrefix, count, names, cpus, memoryBytes, gpusPerNode } = nodeType;
    const digits = String(count).length;
    for (let number = 1; number <= count; number++) {
      specs.push({
        name: names?.[number - 1] ?? `${namePrefix}${String(number).padStart(digits, '0')}`,
        resources: {
          cpus: typeof cpus === 'number' ? cpus : auto.cpus,
          memoryBytes: typeof memoryBytes === 'number' ? memoryBytes : auto.memoryBytes,
          gpus: gpusPerNode === 'auto' ? auto.gpus : gpusPerNode,
        },
        gpuType: nodeType.gresType ?? nodeType.gpuType,
        leaf: nodeType.leaf ?? (leafNodes === null ? null : `leaf${Math.floor(specs.length / leafNodes) + 1}`),
        ...(nodeType.weight !== undefined && { weight: nodeType.weight }),
      });
    }
  }
  return specs;
}
