import { describe, expect, it } from 'vitest';
import { notValidated, type PlannedStep } from './coverage.ts';
import { measuredRun } from './measured-run.test-support.ts';
import { dgxA100, experts, gpt } from './planner.test-support.ts';

const base = measuredRun();
const run = measuredRun({
  gpus: 64,
  workload: { sequenceLength: 2048, globalBatch: 64 },
  layout: { ...base.layout, tp: 8, pp: 8, dp: 1, interleave: 3, recompute: 'selective', sequenceParallel: true },
  stack: 'megatron-2022',
});
const step: PlannedStep = {
  model: gpt('gpt', 16, 2048, 16),
  machine: dgxA100(64),
  workload: { sequenceLength: 2048, globalBatch: 128 },
  stack: 'megatron-2022',
  parallelism: { ...run.layout, microBatch: 1 },
};

describe('notValidated', () => {
  it('is empty within what was measured', () => {
    expect(notValidated(step, [run])).toEqual([]);
  });

  it.each<[string, Partial<PlannedStep>]>([
    ['mixture of experts', { model: gpt('moe', 16, 2048, 16, { moe: experts(8, 2, 2048) }) }],
    ['gated MLP', { model: gpt('llama', 16, 2048, 16, { isGated: true }) }],
    ['grouped-query attention', { model: gpt('gqa', 16, 2048, 16, { kvHeads: 8 }) }],
    ['more than 64 GPUs', { machine: dgxA100(128) }],
    ['nodes of 4 GPUs', { machine: dgxA100(64, { gpusPerNode: 4 }) }],
    ['sequences beyond 2048 tokens', { workload: { sequenceLength: 4096, globalBatch: 64 } }],
    ['recompute none', { parallelism: { ...step.parallelism, recompute: 'none' } }],
    ['tp across nodes', { parallelism: { ...step.parallelism, tp: 16 } }],
    ['pp 16', { parallelism: { ...step.parallelism, pp: 16 } }],
    ['ZeRO 1', { parallelism: { ...step.parallelism, zero: 1 } }],
    ['offload', { parallelism: { ...step.parallelism, offload: true } }],
    ['context parallelism', { parallelism: { ...step.parallelism, cp: 2 } }],
  ])('names %s', (what, changes) => {
    expect(notValidated({ ...step, ...changes }, [run])).toContain(what);
  });

  it('names a GPU that the stack was not measured on', () => {
    const h100 = dgxA100(64);
    expect(notValidated({ ...step, machine: { ...h100, gpu: { ...h100.gpu, name: 'h100-80' } } }, [run])).toEqual([
      'h100-80 with megatron-2022',
    ]);
  });
});
