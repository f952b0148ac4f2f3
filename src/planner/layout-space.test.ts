import { describe, expect, it } from 'vitest';
import { STACKS, type Stack } from './efficiency.ts';
import { compareLayouts, FLASH_STACKS, LayoutSpace } from './layout-space.ts';
import type { Machine, StepWorkload } from './machine.ts';
import type { ModelShape } from './model.ts';
import { type Parallelism, RECOMPUTES } from './parallelism.ts';
import { dgxA100, efficiency, experts, gpt } from './planner.test-support.ts';
import { whyInvalid } from './validity.ts';

/** Every combination of small numbers, whatever the space does, that is valid and keeps to the documented choices. */
function* counted(
  model: ModelShape,
  machine: Machine,
  workload: StepWorkload,
  stack: Stack,
  fixed: Partial<Parallelism>,
): Generator<Parallelism> {
  const numbers = (most: number) => Array.from({ length: most }, (_, index) => index + 1);
  for (const tp of numbers(machine.gpus)) {
    for (const pp of numbers(machine.gpus)) {
      for (const cp of numbers(machine.gpus)) {
        const dp = machine.gpus / (tp * pp * cp);
        if (!Number.isInteger(dp)) continue;
        for (const ep of numbers(model.moe?.experts ?? 2)) {
          for (const microBatch of numbers(workload.globalBatch)) {
            for (const interleave of numbers(model.layers)) {
              for (const flags of combinations()) {
                const layout: Parallelism = { tp, pp, dp, cp, ep, microBatch, interleave, ...flags };
                if (isChosen(layout, machine, workload, stack, fixed) && isValid(layout)) yield layout;
              }
            }
          }
        }
      }
    }
  }
  function isValid(layout: Parallelism): boolean {
    return whyInvalid(model, machine, workload, layout) === null;
  }
}

function* combinations(): Generator<Pick<Parallelism, 'recompute' | 'sequenceParallel' | 'zero' | 'offload'>> {
  for (const recompute of RECOMPUTES) {
    for (const sequenceParallel of [false, true]) {
      for (const zero of [0, 1, 2, 3] as const) {
        for (const offload of [false, true]) yield { recompute, sequenceParallel, zero, offload };
      }
    }
  }
}

function isChosen(
  layout: Parallelism,
  machine: Machine,
  workload: StepWorkload,
  stack: Stack,
  fixed: Partial<Parallelism>,
): boolean {
  const { tp, pp, cp, recompute, zero, offload } = layout;
  const isFree = (field: keyof Parallelism) => fixed[field] === undefined;
  if (compareLayouts(layout, { ...layout, ...fixed }) !== 0) return false;
  if (isFree('cp') && cp > 1 && (workload.sequenceLength < 8192 || !Number.isInteger(Math.log2(cp)))) return false;
  if (isFree('offload') && offload && machine.hostMemoryBytesPerGpu === null) return false;
  const isFlash = stack === 'fsdp' || stack === 'megatron-core';
  if (isFlash && isFree('recompute') && recompute === 'selective') return false;
  if (stack === 'fsdp') {
    if ((isFree('tp') && tp > 1) || (isFree('pp') && pp > 1) || (isFree('cp') && cp > 1)) return false;
    return !isFree('zero') || zero >= 2;
  }
  return !isFree('zero') || zero < 2 || (tp === 1 && pp === 1);
}

const small = gpt('small', 6, 96, 12);
const sparse = gpt('sparse', 4, 64, 4, { kvHeads: 2, moe: experts(4, 2, 128) });
const short = { sequenceLength: 2048, globalBatch: 24 };
const long = { sequenceLength: 8192, globalBatch: 8 };

const CASES: readonly [string, ModelShape, number, StepWorkload, Stack, Partial<Parallelism>, Partial<Machine>?][] = [
  ['a dense model on 12 GPUs', small, 12, short, 'megatron-2022', {}],
  ['a dense model on a prime number of GPUs', small, 3, short, 'megatron-2022', {}],
  ['a long sequence', small, 12, long, 'megatron-2022', {}],
  ['experts and a long sequence', sparse, 16, long, 'megatron-2022', {}],
  ['unknown host memory', small, 8, short, 'megatron-2021', {}, { hostMemoryBytesPerGpu: null }],
  ['FlashAttention', small, 12, short, 'megatron-core', {}],
  ['FlashAttention with selective recompute fixed', small, 12, short, 'megatron-core', { recompute: 'selective' }],
  ['FSDP', small, 12, short, 'fsdp', {}],
  ['FSDP with tensor parallelism fixed', small, 12, short, 'fsdp', { tp: 2 }],
  ['ZeRO 3 fixed', small, 8, short, 'megatron-deepspeed', { zero: 3 }],
  ['context parallelism fixed', small, 12, short, 'megatron-2022', { cp: 4, offload: false }],
  [
    'layout fixed but for microbatch and recompute',
    small,
    12,
    short,
    'megatron-2022',
    { tp: 2, pp: 3, dp: 2, zero: 1 },
  ],
  ['interleaving fixed', small, 12, short, 'megatron-2022', { interleave: 3 }],
  ['sequence parallelism fixed', small, 12, short, 'megatron-2022', { sequenceParallel: true }],
];

describe('LayoutSpace', () => {
  it.each(CASES)('holds exactly the documented layouts: %s', (_, model, gpus, workload, stack, fixed, changes = {}) => {
    const machine = dgxA100(gpus, changes);
    const space = new LayoutSpace(model, machine, workload, stack, fixed);
    const layouts = [...space.layouts()];
    expect(layouts).toHaveLength(space.size);
    const expected = [...counted(model, machine, workload, stack, fixed)].toSorted(compareLayouts);
    expect(expected.length).toBeGreaterThan(0);
    expect(layouts).toEqual(expected);
  });

  it('is empty where the fixed fields rule each other out', () => {
    const space = (fixed: Partial<Parallelism>) =>
      new LayoutSpace(small, dgxA100(12), short, 'megatron-2022', fixed).size;
    expect(space({ tp: 5 })).toBe(0);
    expect(space({ zero: 0, offload: true })).toBe(0);
    expect(space({ tp: 2, pp: 2, dp: 2, cp: 1 })).toBe(0);
  });

  it('knows which stacks have FlashAttention', () => {
    expect(STACKS.filter((stack) => FLASH_STACKS.has(stack))).toEqual(
      STACKS.filter((stack) => efficiency(stack).stack.flashAttention),
    );
  });

  it('is ordered without ties', () => {
    const layouts = [...new LayoutSpace(sparse, dgxA100(16), long, 'megatron-2022').layouts()];
    expect(layouts.slice(1).every((layout, index) => compareLayouts(layouts[index] ?? layout, layout) < 0)).toBe(true);
  });
});
