import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ParetoFront, type Point } from './pareto.ts';
import type { Parallelism } from './parallelism.ts';

function layout(microBatch: number): Parallelism {
  const ones = { tp: 1, pp: 1, dp: 1, cp: 1, ep: 1, interleave: 1 };
  return { ...ones, microBatch, recompute: 'none', sequenceParallel: false, zero: 0, offload: false };
}

/** Few values, so that many are equal in one or both; no two layouts are the same. */
const points: fc.Arbitrary<Point[]> = fc
  .array(fc.record({ seconds: fc.integer({ min: 1, max: 6 }), bytes: fc.integer({ min: 1, max: 6 }) }), {
    maxLength: 40,
  })
  .map((pairs) => pairs.map((pair, index) => ({ ...pair, parallelism: layout(index + 1) })));

function frontOf(offered: readonly Point[]): ParetoFront {
  const front = new ParetoFront();
  for (const { seconds, bytes, parallelism } of offered) front.offer(seconds, bytes, parallelism);
  return front;
}

describe('ParetoFront', () => {
  it('holds what no other point is as good as in both, the first layout of equals, whatever the order of offers', () => {
    fc.assert(
      fc.property(points, fc.infiniteStream(fc.nat()), (all, ranks) => {
        const isBeaten = (point: Point) =>
          all.some((other) => {
            const isNoWorse = other.seconds <= point.seconds && other.bytes <= point.bytes;
            const isEqual = other.seconds === point.seconds && other.bytes === point.bytes;
            return isNoWorse && (!isEqual || other.parallelism.microBatch < point.parallelism.microBatch);
          });
        const expected = all.filter((point) => !isBeaten(point)).toSorted((a, b) => a.seconds - b.seconds);
        const shuffled = all
          .map((point) => ({ point, rank: ranks.next().value ?? 0 }))
          .toSorted((a, b) => a.rank - b.rank)
          .map(({ point }) => point);
        expect(frontOf(shuffled).points).toEqual(expected);
      }),
    );
  });

  it('tells the least memory within a time', () => {
    fc.assert(
      fc.property(points, fc.integer({ min: 0, max: 7 }), (all, seconds) => {
        const within = all.filter((point) => point.seconds <= seconds).map(({ bytes }) => bytes);
        expect(frontOf(all).leastBytesWithin(seconds)).toBe(Math.min(...within));
      }),
    );
  });
});
