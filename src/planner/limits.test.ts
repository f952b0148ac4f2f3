import { describe, expect, it } from 'vitest';
import { createStepCost } from './step-cost.ts';
import { whatLimits } from './limits.ts';

describe('whatLimits', () => {
  it('names the parts that matter, the largest first', () => {
    const seconds = { ...createStepCost().seconds, compute: 5, bubble: 4, tensorParallel: 0.9, pipeline: 0.1 };
    const limits = whatLimits(seconds, 10, 0.62);
    expect(limits).toHaveLength(3);
    expect(limits[0]).toBe('50 % of the step are GEMMs and attention, at 62 % of peak');
    expect(limits[1]).toMatch(/^40 % is the pipeline, /);
    expect(limits[2]).toMatch(/^9 % is the links between GPUs of a tensor-parallel group/);
  });

  it('says how much is compute even where that is little', () => {
    const seconds = { ...createStepCost().seconds, compute: 0.1, host: 9.9 };
    expect(whatLimits(seconds, 10, 0.1)).toEqual([
      expect.stringMatching(/^99 % is the host, /),
      '1 % of the step are GEMMs and attention, at 10 % of peak',
    ]);
  });
});
