import { allReduceSeconds, allToAllSeconds, type Links, placeGroup, sendSeconds } from './collective.ts';
import type { Efficiency } from './efficiency.ts';
import { type GemmRates, gemmSeconds } from './gemm.ts';
import { type AttentionWork, type LayerWork, layerWork } from './layer-work.ts';
import type { Machine, StepWorkload } from './machine.ts';
import type { ModelShape } from './model.ts';
import type { Parallelism } from './parallelism.ts';

/** Seconds of one layer over one microbatch, forward and backward; the parts sum to `total`. */
export interface LayerCost {
  compute: number;
  memoryBound: number;
  tensorParallel: number;
  contextParallel: number;
  expertParallel: number;
  recompute: number;
  /** What the host takes longer than the GPU. */
  host: number;
  total: number;
  /** The backward pass alone, recompute included. */
  backward: number;
}

/** Kernels besides GEMMs of a forward pass: two norms, two residuals, activation, transposes. */
const ELEMENTWISE_KERNELS = 8;

interface Pass {
  compute: number;
  memoryBound: number;
  tensorParallel: number;
  contextParallel: number;
  expertParallel: number;
}

export interface CostContext {
  model: ModelShape;
  machine: Machine;
  workload: StepWorkload;
  efficiency: Efficiency;
  links: Links;
  /** As `links`, with the network as tensor parallelism over several nodes finds it. */
  tensorParallelLinks: Links;
  gemmRates: GemmRates;
}

/** Rates of GEMMs on the machine's GPU with the stack's constants. */
export function gemmRatesOf(machine: Machine, { stack, gpu }: Efficiency): GemmRates {
  return {
    flops: machine.gpu.peakFlops * stack.gemm * gpu.gemm,
    memoryBytesPerSecond: machine.gpu.memoryBytesPerSecond * stack.memoryBandwidth * gpu.memoryBandwidth,
    streamingMultiprocessors: machine.gpu.streamingMultiprocessors,
    gapSeconds: stack.kernelGapSeconds,
  };
}

/** What one layer costs in time with this layout, whatever the pipeline and the replicas do. */
export function layerCost(context: CostContext, isSparse: boolean, parallelism: Parallelism): LayerCost {
  const { model, workload, efficiency } = context;
  const { stack } = efficiency;
  const { tp, cp, ep, microBatch, recompute } = parallelism;
  const work = layerWork(model, isSparse, {
    microBatch,
    localSequence: workload.sequenceLength / cp,
    sequenceLength: workload.sequenceLength,
    tp,
    ep,
    dropout: stack.dropout,
  });
  const core = attentionPasses(context, work.attention);
  const communication = communicationPass(context, work, parallelism);
  const elementwise = elementwiseSeconds(context, work, parallelism);
  const gap = stack.kernelGapSeconds;

  const forward: Pass = {
    compute: core.forward.compute,
    memoryBound: core.forward.memoryBound + elementwise + ELEMENTWISE_KERNELS * gap,
    ...communication,
  };
  const backward: Pass = {
    compute: core.backward.compute,
    memoryBound: core.backward.memoryBound + 2 * elementwise + 1.5 * ELEMENTWISE_KERNELS * gap,
    tensorParallel: communication.tensorParallel,
    // Keys and values go around again, with their gradients.
    contextParallel: 2 * communication.contextParallel,
    expertParallel: communication.expertParallel,
  };
  for (const { rows, columns, depth, batch } of work.gemms) {
    forward.compute += gemmSeconds(rows, columns, depth, batch, context.gemmRates);
    backward.compute +=
      gemmSeconds(rows, depth, columns, batch, context.gemmRates) +
      gemmSeconds(depth, columns, rows, batch, context.gemmRates);
  }

  const isFused = stack.flashAttention || work.attention.batch % stack.fusedSoftmaxHeads === 0;
  const hostForward =
    stack.hostLayerSeconds +
    2 * (tp - 1) * stack.hostCollectiveSeconds +
    (isFused ? 0 : stack.hostUnfusedSoftmaxSeconds);
  const overlapped = (gpuSeconds: number, hostSeconds: number) =>
    normedMaximum(gpuSeconds, hostSeconds, stack.hostOverlapNorm);
  const forwardSeconds = sumOf(forward);
  const backwardSeconds = sumOf(backward);
  const again =
    recompute === 'full'
      ? overlapped(forwardSeconds, hostForward)
      : recompute === 'selective' && !stack.flashAttention
        ? core.forward.compute + core.forward.memoryBound
        : 0;
  const forwardTotal = overlapped(forwardSeconds, hostForward);
  const backwardTotal = overlapped(backwardSeconds, hostForward * stack.hostBackward);
  return {
    compute: forward.compute + backward.compute,
    memoryBound: forward.memoryBound + backward.memoryBound,
    tensorParallel: forward.tensorParallel + backward.tensorParallel,
    contextParallel: forward.contextParallel + backward.contextParallel,
    expertParallel: forward.expertParallel + backward.expertParallel,
    recompute: again,
    host: forwardTotal - forwardSeconds + (backwardTotal - backwardSeconds),
    total: forwardTotal + backwardTotal + again,
    backward: backwardTotal + again,
  };
}

function sumOf(pass: Pass): number {
  return pass.compute + pass.memoryBound + pass.tensorParallel + pass.contextParallel + pass.expertParallel;
}

/** Their maximum, rounded off where they are near each other. */
function normedMaximum(first: number, second: number, norm: number): number {
  const larger = Math.max(first, second);
  if (larger === 0) return 0;
  return larger * (1 + (Math.min(first, second) / larger) ** norm) ** (1 / norm);
}

function attentionPasses(
  context: CostContext,
  work: AttentionWork,
): { forward: { compute: number; memoryBound: number }; backward: { compute: number; memoryBound: number } } {
  const { stack, gpu } = context.efficiency;
  const { gemmRates } = context;
  const { batch, queries, keys, headDim, valueDim } = work;
  if (stack.flashAttention) {
    // Causal: half of the score matrix. Backward does five products where forward does two (Dao et al., Algorithm 4).
    const flops = batch * queries * keys * (headDim + valueDim);
    const rate = context.machine.gpu.peakFlops * stack.attention * gpu.attention;
    const backwardFlops = batch * queries * keys * (3 * headDim + 2 * valueDim);
    return {
      forward: { compute: flops / rate + stack.kernelGapSeconds, memoryBound: 0 },
      backward: {
        compute: backwardFlops / (rate * stack.attentionBackward) + 2 * stack.kernelGapSeconds,
        memoryBound: 0,
      },
    };
  }
  const scores = gemmSeconds(queries, keys, headDim, batch, gemmRates);
  const weighted = gemmSeconds(queries, valueDim, keys, batch, gemmRates);
  const elements = batch * queries * keys;
  const bandwidth = gemmRates.memoryBytesPerSecond;
  // Mask and softmax read and write; dropout reads, writes and keeps a one-byte mask. Backward reads the output once more.
  const forwardBytes = elements * (stack.dropout ? 9 : 4) * stack.softmaxTraffic;
  const backwardBytes = elements * (stack.dropout ? 11 : 6) * stack.softmaxTraffic;
  return {
    forward: {
      compute: scores + weighted,
      memoryBound: forwardBytes / bandwidth + 2 * stack.kernelGapSeconds,
    },
    backward: {
      compute:
        gemmSeconds(queries, headDim, keys, batch, gemmRates) +
        gemmSeconds(keys, headDim, queries, batch, gemmRates) +
        gemmSeconds(queries, keys, valueDim, batch, gemmRates) +
        gemmSeconds(keys, valueDim, queries, batch, gemmRates),
      memoryBound: backwardBytes / bandwidth + 2 * stack.kernelGapSeconds,
    },
  };
}

function elementwiseSeconds(context: CostContext, work: LayerWork, parallelism: Parallelism): number {
  const { stack } = context.efficiency;
  const residualBytes = parallelism.sequenceParallel ? work.residualBytes / parallelism.tp : work.residualBytes;
  return ((residualBytes + work.innerBytes) * stack.elementwiseTraffic) / context.gemmRates.memoryBytesPerSecond;
}

function communicationPass(
  context: CostContext,
  work: LayerWork,
  { tp, cp, ep }: Parallelism,
): Pick<Pass, 'tensorParallel' | 'contextParallel' | 'expertParallel'> {
  const { machine, links, efficiency } = context;
  const { gpusPerNode } = machine;
  let tensorParallel = 0;
  if (tp > 1) {
    // With sequence parallelism the all-reduce is a reduce-scatter and an all-gather: as many bytes.
    const group = placeGroup(tp, 1, gpusPerNode);
    tensorParallel =
      2 *
      allReduceSeconds(2 * work.residualElements, group, context.tensorParallelLinks) *
      (1 - efficiency.stack.tensorParallelOverlap);
  }
  let contextParallel = 0;
  if (cp > 1) {
    // Ring attention: keys and values visit each of the others (Liu et al., arXiv 2310.01889).
    contextParallel = (cp - 1) * sendSeconds(work.keyValueBytes, tp, tp * cp, gpusPerNode, links);
  }
  let expertParallel = 0;
  if (work.dispatchBytes > 0) {
    expertParallel = 2 * allToAllSeconds(work.dispatchBytes, placeGroup(ep, tp, gpusPerNode), links);
  }
  return { tensorParallel, contextParallel, expertParallel };
}
