import { describe, expect, it } from 'vitest';
import { Random } from '../lib/random.ts';
import { PoissonStream, type RateStep } from './failure-stream.ts';

function instants(steps: readonly RateStep[], seed: number, untilMs: number): number[] {
  const stream = new PoissonStream(steps, new Random(seed));
  const found: number[] = [];
  for (; stream.nextMs < untilMs; stream.advance()) found.push(stream.nextMs);
  return found;
}

describe('a Poisson process', () => {
  it('has exponential gaps: mean and deviation are those of its rate', () => {
    const found = instants([{ fromMs: 0, perMs: 0.01 }], 1, 1e7);
    // 100,000 expected; four standard deviations.
    expect(Math.abs(found.length - 1e5)).toBeLessThan(4 * Math.sqrt(1e5));
    const gaps = found.map((atMs, index) => atMs - (found[index - 1] ?? 0));
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    const variance = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length;
    expect(Math.sqrt(variance) / mean).toBeCloseTo(1, 1);
  });

  it('follows its steps, silent ones too', () => {
    const found = instants(
      [
        { fromMs: 0, perMs: 0 },
        { fromMs: 1e6, perMs: 0.02 },
        { fromMs: 2e6, perMs: 0.005 },
        { fromMs: 3e6, perMs: 0 },
      ],
      2,
      1e9,
    );
    const between = (from: number, to: number) => found.filter((atMs) => atMs >= from && atMs < to).length;
    expect(between(0, 1e6)).toBe(0);
    expect(Math.abs(between(1e6, 2e6) - 20_000)).toBeLessThan(4 * Math.sqrt(20_000));
    expect(Math.abs(between(2e6, 3e6) - 5000)).toBeLessThan(4 * Math.sqrt(5000));
    expect(between(3e6, 1e9)).toBe(0);
    expect(found).toEqual(found.toSorted((a, b) => a - b));
  });

  it('ends where nothing can happen any more', () => {
    expect(new PoissonStream([{ fromMs: 0, perMs: 0 }], new Random(1)).nextMs).toBe(Infinity);
  });
});
