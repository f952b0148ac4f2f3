import { describe, expect, it } from 'vitest';
import { defaultGlobalBatch, evenBatch } from './default-batch.ts';
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
    expect(defaultGlobalBatch(gpt3, 2048, 6080)).toBe(1900);
    expect(defaultGlobalBatch(gpt3, 2048, 16_000)).toBe(2000);
    expect(defaultGlobalBatch(gpt3, 2048, 24)).toBe(2040);
  });

  it('is one sequence at least', () => {
    expect(defaultGlobalBatch(small, 2 ** 20, 64)).toBe(1);
    expect(defaultGlobalBatch(small, 2 ** 20, 64, 64)).toBe(64);
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
