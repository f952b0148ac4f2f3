import { describe, expect, it } from 'vitest';
import type { Parallelism } from './parallelism.ts';
import { dgxA100, experts, gpt } from './planner.test-support.ts';
import { whyInvalid } from './validity.ts';

const model = gpt('gpt3-175b', 96, 12288, 96);
const machine = dgxA100(1024);
const workload = { sequenceLength: 2048, globalBatch: 1536 };
const layout: Parallelism = {
  tp: 8,
  pp: 8,
  dp: 16,
  cp: 1,
  ep: 1,
  microBatch: 1,
  interleave: 3,
  recompute: 'selective',
  sequenceParallel: true,
  zero: 1,
  offload: false,
};
const why = (changes: Partial<Parallelism>) => whyInvalid(model, machine, workload, { ...layout, ...changes });
const whyOf = (some: Partial<Parallelism>) => whyInvalid(model, machine, workload, some);

describe('whyInvalid', () => {
  it('has nothing against the layout of a published run', () => {
    expect(why({})).toBeNull();
    expect(whyOf({})).toBeNull();
  });

  it('names the field, the value and what would be valid', () => {
    expect(why({ tp: 7 })).toBe(
      'tp: 7 does not split gpt3-175b evenly (96 attention heads, MLP width 49152); valid: 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 96',
    );
    expect(why({ pp: 128, dp: 1 })).toBe('pp: 128 stages are more than the 96 layers of gpt3-175b; valid: 1 to 96');
    expect(why({ dp: 15 })).toBe('tp x pp x dp x cp: must be the 1024 GPUs, got 8 x 8 x 15 x 1 = 960');
    expect(why({ microBatch: 5 })).toBe(
      'microBatch: 5 does not divide the 96 sequences of a replica; valid: 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 96',
    );
    expect(why({ interleave: 5 })).toBe(
      'interleave: pp 8 x 5 does not divide the 96 layers of gpt3-175b; valid: 1, 2, 3, 4, 6, 12',
    );
    expect(why({ microBatch: 32 })).toBe(
      'interleave: 3 needs a number of microbatches that pp 8 divides, got 3; valid: 1',
    );
    expect(why({ pp: 1, dp: 128 })).toBe('interleave: 3 needs pp of at least 2; valid: 1');
    expect(why({ ep: 2 })).toBe('ep: gpt3-175b has no experts; valid: 1');
    expect(why({ tp: 1, dp: 128 })).toBe('sequenceParallel: needs tp of at least 2; with tp 1 it must be off');
    expect(why({ zero: 0, offload: true })).toBe('offload: needs zero of at least 1; with zero 0 it must be off');
    for (const field of ['tp', 'pp', 'dp', 'cp', 'ep', 'microBatch', 'interleave'] as const) {
      for (const value of [0, -1, 1.5, Number.NaN, Infinity]) {
        expect(why({ [field]: value })).toBe(`${field}: expected a whole number of at least 1, got ${value}`);
      }
    }
  });

  it('says of a part of a layout what it rules out on its own', () => {
    expect(whyOf({ pp: 3 })).toBe(
      'pp: must divide the 1024 GPUs, got 3; valid for pp: 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024',
    );
    expect(whyOf({ tp: 8, pp: 6 })).toContain('tp x pp: must divide the 1024 GPUs, got 8 x 6 = 48');
    expect(whyOf({ microBatch: 7 })).toContain('microBatch: 7 does not divide the 1536 sequences of the global batch');
    expect(whyOf({ dp: 1024 })).toContain('dp: 1024 does not divide the global batch of 1536 sequences');
    expect(whyOf({ interleave: 5 })).toContain('interleave: pp 1 x 5 does not divide the 96 layers');
    expect(whyOf({ sequenceParallel: true, offload: true, interleave: 4 })).toBeNull();
  });

  it('allows stages that differ by a layer, and replicated key and value heads', () => {
    const bloom = gpt('bloom', 70, 14336, 112);
    const plain: Parallelism = { ...layout, pp: 16, dp: 8, interleave: 1 };
    expect(whyInvalid(bloom, machine, workload, plain)).toBeNull();
    expect(whyInvalid(bloom, machine, workload, { ...plain, interleave: 2 })).toContain('interleave: pp 16 x 2');
    const grouped = gpt('grouped', 96, 12288, 96, { kvHeads: 4 });
    expect(whyInvalid(grouped, machine, workload, layout)).toBeNull();
    expect(whyInvalid(grouped, machine, workload, { tp: 6 })).toContain('4 key-value heads');
  });

  it('splits sequences and experts evenly only', () => {
    const sparse = gpt('sparse', 32, 4096, 32, { moe: experts(8, 2, 14336) });
    const split: Parallelism = { ...layout, tp: 2, pp: 4, dp: 32, cp: 4, ep: 8, interleave: 1, sequenceParallel: true };
    const whySparse = (changes: Partial<Parallelism>, sequenceLength = 2048) =>
      whyInvalid(sparse, machine, { sequenceLength, globalBatch: 1536 }, { ...split, ...changes });
    expect(whySparse({})).toBeNull();
    expect(whySparse({ ep: 16 })).toBe('ep: 16 does not divide the 8 experts; valid: 1, 2, 4, 8');
    expect(whySparse({ tp: 8, pp: 32, dp: 4, cp: 1, ep: 8 })).toBe('ep: 8 does not divide dp x cp = 4; valid: 1, 2, 4');
    expect(whySparse({}, 2052)).toBe('cp: the sequence of 2052 tokens must be a multiple of 2 x cp, got cp 4');
    expect(whySparse({ tp: 4, pp: 2 }, 2056)).toBe(
      'sequenceParallel: 514 tokens of a sequence on a GPU must be a multiple of tp 4; else it must be off',
    );
  });
});
