import { describe, expect, it } from 'vitest';
import { createStepCost, type MemoryBreakdown, type StepBreakdown, type StepCost } from './step-cost.ts';
import type { Parallelism } from './parallelism.ts';
import { whyBest, whyNotBest, whyUnfit } from './reasons.ts';

const GIB = 2 ** 30;
const layout: Parallelism = {
  tp: 8,
  pp: 8,
  dp: 16,
  cp: 1,
  ep: 1,
  microBatch: 1,
  interleave: 3,
  recompute: 'none',
  sequenceParallel: true,
  zero: 1,
  offload: false,
};

function cost(seconds: Partial<StepBreakdown>, memory: Partial<MemoryBreakdown> = { weights: 40 * GIB }): StepCost {
  const fresh = createStepCost();
  Object.assign(fresh.seconds, seconds);
  Object.assign(fresh.memory, memory);
  const sum = (parts: object) => Object.values(parts).reduce((total: number, part: number) => total + part, 0);
  return { ...fresh, iterationSeconds: sum(fresh.seconds), memoryBytes: sum(fresh.memory) };
}

const best = { parallelism: layout, cost: cost({ compute: 8, tensorParallel: 1.5, bubble: 0.5, optimizer: 0.001 }) };

describe('reasons', () => {
  it('name the parts that differ most, the largest first, and the memory', () => {
    const other = {
      parallelism: { ...layout, pp: 16, dp: 8 },
      cost: cost({ compute: 8, tensorParallel: 1.4, bubble: 1.6, optimizer: 0.002 }, { weights: 27.5 * GIB }),
    };
    expect(whyNotBest(other, best)).toBe(
      '10.0 % slower: pipeline bubble +1.10 s, tensor-parallel collectives -100 ms; 12.5 GiB less memory',
    );
    expect(whyBest(best, other)).toBe(
      '10.0 % faster than tp 8 x pp 16 x dp 8: pipeline bubble -1.10 s, tensor-parallel collectives +100 ms',
    );
  });

  it('name what tells apart layouts that divide the GPUs in the same way', () => {
    const other = {
      parallelism: { ...layout, microBatch: 2, recompute: 'full' as const, offload: true },
      cost: cost({ compute: 8, tensorParallel: 1.5, bubble: 0.502, optimizer: 0.001 }),
    };
    expect(whyBest(best, other)).toBe(
      'as fast as with microbatch 2, recompute full, offload on: no part differs by much',
    );
    expect(whyNotBest(other, best)).toBe('as fast: no part differs by much; the same memory');
    expect(whyBest(best, undefined)).toBe('the only choice; most of a step is GEMMs and attention');
  });

  it('say what takes the room where nothing fits', () => {
    const large = {
      parallelism: layout,
      cost: { ...cost({}, { optimizer: 60 * GIB, weights: 40 * GIB }), fullestStage: 7, hostMemoryBytes: 9 * GIB },
    };
    expect(whyUnfit(large, 80 * GIB)).toBe(
      'needs 100.0 GiB on stage 7, 20.0 GiB too much; most of it is optimizer state',
    );
    expect(whyUnfit(large, 100 * GIB)).toBe(
      'needs 100.0 GiB on stage 7 and 9.0 GiB of host memory a GPU, more than there is',
    );
  });
});
