import { describe, expect, it } from 'vitest';
import { Random, streamOf, WeightedChoice } from './random.ts';

describe('Random', () => {
  it('gives the same numbers for the same seed and others for another', () => {
    const draw = (seed: number) => {
      const random = new Random(seed);
      return Array.from({ length: 8 }, () => random.nextUint32());
    };
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
    expect(new Set(draw(0)).size).toBe(8);
  });

  it('is uniform: mean, variance and each of 16 bins are as they should be', () => {
    const random = new Random(7);
    const count = 160_000;
    const bins = Array.from({ length: 16 }, () => 0);
    let sum = 0;
    let squares = 0;
    for (let index = 0; index < count; index++) {
      const value = random.nextUniform();
      sum += value;
      squares += value * value;
      const bin = Math.floor(value * 16);
      bins[bin] = (bins[bin] ?? 0) + 1;
    }
    expect(sum / count).toBeCloseTo(1 / 2, 2);
    expect(squares / count).toBeCloseTo(1 / 3, 2);
    // Five standard deviations of a bin of 10,000.
    for (const bin of bins) expect(Math.abs(bin - 10_000)).toBeLessThan(500);
  });

  it('draws exponential times of the mean asked for', () => {
    const random = new Random(11);
    let sum = 0;
    let longer = 0;
    for (let index = 0; index < 100_000; index++) {
      const time = random.nextExponential(20);
      sum += time;
      if (time > 20) longer += 1;
    }
    expect(sum / 100_000 / 20).toBeCloseTo(1, 1);
    expect(longer / 100_000).toBeCloseTo(Math.exp(-1), 2);
  });

  it('draws normal and lognormal numbers of the moments asked for', () => {
    const random = new Random(3);
    const count = 100_000;
    let sum = 0;
    let squares = 0;
    let within = 0;
    let below = 0;
    for (let index = 0; index < count; index++) {
      const value = random.nextNormal();
      sum += value;
      squares += value * value;
      if (Math.abs(value) < 1.959964) within += 1;
      if (random.nextLogNormal(2, 1.5) < Math.exp(2)) below += 1;
    }
    // Four standard errors each.
    expect(Math.abs(sum / count)).toBeLessThan(0.0127);
    expect(Math.abs(squares / count - 1)).toBeLessThan(0.018);
    expect(Math.abs(within / count - 0.95)).toBeLessThan(0.0028);
    expect(Math.abs(below / count - 0.5)).toBeLessThan(0.0064);
  });
});

describe('streamOf', () => {
  it('gives each name and each seed a stream of its own', () => {
    const first = (seed: number, name: string) => streamOf(seed, name).nextUint32();
    expect(first(1, 'arrivals')).toBe(first(1, 'arrivals'));
    const seen = new Set<number>();
    for (let seed = 0; seed < 100; seed++) {
      for (const name of ['arrivals', 'sizes', 'durations', 'failures', 'repairs']) seen.add(first(seed, name));
    }
    expect(seen.size).toBe(500);
  });

  it('has streams that do not follow one another', () => {
    const one = streamOf(1, 'arrivals');
    const other = streamOf(1, 'sizes');
    const count = 20_000;
    let product = 0;
    for (let index = 0; index < count; index++) product += (one.nextUniform() - 0.5) * (other.nextUniform() - 0.5);
    // Correlation: 12 times the mean product; its deviation is 1 / sqrt(count).
    expect(Math.abs((12 * product) / count)).toBeLessThan(4 / Math.sqrt(count));
  });
});

describe('WeightedChoice', () => {
  it('draws in proportion to the weights and never what has none', () => {
    const random = new Random(5);
    const weights = [0, 1, 0, 3, 6, 0];
    const choice = new WeightedChoice([0, 1, 2, 3, 4, 5], (value) => weights[value] ?? 0);
    const counts = [0, 0, 0, 0, 0, 0];
    for (let draw = 0; draw < 100_000; draw++) {
      const at = choice.draw(random);
      counts[at] = (counts[at] ?? 0) + 1;
    }
    expect(counts[0]).toBe(0);
    expect(counts[2]).toBe(0);
    expect(counts[5]).toBe(0);
    expect(Math.abs((counts[1] ?? 0) - 10_000)).toBeLessThan(400);
    expect(Math.abs((counts[3] ?? 0) - 30_000)).toBeLessThan(600);
  });

  it('refuses weights that mean nothing', () => {
    const made = (weights: number[]) => new WeightedChoice(weights, (weight) => weight);
    expect(() => made([])).toThrow(RangeError);
    expect(() => made([0, 0])).toThrow(RangeError);
    expect(() => made([1, -1])).toThrow(RangeError);
    expect(() => made([Number.NaN])).toThrow(RangeError);
  });
});
