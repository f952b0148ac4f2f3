import { describe, expect, it } from 'vitest';
import type { Parallelism } from './parallelism.ts';
import { dgxA100, efficiency, gpt } from './planner.test-support.ts';
import { type SearchRequest, search } from './search.ts';
import { gpusToFit, smallestChanges } from './smallest-change.ts';

const fixed: Parallelism = {
  tp: 8,
  pp: 8,
  dp: 1,
  cp: 1,
  ep: 1,
  microBatch: 4,
  interleave: 1,
  recompute: 'none',
  sequenceParallel: true,
  zero: 0,
  offload: false,
};
/** GPT-3 175B on 64 A100 of 80 GB, with all activations of microbatches of four sequences kept. */
const request: SearchRequest = {
  model: gpt('gpt3-175b', 96, 12_288, 96),
  machine: dgxA100(64),
  workload: { sequenceLength: 2048, globalBatch: 64 },
  efficiency: efficiency('megatron-2022'),
  fixed,
};

describe('smallestChanges', () => {
  it('names the single fields that make it fit, the fastest first, and changes no other', () => {
    expect(search(request).fits).toBe(false);
    const changes = smallestChanges(request);
    expect(changes.map(({ fields }) => fields)).toContainEqual(['recompute']);
    for (const { fields, parallelism, cost } of changes) {
      expect(fields).toHaveLength(1);
      expect(cost.memoryBytes).toBeLessThanOrEqual(request.machine.gpu.memoryBytes);
      const kept = Object.fromEntries(Object.entries(fixed).filter(([field]) => field !== fields[0] && field !== 'dp'));
      expect(parallelism).toMatchObject(kept);
    }
    const seconds = changes.map(({ cost }) => cost.iterationSeconds);
    expect(seconds).toEqual(seconds.toSorted((a, b) => a - b));
  });

  it('changes two fields only where one is not enough', () => {
    // Neither less to keep a layer nor more stages is enough alone for a model of 530 B on so few GPUs.
    const large: SearchRequest = {
      ...request,
      model: gpt('mt-nlg-530b', 105, 20_480, 128),
      machine: dgxA100(280),
      workload: { sequenceLength: 2048, globalBatch: 280 },
      fixed: { ...fixed, pp: 7, dp: 5, microBatch: 8 },
    };
    const changes = smallestChanges(large);
    expect(changes.length).toBeGreaterThan(0);
    for (const { fields } of changes) expect(fields).toHaveLength(2);
  });

  it('finds nothing where the model is too large for the GPUs', () => {
    const few = { ...request, machine: dgxA100(8), fixed: { ...fixed, pp: 1 } };
    expect(smallestChanges(few)).toEqual([]);
  });
});

describe('gpusToFit', () => {
  it('doubles the GPUs until the model fits', () => {
    const free: SearchRequest = { ...request, machine: dgxA100(8), fixed: { zero: 0, offload: false } };
    const gpus = gpusToFit(free, 1024) ?? 0;
    expect(gpus).toBeGreaterThan(8);
    expect(search({ ...free, machine: dgxA100(gpus) }).fits).toBe(true);
    expect(search({ ...free, machine: dgxA100(gpus / 2) }).fits).toBe(false);
    expect(gpusToFit(free, gpus / 2)).toBeNull();
  });
});
