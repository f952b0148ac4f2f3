import { describe, expect, it } from 'vitest';
import { defaultGlobalBatch, evenBatch, evenBatches } from './default-batch.ts';
import { gpt } from './planner.test-support.ts';

const gpt3 = gpt('gpt3-175b', 96, 12_288, 96);
const small = gpt('gpt3-125m', 12, 768, 12);

describe('defaultGlobalBatch', () => {
  it('is 4 Mi tokens for a large model and 0.5 Mi for a small one', () => {
    expect(defaultGlobalBatch(gpt3, 2048, 4096)).toBe(2048);
    expect(defaultGlobalBatch(gpt3, 8192, 4096)).toBe(512);
    expect(defaultGlobalBatch(small, 2048, 64)).toBe(256);
  });

  it('shares a large divisor with the GPUs', () => {
    expect(defaultGlobalBatch(gpt3, 2048, 6080)).toBe(2280);
    expect(defaultGlobalBatch(gpt3, 2048, 16_000)).toBe(2000);
    expect(defaultGlobalBatch(gpt3, 2048, 24)).toBe(2040);
  });

  it('splits into the replicas and microbatches that are fixed', () => {
    expect(defaultGlobalBatch(gpt3, 2048, 6080, { dp: 16 })).toBe(1824);
    expect(defaultGlobalBatch(gpt3, 2048, 1024, { dp: 16, microBatch: 3 }) % 48).toBe(0);
    expect(defaultGlobalBatch(gpt3, 8192, 4096, { dp: 4096 })).toBe(4096);
  });

  it('is one with which the run can be laid out, where there is one', () => {
    const isPossible = (batch: number) => batch % 304 === 0;
    expect(defaultGlobalBatch(small, 2048, 6080, { isPossible })).toBe(304);
    expect(defaultGlobalBatch(small, 2048, 6080, { isPossible: () => false })).toBe(
      defaultGlobalBatch(small, 2048, 6080),
    );
  });

  it('is one sequence at least', () => {
    expect(defaultGlobalBatch(small, 2 ** 20, 64)).toBe(1);
    expect(defaultGlobalBatch(small, 2 ** 20, 64, { sequencesLeast: 64 })).toBe(64);
  });
});

describe('evenBatch', () => {
  it.each([
    [5000, 16_000, 4800],
    [1536, 1024, 1536],
    [100, 7, 98],
    [3, 4096, 3],
    [0.2, 8, 1],
  ])('of %d sequences on %d GPUs is %d', (wanted, gpus, batch) => {
    expect(evenBatch(wanted, gpus)).toBe(batch);
  });
});

describe('evenBatches', () => {
  it('are near the one wanted, the most even first', () => {
    expect(evenBatches(2048, 6080).slice(0, 4)).toEqual([2280, 1824, 1900, 1920]);
    expect(evenBatches(0.2, 8)).toEqual([]);
  });
});
