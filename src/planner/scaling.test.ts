import { describe, expect, it } from 'vitest';
import { definite } from '../lib/assert.ts';
import { dgxA100, efficiency, gpt } from './planner.test-support.ts';
import { type ScalingRequest, scalingCurve } from './scaling.ts';
import { search } from './search.ts';
import { whyInvalid } from './validity.ts';

const model = gpt('gpt-22b', 48, 6144, 64);
const request: ScalingRequest = {
  model,
  machine: dgxA100(64),
  workload: { sequenceLength: 2048, globalBatch: 512 },
  efficiency: efficiency('megatron-2022'),
  fixed: { offload: false },
  tokens: 300e9,
};
const targets = [4, 8, 16, 32, 64, 100, 128, 1000];

describe('scalingCurve', () => {
  const { strong, weak } = scalingCurve(request, targets);

  it('leaves out what does not fit, and gives every other target a valid layout of whole nodes', () => {
    expect(strong.map(({ targetGpus }) => targetGpus)).toEqual([8, 16, 32, 64, 100, 128, 1000]);
    for (const { targetGpus, gpus, globalBatch, parallelism } of [...strong, ...weak]) {
      expect(gpus).toBeLessThanOrEqual(targetGpus);
      expect(gpus % 8).toBe(0);
      const workload = { ...request.workload, globalBatch };
      expect(whyInvalid(model, dgxA100(gpus), workload, parallelism)).toBeNull();
    }
  });

  it('is the plan of the search where the target can be laid out well', () => {
    for (const point of strong.filter(({ gpus }) => gpus === 64)) {
      const best = definite(search({ ...request, machine: dgxA100(point.gpus) }).best[0], 'it fits');
      expect(point.iterationSeconds).toBe(best.cost.iterationSeconds);
      expect(point.parallelism).toEqual(best.parallelism);
      expect(point.tokensPerSecond).toBeCloseTo((512 * 2048) / best.cost.iterationSeconds, 6);
    }
    expect(strong.some(({ gpus }) => gpus === 64)).toBe(true);
  });

  it('uses fewer GPUs where the target does not divide', () => {
    const hundred = definite(
      strong.find(({ targetGpus }) => targetGpus === 100),
      'a point',
    );
    expect(hundred.gpus).toBe(96);
  });

  it('keeps the batch in strong scaling and the sequences a GPU in weak scaling', () => {
    expect(new Set(strong.map(({ globalBatch }) => globalBatch))).toEqual(new Set([512]));
    for (const { gpus, globalBatch } of weak) {
      expect(Math.abs(globalBatch / (8 * gpus) - 1)).toBeLessThanOrEqual(1 / 8);
    }
    const [own] = weak.filter(({ targetGpus }) => targetGpus === 64);
    expect(own?.globalBatch).toBe(512);
  });

  it('measures efficiency against the smallest point, and weak scaling loses less', () => {
    expect(strong[0]?.efficiency).toBe(1);
    const [last, lastWeak] = [definite(strong.at(-1), 'a point'), definite(weak.at(-1), 'a point')];
    expect(last.efficiency).toBeLessThan(1);
    expect(lastWeak.tokensPerSecond).toBeGreaterThan(last.tokensPerSecond);
  });

  it('keeps fixed fields but dp', () => {
    const fixed = { tp: 8, pp: 2, dp: 4, microBatch: 1, zero: 1 } as const;
    const curve = scalingCurve({ ...request, fixed }, [64, 256]);
    for (const { parallelism, gpus } of [...curve.strong, ...curve.weak]) {
      expect(parallelism).toMatchObject({ tp: 8, pp: 2, microBatch: 1, zero: 1, dp: gpus / 16 });
    }
    expect(curve.strong.map(({ gpus }) => gpus)).toEqual([64, 256]);
  });

  it('goes below half of a target that the batch cannot feed', () => {
    const small = { ...request, workload: { sequenceLength: 2048, globalBatch: 2 } };
    const [point] = scalingCurve({ ...small, fixed: { tp: 8, pp: 4 } }, [1024]).strong;
    expect(point?.gpus).toBe(64);
  });
});
