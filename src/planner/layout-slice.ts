import { layerActivations, logitsBytes } from './activation-memory.ts';
import { allReduceSeconds, placeGroup } from './collective.ts';
import { sparseLayerCount } from './flops.ts';
import { gemmSeconds } from './gemm.ts';
import { type CostContext, type LayerCost, layerCost } from './layer-cost.ts';
import type { Parallelism } from './parallelism.ts';

/** Bytes read and written a logit by the loss, forward and backward. */
const LOSS_BYTES_PER_LOGIT = 40;

/** Of a layout what depends on tp, cp, ep, microbatch, recompute and sequence parallelism only: many layouts share it. Seconds are of one microbatch. */
export interface LayoutSlice {
  layer: LayerCost;
  keptBytes: number;
  workingBytes: number;
  /** On the first and on the last stage, per microbatch. */
  inputSeconds: number;
  headSeconds: number;
  /** Handed from stage to stage, bytes. */
  boundaryBytes: number;
  logitsBytes: number;
  /** Of one layer and GPU: all but routed experts, and routed experts. */
  layerParameters: number;
  expertParameters: number;
  inputParameters: number;
  headParameters: number;
}

/** Costs that are the same whatever pp, dp, interleaving, ZeRO and offload are. */
export function layoutSlice(context: CostContext, parallelism: Parallelism): LayoutSlice {
  const { model, machine, workload, efficiency, gemmRates, tensorParallelLinks } = context;
  const { stack } = efficiency;
  const { tp, cp, ep, microBatch } = parallelism;
  const { parameters, hidden } = model;
  const tokens = (microBatch * workload.sequenceLength) / cp;

  const sparseLayers = sparseLayerCount(model);
  const dense = layerCost(context, false, parallelism);
  const layer =
    sparseLayers === 0 ? dense : mixed(dense, layerCost(context, true, parallelism), sparseLayers / model.layers);
  const sparseShare = sparseLayers / model.layers;
  const activations = layerActivations(model, workload, stack, parallelism);

  // Megatron pads the vocabulary so that each GPU's part is a multiple of 128.
  const vocabPerGpu = model.vocab === 0 ? 0 : Math.ceil(model.vocab / (128 * tp)) * 128;
  const group = placeGroup(tp, 1, machine.gpusPerNode);
  const residualBytes = 2 * tokens * hidden;
  const reduce = tp > 1 ? allReduceSeconds(residualBytes, group, tensorParallelLinks) : 0;
  const bandwidth = gemmRates.memoryBytesPerSecond;
  const head =
    vocabPerGpu === 0
      ? 0
      : gemmSeconds(tokens, vocabPerGpu, hidden, 1, gemmRates) +
        gemmSeconds(tokens, hidden, vocabPerGpu, 1, gemmRates) +
        gemmSeconds(hidden, vocabPerGpu, tokens, 1, gemmRates) +
        (LOSS_BYTES_PER_LOGIT * tokens * vocabPerGpu) / bandwidth +
        reduce;
  return {
    layer,
    keptBytes: activations.kept,
    workingBytes: activations.working,
    // Rows looked up, dropped out and written; their gradients added up.
    inputSeconds: (8 * residualBytes) / bandwidth + reduce,
    headSeconds: head,
    boundaryBytes: residualBytes,
    logitsBytes: logitsBytes(vocabPerGpu, workload, parallelism),
    layerParameters:
      ((1 - sparseShare) * parameters.denseLayer +
        sparseShare * (parameters.sparseLayer - parameters.sparseLayerExperts)) /
      tp,
    expertParameters: (sparseShare * parameters.sparseLayerExperts) / (tp * ep),
    inputParameters: parameters.inputEmbedding / tp,
    headParameters: (parameters.outputHead + (model.hasTiedEmbeddings ? model.vocab * hidden : 0)) / tp,
  };
}

function mixed(dense: LayerCost, sparse: LayerCost, sparseShare: number): LayerCost {
  const mix = (part: keyof LayerCost) => dense[part] * (1 - sparseShare) + sparse[part] * sparseShare;
  return {
    compute: mix('compute'),
    memoryBound: mix('memoryBound'),
    tensorParallel: mix('tensorParallel'),
    contextParallel: mix('contextParallel'),
    expertParallel: mix('expertParallel'),
    recompute: mix('recompute'),
    host: mix('host'),
    total: mix('total'),
    backward: mix('backward'),
  };
}
