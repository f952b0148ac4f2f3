import { describe, expect, it } from 'vitest';
import { interleavedSecondsLeast, stateBytesLeast } from './bounds.ts';
import type { Stack } from './efficiency.ts';
import { Estimator } from './estimator.ts';
import { LayoutSpace } from './layout-space.ts';
import type { ModelShape } from './model.ts';
import type { Parallelism } from './parallelism.ts';
import { dgxA100, efficiency, experts, gpt } from './planner.test-support.ts';
import type { StepCost } from './step-cost.ts';

const dense = gpt('dense', 30, 3072, 32);
const uneven = gpt('uneven', 35, 4096, 32, { vocab: 250_880, hasTiedEmbeddings: false });
const sparse = gpt('sparse', 28, 2048, 16, { isGated: true, ffn: 10_944, moe: experts(64, 6, 1408, 1) });

const CASES: readonly [ModelShape, number, number, Stack][] = [
  [dense, 64, 2048, 'megatron-2022'],
  [dense, 24, 2048, 'megatron-deepspeed'],
  [uneven, 40, 2048, 'megatron-2021'],
  [uneven, 16, 8192, 'megatron-2022'],
  [sparse, 32, 8192, 'megatron-2022'],
  [sparse, 64, 2048, 'fsdp'],
];

/** A layout without `fields`, as a key. */
function without(layout: Parallelism, ...fields: (keyof Parallelism)[]): string {
  return JSON.stringify(layout, (key, value: unknown) => (fields.some((field) => field === key) ? undefined : value));
}

describe.each(CASES)('in the whole space of $0.name on $1 GPUs', (model, gpus, sequenceLength, stack) => {
  const machine = dgxA100(gpus);
  const workload = { sequenceLength, globalBatch: 6 * gpus };
  const constants = efficiency(stack);
  const estimator = new Estimator(model, machine, workload, constants);
  const layouts = [...new LayoutSpace(model, machine, workload, stack).layouts()];
  const costs = layouts.map((layout) => estimator.evaluate(layout));
  const plain = new Map<string, StepCost>();
  for (const [index, layout] of layouts.entries()) {
    const cost = costs[index];
    if (layout.interleave === 1 && cost !== undefined) plain.set(without(layout, 'interleave'), cost);
  }

  it('holds no less than the bound on state', () => {
    const below = layouts.filter((layout, index) => {
      const memory = costs[index]?.memory;
      const state = memory === undefined ? 0 : memory.weights + memory.gradients + memory.optimizer;
      return state < stateBytesLeast(model, constants.stack, layout, layout);
    });
    expect(below).toEqual([]);
  });

  it('takes no more memory with a smaller microbatch or without interleaving', () => {
    const bytesOfSmaller = new Map<string, number>();
    const above = layouts.filter((layout, index) => {
      const bytes = (costs[index]?.memoryBytes ?? 0) * (1 + 1e-9);
      const plainBytes = plain.get(without(layout, 'interleave'))?.memoryBytes ?? Number.POSITIVE_INFINITY;
      if (layout.interleave > 1) return bytes < plainBytes;
      const key = without(layout, 'interleave', 'microBatch');
      const smaller = bytesOfSmaller.get(key) ?? 0;
      bytesOfSmaller.set(key, bytes);
      return bytes < smaller / (1 + 1e-9);
    });
    expect(above).toEqual([]);
  });

  it('is no faster with interleaving than its bubble allows', () => {
    const faster = layouts.filter((layout, index) => {
      const one = plain.get(without(layout, 'interleave'));
      if (one === undefined) return true;
      return (costs[index]?.iterationSeconds ?? 0) < interleavedSecondsLeast(one, layout.interleave);
    });
    expect(faster).toEqual([]);
  });
});
