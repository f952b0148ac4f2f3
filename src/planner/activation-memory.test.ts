import { describe, expect, it } from 'vitest';
import { layerActivations, microBatchesInFlight } from './activation-memory.ts';
import type { Parallelism } from './parallelism.ts';
import { efficiency, gpt } from './planner.test-support.ts';

const GIB = 2 ** 30;

function layout(changes: Partial<Parallelism>): Parallelism {
  return {
    tp: 1,
    pp: 1,
    dp: 1,
    cp: 1,
    ep: 1,
    microBatch: 1,
    interleave: 1,
    recompute: 'none',
    sequenceParallel: false,
    zero: 0,
    offload: false,
    ...changes,
  };
}

/** Korthikanti et al. 2022, table 3 and figure 1: GiB of activations on the first stage without recompute, and with selective recompute and SP. */
const FIGURE_1 = [
  { name: '22B', shape: [48, 6144, 64], tp: 8, pp: 1, interleave: 1, microBatch: 4, none: 59.3, selective: 9.6 },
  { name: '175B', shape: [96, 12288, 96], tp: 8, pp: 8, interleave: 3, microBatch: 1, none: 66.8, selective: 12.4 },
  { name: '530B', shape: [105, 20480, 128], tp: 8, pp: 35, interleave: 3, microBatch: 1, none: 114, selective: 23.1 },
  { name: '1T', shape: [128, 25600, 160], tp: 8, pp: 64, interleave: 1, microBatch: 1, none: 131.3, selective: 26.6 },
] as const;

describe('layerActivations', () => {
  it.each(FIGURE_1)('gives the published memory of $name', ({ shape, none, selective, ...parallelism }) => {
    const [layers, hidden, heads] = shape;
    const model = gpt('megatron', layers, hidden, heads);
    const bytes = (changes: Partial<Parallelism>) => {
      const { kept } = layerActivations(
        model,
        { sequenceLength: 2048, globalBatch: 512 },
        efficiency('megatron-2022').stack,
        layout({ ...parallelism, ...changes }),
      );
      const inFlight = microBatchesInFlight(0, 512, parallelism.pp, parallelism.interleave);
      return (kept * inFlight * layers) / parallelism.pp / GIB;
    };
    expect(bytes({ recompute: 'none' }) / none).toBeCloseTo(1, 2);
    expect(bytes({ recompute: 'selective', sequenceParallel: true }) / selective).toBeCloseTo(1, 1);
  });

  it('gives the published shares of 175B', () => {
    // Same paper, figure 7: per cent of the tensor-parallel baseline.
    const model = gpt('175b', 96, 12_288, 96);
    const kept = (changes: Partial<Parallelism>) =>
      layerActivations(
        model,
        { sequenceLength: 2048, globalBatch: 64 },
        efficiency('megatron-2022').stack,
        layout({ tp: 8, ...changes }),
      ).kept;
    const baseline = kept({ recompute: 'none' });
    expect((100 * kept({ recompute: 'none', sequenceParallel: true })) / baseline).toBeCloseTo(62, 0);
    expect((100 * kept({ recompute: 'selective' })) / baseline).toBeCloseTo(56.5, 0);
    expect((100 * kept({ recompute: 'selective', sequenceParallel: true })) / baseline).toBeCloseTo(18.5, 0);
    expect((100 * kept({ recompute: 'full' })) / baseline).toBeCloseTo(8.7, 0);
  });
});

describe('microBatchesInFlight', () => {
  it('falls from stage to stage', () => {
    expect([0, 1, 2, 3].map((stage) => microBatchesInFlight(stage, 16, 4, 1))).toEqual([4, 3, 2, 1]);
    expect(microBatchesInFlight(0, 2, 4, 1)).toBe(2);
  });

  it('is more on the first stage with interleaving: 1 + (p - 1) / (p m)', () => {
    expect(microBatchesInFlight(0, 64, 8, 3)).toBeCloseTo(8 * (1 + 7 / 24), 12);
  });
});
