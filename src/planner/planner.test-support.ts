import { readFileSync } from 'node:fs';
import { parseGpuEfficiencyFile, parseStackFile } from '../formats/efficiency-file.ts';
import { definite } from '../lib/assert.ts';
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

/** The catalogue's constants of a stack on the GPUs of `dgxA100`, some changed. */
export function efficiency(stack: Stack, changes: Partial<StackEfficiency> = {}): Efficiency {
  const read = (name: string) =>
    readFileSync(new URL(`../../catalog/efficiency/${name}.yaml`, import.meta.url), 'utf8');
  const file = parseStackFile(read(stack), `${stack}.yaml`);
  const gpu = definite(parseGpuEfficiencyFile(read('gpus'), 'gpus.yaml').get('a100-80'), 'gpus.yaml has the A100');
  return { stack: { ...file.stack, ...changes }, gpu, time: file.time, memory: file.memory };
}
