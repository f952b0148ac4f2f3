import { definite } from './assert.ts';

/**
 * A seeded generator of uniform numbers: xoshiro128** of Blackman and Vigna (ACM TOMS 47, 2021, arXiv 1805.01407), its state filled from the
 * seed by SplitMix32. Same seed, same numbers, on every machine.
 */
export class Random {
  /** The four words of its state. Signed: such integers are kept and passed on without a box around them. */
  #a = 0;
  #b = 0;
  #c = 0;
  #d = 0;

  /** `seed`: any integer; its low 32 bits count. */
  constructor(seed: number) {
    let mixed = seed >>> 0;
    const nextWord = () => {
      mixed = (mixed + 0x9e3779b9) >>> 0;
      let word = mixed;
      word = Math.imul(word ^ (word >>> 16), 0x21f0aaad);
      word = Math.imul(word ^ (word >>> 15), 0x735a2d97);
      return word ^ (word >>> 15);
    };
    this.#a = nextWord();
    this.#b = nextWord();
    this.#c = nextWord();
    this.#d = nextWord();
  }

  /** 32 random bits as an integer from 0. */
  nextUint32(): number {
    return this.#nextWord() >>> 0;
  }

  /** Uniform in [0, 1), with 53 random bits. */
  nextUniform(): number {
    return ((this.#nextWord() >>> 5) * 2 ** 26 + (this.#nextWord() >>> 6)) / 2 ** 53;
  }

  #nextWord(): number {
    const b = this.#b;
    const e = this.#c ^ this.#a;
    const f = this.#d ^ b;
    this.#a ^= f;
    this.#b = b ^ e;
    this.#c = e ^ (b << 9);
    this.#d = rotated(f, 11);
    return Math.imul(rotated(Math.imul(b, 5), 7), 9);
  }

  /** Exponentially distributed, in the unit of its mean: times between events that do not remember. */
  nextExponential(mean: number): number {
    return -mean * Math.log1p(-this.nextUniform());
  }

  /** Normally distributed, mean 0 and deviation 1, by Box and Muller. Always takes two uniforms, so that streams stay in step. */
  nextNormal(): number {
    const radius = Math.sqrt(-2 * Math.log1p(-this.nextUniform()));
    return radius * Math.cos(2 * Math.PI * this.nextUniform());
  }

  /** `logMean` and `logDeviation` are those of its natural logarithm. */
  nextLogNormal(logMean: number, logDeviation: number): number {
    return Math.exp(logMean + logDeviation * this.nextNormal());
  }
}

/**
 * The generator of one named stream of a seed: `streamOf(seed, 'arrivals')`. What one stream draws, and how often, changes no other, so
 * runs that differ in one thing stay the same in all else. FNV-1a over the seed's four bytes and the name, well mixed.
 */
export function streamOf(seed: number, name: string): Random {
  let hash = 0x811c9dc5;
  const take = (value: number) => {
    hash = Math.imul(hash ^ value, 0x01000193);
  };
  for (let shift = 0; shift < 32; shift += 8) take((seed >>> shift) & 0xff);
  for (let index = 0; index < name.length; index++) take(name.charCodeAt(index));
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return new Random(hash ^ (hash >>> 16));
}

/** Whatever gives uniform numbers in [0, 1). */
export interface Uniforms {
  nextUniform(): number;
}

/** Draws an index with a probability in proportion to its weight; one uniform a draw. */
export class WeightedIndex {
  readonly #bounds: Float64Array;

  /** Throws a RangeError unless all weights are finite and >= 0 and one is above 0. */
  constructor(weights: readonly number[]) {
    let sum = 0;
    this.#bounds = Float64Array.from(weights, (weight) => {
      if (!(weight >= 0 && weight < Infinity)) throw new RangeError(`expected a weight >= 0, got ${weight}`);
      sum += weight;
      return sum;
    });
    if (sum === 0) throw new RangeError('expected a weight above 0');
  }

  draw(uniforms: Uniforms): number {
    const bounds = this.#bounds;
    const total = bounds[bounds.length - 1] ?? 0;
    const target = uniforms.nextUniform() * total;
    let low = 0;
    let high = bounds.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (target < (bounds[middle] ?? total)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** Draws one of some values, as `WeightedIndex` does. */
export class WeightedChoice<T extends object | string | number> {
  readonly #values: readonly T[];
  readonly #index: WeightedIndex;

  constructor(values: readonly T[], weightOf: (value: T, index: number) => number) {
    this.#values = values;
    this.#index = new WeightedIndex(values.map(weightOf));
  }

  draw(uniforms: Uniforms): T {
    return definite(this.#values[this.#index.draw(uniforms)], 'no index beyond the values');
  }
}

function rotated(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
