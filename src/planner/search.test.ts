import { describe, expect, it } from 'vitest';
import type { Stack } from './efficiency.ts';
import { Estimator } from './estimator.ts';
import { createStepCost } from './step-cost.ts';
import { LayoutSpace } from './layout-space.ts';
import type { Machine } from './machine.ts';
import type { ModelShape } from './model.ts';
import type { Parallelism } from './parallelism.ts';
import { comparePoints, type Point } from './pareto.ts';
import { dgxA100, efficiency, experts, gpt } from './planner.test-support.ts';
import { type SearchRequest, search } from './search.ts';

const tiny = gpt('tiny', 12, 768, 12);
const gpt1b = gpt('gpt-1.3b', 24, 2048, 32);
const gpt3b = gpt('megatron-3.6b', 30, 3072, 32);
const gpt18b = gpt('megatron-18.4b', 40, 6144, 48);
const gpt76b = gpt('megatron-76.1b', 60, 10240, 80);
const gpt175b = gpt('gpt3-175b', 96, 12288, 96);
const mtNlg = gpt('mt-nlg-530b', 105, 20480, 128);
const bloom = gpt('bloom-176b', 70, 14336, 112, { vocab: 250_880 });
const llama = (name: string, layers: number, hidden: number, heads: number, kvHeads: number, ffn: number) =>
  gpt(name, layers, hidden, heads, {
    kvHeads,
    ffn,
    isGated: true,
    vocab: 128_256,
    hasTiedEmbeddings: false,
    sequenceLengthMax: 8192,
  });
const llama8b = llama('llama3-8b', 32, 4096, 32, 8, 14_336);
const llama70b = llama('llama3-70b', 80, 8192, 64, 8, 28_672);
const mixtral = gpt('mixtral-8x7b', 32, 4096, 32, {
  kvHeads: 8,
  isGated: true,
  vocab: 32_000,
  moe: experts(8, 2, 14_336),
});
const manyExperts = gpt('experts-64', 28, 2048, 16, { isGated: true, ffn: 10_944, moe: experts(64, 6, 1408, 1) });

const perlmutter = (gpus: number): Machine => {
  const { gpu, ...rest } = dgxA100(gpus);
  return {
    ...rest,
    gpu: { ...gpu, name: 'a100-40', memoryBytes: 40 * 2 ** 30, memoryBytesPerSecond: 1.555e12 },
    gpusPerNode: 4,
    nodesPerLeaf: 16,
  };
};
const narrow = (gpus: number) => dgxA100(gpus, { networkBytesPerSecondPerGpu: 3e9, oversubscription: 4 });
const unknownHost = (gpus: number) => dgxA100(gpus, { hostMemoryBytesPerGpu: null });

type Case = [
  model: ModelShape,
  machine: Machine,
  globalBatch: number,
  sequenceLength: number,
  stack: Stack,
  fixed?: Partial<Parallelism>,
];
const CASES: readonly Case[] = [
  [tiny, dgxA100(1), 64, 1024, 'megatron-2022'],
  [tiny, perlmutter(12), 48, 2048, 'megatron-2021'],
  [gpt1b, dgxA100(8), 128, 2048, 'megatron-2022'],
  [gpt1b, perlmutter(32), 512, 2048, 'megatron-deepspeed'],
  [gpt3b, dgxA100(64), 512, 2048, 'megatron-deepspeed'],
  [gpt3b, narrow(24), 96, 2048, 'megatron-2021'],
  [gpt18b, dgxA100(256), 1024, 2048, 'megatron-2022'],
  [gpt18b, perlmutter(64), 128, 2048, 'megatron-deepspeed'],
  [gpt18b, dgxA100(40), 120, 2048, 'megatron-2022'],
  [gpt76b, dgxA100(1024), 1792, 2048, 'megatron-2021'],
  [gpt76b, narrow(80), 240, 2048, 'megatron-2022'],
  [gpt175b, dgxA100(64), 64, 2048, 'megatron-2022'],
  [gpt175b, dgxA100(4096), 1536, 2048, 'megatron-2022'],
  [gpt175b, unknownHost(1024), 1536, 2048, 'megatron-2022'],
  [gpt175b, dgxA100(6080), 1520, 2048, 'megatron-2022'],
  [bloom, dgxA100(384), 2048, 2048, 'megatron-deepspeed'],
  [mtNlg, dgxA100(2240), 1920, 2048, 'megatron-2022'],
  [llama8b, dgxA100(32), 64, 8192, 'megatron-core'],
  [llama8b, dgxA100(64), 256, 4096, 'fsdp'],
  [llama8b, dgxA100(16), 4, 131_072, 'megatron-2022', { zero: 1, recompute: 'full' }],
  [llama70b, dgxA100(512), 512, 4096, 'megatron-2022'],
  [llama70b, dgxA100(128), 512, 2048, 'fsdp'],
  [mixtral, dgxA100(128), 256, 4096, 'megatron-core'],
  [manyExperts, perlmutter(64), 512, 4096, 'megatron-2022'],
  // One way to divide the GPUs.
  [gpt175b, dgxA100(1024), 1536, 2048, 'megatron-2022', { tp: 8, pp: 8 }],
  // Nothing fits.
  [gpt175b, dgxA100(8), 16, 2048, 'megatron-2022', { offload: false }],
  [gpt76b, perlmutter(16), 64, 2048, 'megatron-2022', { recompute: 'none', offload: false }],
  // Interleaving fixed: there is no plain schedule to bound from.
  [gpt175b, dgxA100(1024), 1536, 2048, 'megatron-2022', { interleave: 3 }],
  [gpt18b, dgxA100(256), 1024, 2048, 'megatron-2022', { zero: 3, offload: false }],
];

function requestOf([model, machine, globalBatch, sequenceLength, stack, fixed = {}]: Case): SearchRequest {
  return { model, machine, workload: { globalBatch, sequenceLength }, efficiency: efficiency(stack), fixed, best: 6 };
}

/** The same answer by evaluating every layout and comparing all with all. */
function bruteForce({ model, machine, workload, efficiency: constants, fixed = {}, best = 5 }: SearchRequest) {
  const estimator = new Estimator(model, machine, workload, constants);
  const space = new LayoutSpace(model, machine, workload, constants.stack.stack, fixed);
  const cost = createStepCost();
  const points: (Point & { fits: boolean })[] = [];
  for (const parallelism of space.layouts()) {
    estimator.evaluate(parallelism, cost);
    const fits =
      cost.memoryBytes <= machine.gpu.memoryBytes &&
      cost.hostMemoryBytes <= (machine.hostMemoryBytesPerGpu ?? Number.POSITIVE_INFINITY);
    points.push({ seconds: cost.iterationSeconds, bytes: cost.memoryBytes, parallelism, fits });
  }
  const fits = points.some((point) => point.fits);
  const possible = (fits ? points.filter((point) => point.fits) : points).toSorted(comparePoints);
  const ranked = fits ? possible : possible.toSorted((a, b) => a.bytes - b.bytes || comparePoints(a, b));
  const grids = new Set(points.map(({ parallelism: { tp, pp, dp } }) => `${tp} ${pp} ${dp}`));
  const ofKind = new Map<string, Parallelism>();
  for (const { parallelism } of ranked) {
    const { tp, pp, dp, microBatch, recompute, zero, offload } = parallelism;
    const kind = grids.size > 1 ? `${tp} ${pp} ${dp}` : `${microBatch} ${recompute} ${zero} ${String(offload)}`;
    if (!ofKind.has(kind)) ofKind.set(kind, parallelism);
  }
  let bytesLeast = Number.POSITIVE_INFINITY;
  const front: Parallelism[] = [];
  for (const { bytes, parallelism } of possible) {
    if (bytes >= bytesLeast) continue;
    bytesLeast = bytes;
    front.push(parallelism);
  }
  return { best: [...ofKind.values()].slice(0, best), front, fits, spaceSize: points.length };
}

describe('search', () => {
  const nameOf = ([model, machine, globalBatch, , stack, fixed]: Case) =>
    `${model.name}, ${machine.gpus} ${machine.gpu.name}, batch ${globalBatch}, ${stack} ${fixed === undefined ? '' : JSON.stringify(fixed)}`;

  it.each(CASES.map((one) => [nameOf(one), one] as const))('finds what brute force finds: %s', (_, one) => {
    const request = requestOf(one);
    const expected = bruteForce(request);
    const found = search(request);
    expect(found.spaceSize).toBe(expected.spaceSize);
    expect(found.spaceSize).toBeGreaterThan(0);
    expect(found.fits).toBe(expected.fits);
    expect(found.best.map(({ parallelism }) => parallelism)).toEqual(expected.best);
    expect(found.front.map(({ parallelism }) => parallelism)).toEqual(expected.front);
    for (const { cost } of found.best) {
      expect(cost.iterationSeconds).toBeGreaterThan(0);
      expect(cost.iterationSeconds).toBeLessThan(1e9);
    }
    const { state, memory, time } = found.pruned;
    expect(found.evaluated + state + memory + time).toBe(found.spaceSize);
  });
});
