import type { Cluster, GpuType } from '../cluster/cluster.ts';
import { assert } from '../lib/assert.ts';

/** A measured HPL run of a system of one GPU type. */
export interface HplAnchor {
  name: string;
  gpuType: string;
  gpus: number;
  rmaxFlops: number;
  source: string;
}

/**
 * Rmax of one GPU as a share of its FP64 peak: `share * (memory / 80 GB) ^ exponent`. A larger memory holds a larger matrix, in which the work that grows
 * with the cube of its order hides more of what grows with the square. (Dell measured 14 and 16 % more on V100 GPUs of 32 GB than of 16 GB in its
 * "HPL performance of the V100-16GB and the V100-32GB".) The number of GPUs, GPUs a node and the year of the run told the anchors no better apart.
 */
export interface HplFit {
  share: number;
  exponent: number;
  /** Of a system's own Rmax over what the other anchors predict of it: the least and the largest. */
  low: number;
  high: number;
  heldOut: readonly HeldOut[];
  /** Types the anchors are of; for others the estimate is further off. */
  gpuTypes: readonly string[];
}

export interface HeldOut {
  name: string;
  measuredFlops: number;
  /** By a fit on all the other anchors. */
  predictedFlops: number;
  errorPercent: number;
}

export interface HplEstimate {
  rmaxFlops: number;
  /** As far as the anchors lie from what the others predict of them; of seven such systems about two lie outside. */
  lowFlops: number;
  highFlops: number;
  /** There is no anchor of the GPU type: the range is twice as wide, on a logarithmic scale. */
  isExtrapolated: boolean;
}

interface Sample {
  anchor: HplAnchor;
  /** Logarithms: of the memory over `REFERENCE_MEMORY_BYTES`, and of Rmax over peak. */
  memory: number;
  share: number;
  peakFlops: number;
}

const REFERENCE_MEMORY_BYTES = 80e9;

/** What HPL runs at: tensor cores where they take FP64. */
function hplPeakFlops({ peakFlops }: GpuType): number | undefined {
  return peakFlops.fp64Tensor ?? peakFlops.fp64;
}

/** Two constants by least squares of logarithms, and the error on each anchor held out. Every anchor's type must be among `gpuTypes`. */
export function fitHpl(anchors: readonly HplAnchor[], gpuTypes: ReadonlyMap<string, GpuType>): HplFit {
  const samples = anchors.map((anchor): Sample => {
    const gpu = gpuTypes.get(anchor.gpuType);
    const peak = gpu === undefined ? undefined : hplPeakFlops(gpu);
    assert(gpu !== undefined && peak !== undefined, `anchor ${anchor.name} is of a GPU type with an FP64 peak`);
    const peakFlops = peak * anchor.gpus;
    const memory = Math.log(gpu.memoryBytes / REFERENCE_MEMORY_BYTES);
    return { anchor, memory, share: Math.log(anchor.rmaxFlops / peakFlops), peakFlops };
  });
  const heldOut = samples.map((sample): HeldOut => {
    const others = regression(samples.filter((other) => other !== sample));
    const predictedFlops = sample.peakFlops * Math.exp(others.intercept + others.slope * sample.memory);
    const { name, rmaxFlops: measuredFlops } = sample.anchor;
    return { name, measuredFlops, predictedFlops, errorPercent: 100 * (predictedFlops / measuredFlops - 1) };
  });
  const ratios = heldOut.map(({ measuredFlops, predictedFlops }) => measuredFlops / predictedFlops);
  const { intercept, slope } = regression(samples);
  return {
    share: Math.exp(intercept),
    exponent: slope,
    low: Math.min(...ratios),
    high: Math.max(...ratios),
    heldOut,
    gpuTypes: [...new Set(anchors.map(({ gpuType }) => gpuType))],
  };
}

function regression(samples: readonly Sample[]): { intercept: number; slope: number } {
  const mean = (of: (sample: Sample) => number) =>
    samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length;
  const memory = mean((sample) => sample.memory);
  const share = mean((sample) => sample.share);
  const slope =
    mean((sample) => (sample.memory - memory) * (sample.share - share)) /
    mean((sample) => (sample.memory - memory) ** 2);
  return { intercept: share - slope * memory, slope };
}

/** Rmax of a cluster's GPUs; null where it has none, or none with a known FP64 peak. CPUs count for nothing where there are GPUs. */
export function estimateHpl(cluster: Cluster, gpuTypes: ReadonlyMap<string, GpuType>, fit: HplFit): HplEstimate | null {
  let rmaxFlops = 0;
  let isExtrapolated = false;
  for (const { count, gpusPerNode, gpuType } of cluster.nodeTypes) {
    const gpu = gpuTypes.get(gpuType ?? '');
    if (gpu === undefined || gpusPerNode === 'auto') continue;
    const peak = hplPeakFlops(gpu);
    if (peak === undefined) return null;
    const share = fit.share * (gpu.memoryBytes / REFERENCE_MEMORY_BYTES) ** fit.exponent;
    rmaxFlops += count * gpusPerNode * peak * share;
    isExtrapolated ||= !fit.gpuTypes.includes(gpu.name);
  }
  if (rmaxFlops === 0) return null;
  const widening = isExtrapolated ? 2 : 1;
  return {
    rmaxFlops,
    lowFlops: rmaxFlops * fit.low ** widening,
    highFlops: rmaxFlops * fit.high ** widening,
    isExtrapolated,
  };
}

export interface Top500Entry {
  /** Null where it is not cited. */
  rank: number | null;
  name: string;
  rmaxFlops: number;
  source: string;
}

/** Named entries of one list, the fastest first. */
export interface Top500List {
  name: string;
  entries: readonly Top500Entry[];
}

/** Where a range of Rmax lies among the named entries of a list. */
export interface Standing {
  list: string;
  /** The nearest that is faster than all of the range. */
  above: Top500Entry | null;
  /** Those within the range. */
  level: readonly Top500Entry[];
  /** The nearest that is slower than all of the range. */
  below: Top500Entry | null;
}

export function standingIn(list: Top500List, lowFlops: number, highFlops: number): Standing {
  return {
    list: list.name,
    above: list.entries.findLast(({ rmaxFlops }) => rmaxFlops > highFlops) ?? null,
    level: list.entries.filter(({ rmaxFlops }) => rmaxFlops >= lowFlops && rmaxFlops <= highFlops),
    below: list.entries.find(({ rmaxFlops }) => rmaxFlops < lowFlops) ?? null,
  };
}
