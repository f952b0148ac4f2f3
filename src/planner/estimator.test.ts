import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Estimator } from './estimator.ts';
import { createStepCost, type StepCost } from './step-cost.ts';
import { stepFlops } from './flops.ts';
import type { Parallelism } from './parallelism.ts';
import { dgxA100, efficiency, gpt } from './planner.test-support.ts';
import { whyInvalid } from './validity.ts';

const model = gpt('gpt', 24, 4096, 32);
const workload = { sequenceLength: 2048, globalBatch: 256 };
const machine = dgxA100(64);

const layouts: fc.Arbitrary<Parallelism> = fc
  .record({
    tp: fc.constantFrom(1, 2, 4, 8, 16),
    pp: fc.constantFrom(1, 2, 4, 5, 8),
    microBatch: fc.constantFrom(1, 2, 4),
    interleave: fc.constantFrom(1, 2, 3),
    recompute: fc.constantFrom('none' as const, 'selective' as const, 'full' as const),
    sequenceParallel: fc.boolean(),
    zero: fc.constantFrom(0 as const, 1 as const),
  })
  .map((chosen) => ({
    ...chosen,
    dp: Math.max(1, Math.floor(64 / (chosen.tp * chosen.pp))),
    cp: 1,
    ep: 1,
    offload: false,
  }))
  .filter((layout) => {
    const exact = dgxA100(layout.tp * layout.pp * layout.dp);
    return (
      (workload.globalBatch / layout.dp / layout.microBatch) % 1 === 0 &&
      whyInvalid(model, exact, workload, layout) === null
    );
  });

function evaluate(layout: Parallelism, changes: Parameters<typeof dgxA100>[1] = {}): StepCost {
  const exact = dgxA100(layout.tp * layout.pp * layout.dp, changes);
  return new Estimator(model, exact, workload, efficiency('megatron-2022')).evaluate(layout);
}

describe('Estimator', () => {
  it('splits a step into parts that sum to it, none negative', () => {
    fc.assert(
      fc.property(layouts, (layout) => {
        const { iterationSeconds, seconds } = evaluate(layout);
        const parts = Object.values(seconds);
        expect(Math.min(...parts)).toBeGreaterThanOrEqual(-1e-12);
        expect(parts.reduce((sum, part) => sum + part, 0) / iterationSeconds).toBeCloseTo(1, 9);
      }),
    );
  });

  it('gives the same for a layout whatever was evaluated before it', () => {
    const long = { sequenceLength: 16_384, globalBatch: 64 };
    const rest = { pp: 1, ep: 1, dp: 2, microBatch: 1, recompute: 'full', sequenceParallel: false } as const;
    const first: Parallelism = { ...rest, tp: 1, cp: 2048, interleave: 1, zero: 1, offload: false };
    const second: Parallelism = { ...first, tp: 2, cp: 1024 };
    const fresh = () => new Estimator(model, dgxA100(4096), long, efficiency('megatron-2022'));
    const used = fresh();
    used.evaluate(first);
    expect(used.evaluate(second)).toEqual(fresh().evaluate(second));
  });

  it('splits memory into parts that sum to it', () => {
    fc.assert(
      fc.property(layouts, (layout) => {
        const { memoryBytes, memory } = evaluate(layout);
        expect(Object.values(memory).reduce((sum, part) => sum + part, 0) / memoryBytes).toBeCloseTo(1, 9);
      }),
    );
  });

  it('never beats the arithmetic limit of its GPUs', () => {
    fc.assert(
      fc.property(layouts, (layout) => {
        const { iterationSeconds } = evaluate(layout);
        const { hardware } = stepFlops(model, workload, layout.recompute);
        expect(iterationSeconds * layout.tp * layout.pp * layout.dp * machine.gpu.peakFlops).toBeGreaterThan(hardware);
      }),
    );
  });

  it('gives the same whatever was asked before, into whatever it is written', () => {
    fc.assert(
      fc.property(fc.array(layouts, { minLength: 2, maxLength: 6 }), (asked) => {
        const same = asked.filter(({ tp, pp, dp }) => tp * pp * dp === 64);
        const shared = new Estimator(model, machine, workload, efficiency('megatron-2022'));
        const cost = createStepCost();
        for (const layout of same) expect(shared.evaluate(layout, cost)).toEqual(evaluate(layout));
      }),
    );
  });

  it('holds the bubble of a pipeline to (p - 1) / m of its work, less by interleaving', () => {
    const layout: Parallelism = {
      tp: 1,
      pp: 8,
      dp: 1,
      cp: 1,
      ep: 1,
      microBatch: 1,
      interleave: 1,
      recompute: 'none',
      sequenceParallel: false,
      zero: 0,
      offload: false,
    };
    const even = gpt('even', 64, 2048, 16, { vocab: 0 });
    const cost = (interleave: number) =>
      new Estimator(even, dgxA100(8), { sequenceLength: 1024, globalBatch: 32 }, efficiency('megatron-2022')).evaluate({
        ...layout,
        interleave,
      });
    const { bubble, pipeline, dataParallel, optimizer } = cost(1).seconds;
    const work = cost(1).iterationSeconds - bubble - pipeline - dataParallel - optimizer;
    expect(bubble / work).toBeCloseTo(7 / 32, 1);
    expect(cost(4).seconds.bubble).toBeLessThan(bubble / 3);
  });

  it('shares optimizer state, gradients and weights as the ZeRO stage says (Rajbhandari et al., arXiv 1910.02054, figure 1)', () => {
    const bytes = (zero: Parallelism['zero']) =>
      new Estimator(model, machine, workload, efficiency('fsdp')).evaluate({
        tp: 1,
        pp: 1,
        dp: 64,
        cp: 1,
        ep: 1,
        microBatch: 1,
        interleave: 1,
        recompute: 'full',
        sequenceParallel: false,
        zero,
        offload: false,
      }).memory;
    const none = bytes(0);
    expect(bytes(1)).toMatchObject({
      weights: none.weights,
      gradients: none.gradients,
      optimizer: none.optimizer / 64,
    });
    expect(bytes(2)).toMatchObject({ weights: none.weights, gradients: none.gradients / 64 });
    expect(bytes(3)).toMatchObject({ weights: none.weights / 64 });
  });
});
