import type { Efficiency, Stack, StackEfficiency } from './efficiency.ts';
import type { Machine } from './machine.ts';
import type { MixtureOfExperts, ModelShape } from './model.ts';

/** A GPT with MLPs of four times its width, tied embeddings and learned positions, unless told otherwise. */
export function gpt(
  name: string,
  layers: number,
  hidden: number,
  heads: number,
  changes: Partial<ModelShape> = {},
): ModelShape {
  const ffn = changes.ffn ?? 4 * hidden;
  const kvHeads = changes.kvHeads ?? heads;
  const vocab = changes.vocab ?? 51_200;
  const sequenceLengthMax = changes.sequenceLengthMax ?? 2048;
  const moe = changes.moe ?? null;
  const isGated = changes.isGated ?? false;
  const headDim = hidden / heads;
  const attention = hidden * headDim * (2 * heads + 2 * kvHeads);
  const matrices = isGated ? 3 : 2;
  const denseLayer = attention + matrices * hidden * ffn + 13 * hidden;
  const experts = moe === null ? 0 : moe.experts * matrices * hidden * moe.expertFfn;
  const sparseLayer = moe === null ? 0 : attention + experts + matrices * hidden * moe.sharedFfn + hidden * moe.experts;
  const sparseLayers = moe === null ? 0 : layers - moe.denseLayers;
  const hasTiedEmbeddings = changes.hasTiedEmbeddings ?? true;
  const inputEmbedding = (vocab + sequenceLengthMax) * hidden;
  const outputHead = 2 * hidden + (hasTiedEmbeddings ? 0 : vocab * hidden);
  const total = inputEmbedding + outputHead + (layers - sparseLayers) * denseLayer + sparseLayers * sparseLayer;
  const idle = moe === null ? 0 : sparseLayers * experts * (1 - moe.expertsPerToken / moe.experts);
  return {
    name,
    layers,
    hidden,
    heads,
    kvHeads,
    headDim,
    ffn,
    isGated,
    vocab,
    sequenceLengthMax,
    hasTiedEmbeddings,
    moe,
    latentAttention: null,
    parameters: {
      total,
      active: total - idle,
      denseLayer,
      sparseLayer,
      sparseLayerExperts: experts,
      inputEmbedding,
      outputHead,
    },
    ...changes,
  };
}

export function experts(count: number, perToken: number, expertFfn: number, denseLayers = 0): MixtureOfExperts {
  return {
    experts: count,
    expertsPerToken: perToken,
    sharedExperts: 0,
    expertFfn,
    sharedFfn: 0,
    denseLayers,
    sparseEvery: 1,
  };
}

/** DGX A100 of 80 GB on 200 Gb/s a GPU, 20 nodes a leaf, unless told otherwise. */
export function dgxA100(gpus: number, changes: Partial<Machine> = {}): Machine {
  return {
    gpu: {
      name: 'a100-80',
      memoryBytes: 80 * 2 ** 30,
      memoryBytesPerSecond: 2.039e12,
      peakFlops: 312e12,
      streamingMultiprocessors: 108,
      nvlinkBytesPerSecond: 300e9,
      powerWattsMax: 400,
    },
    gpus,
    gpusPerNode: 8,
    networkBytesPerSecondPerGpu: 25e9,
    nodesPerLeaf: 20,
    oversubscription: 1,
    hostMemoryBytesPerGpu: 125e9,
    ...changes,
  };
}

/** Constants of the right size, not fitted ones. */
export function efficiency(stack: Stack, changes: Partial<StackEfficiency> = {}): Efficiency {
  const isNew = stack === 'fsdp';
  return {
    stack: {
      stack,
      title: stack,
      flashAttention: isNew,
      dropout: !isNew,
      fusedSoftmaxHeads: stack === 'megatron-deepspeed' ? 4 : 1,
      hostOverlapNorm: 6,
      gemm: 0.82,
      attention: 0.45,
      attentionBackward: 0.8,
      memoryBandwidth: 0.85,
      elementwiseTraffic: 1.5,
      softmaxTraffic: 1.2,
      kernelGapSeconds: 3e-6,
      hostLayerSeconds: 0.6e-3,
      hostCollectiveSeconds: 50e-6,
      hostUnfusedSoftmaxSeconds: 0.3e-3,
      hostBackward: 1.5,
      nvlink: 0.75,
      nvlinkLatencySeconds: 20e-6,
      network: 0.7,
      networkLatencySeconds: 30e-6,
      tensorParallelNvlink: 0.8,
      tensorParallelNetwork: 0.6,
      tensorParallelOverlap: 0.1,
      zeroPipelineSends: stack === 'megatron-deepspeed' ? 2 : 0,
      pipelineOverlap: 0.3,
      dataParallelOverlap: 0.5,
      microBatchSeconds: 1e-3,
      stepSeconds: 20e-3,
      optimizerTraffic: 1.3,
      weightBytes: 2,
      gradientBytes: 4,
      optimizerBytes: 12,
      gradientReduceBytes: 2,
      reserveBytes: 2e9,
      fragmentation: 1.05,
      ...changes,
    },
    gpu: { gemm: 1, attention: 1, memoryBandwidth: 1 },
    time: { low: 0.9, high: 1.1 },
    memory: { low: 0.95, high: 1.05 },
  };
}
