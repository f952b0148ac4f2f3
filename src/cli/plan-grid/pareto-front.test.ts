import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { worksOf } from './pareto-front.ts';
import type { CaseLayout, PlannedCase } from './plan-case.ts';

const LAYOUT: CaseLayout = {
  parallelism: {
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
  },
  iterationSeconds: 1,
  iterationSecondsInterval: [1, 1],
  tokensPerSecond: 1,
  mfu: 0.5,
  hfu: 0.5,
  memoryBytesPerGpu: 1,
  days: 1,
  ettr: 1,
  notValidated: [],
  expectedDays: 1,
  expectedDaysInterval: [1, 1],
  gpuHours: 1,
  energyKwh: null,
  cost: null,
};

/** Null: not planned; days null: it never ends. */
type Drawn = { model: string; days: number | null; cost: number } | null;

function planned(drawn: Drawn): PlannedCase {
  const size = { cluster: 'c', tokens: 1, sequenceLength: 1, gpus: 8, nodes: 1, globalBatch: 1 };
  if (drawn === null) return { ...size, model: 'a', outcome: 'doesNotFit', why: 'too large', best: null };
  const { model, days, cost } = drawn;
  const best = {
    ...LAYOUT,
    expectedDays: days,
    gpuHours: days === null ? null : cost,
    cost: days === null ? null : -cost,
  };
  return { ...size, model, outcome: 'planned', why: null, best };
}

const cases = fc.array(
  fc.option(
    fc.record({
      model: fc.constantFrom('a', 'b'),
      days: fc.option(fc.integer({ min: 1, max: 6 })),
      cost: fc.integer({ min: 1, max: 6 }),
    }),
  ),
  { maxLength: 12 },
);

describe('worksOf', () => {
  it('marks just those that no other of the same work beats', () => {
    fc.assert(
      fc.property(cases, fc.boolean(), (drawn, isPriced) => {
        const costOf = ({ best }: PlannedCase) => (isPriced ? best?.cost : best?.gpuHours) ?? Infinity;
        const daysOf = ({ best }: PlannedCase) => best?.expectedDays ?? Infinity;
        for (const work of worksOf(drawn.map(planned), isPriced)) {
          for (const one of work.cases) {
            const isBeaten = work.cases.some(
              (other) =>
                daysOf(other) <= daysOf(one) &&
                costOf(other) <= costOf(one) &&
                (daysOf(other) < daysOf(one) || costOf(other) < costOf(one)),
            );
            expect(one.isOnFront).toBe(Number.isFinite(daysOf(one)) && !isBeaten);
          }
        }
      }),
    );
  });

  it('keeps all cases, those of one training together and in their order', () => {
    const [a, b, unfit] = [{ model: 'a', days: 1, cost: 1 }, { model: 'b', days: 2, cost: 2 }, null].map(planned);
    if (a === undefined || b === undefined || unfit === undefined) throw new Error('three cases');
    const longer = { ...a, sequenceLength: 2 };
    const works = worksOf([a, longer, b, unfit], false);
    expect(works.map(({ model, sequenceLength }) => [model, sequenceLength])).toEqual([
      ['a', 1],
      ['a', 2],
      ['b', 1],
    ]);
    expect(works[0]?.cases).toEqual([
      { ...a, isOnFront: true },
      { ...unfit, isOnFront: false },
    ]);
  });
});
