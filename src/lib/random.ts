/**
 * A seeded generator of uniform numbers: xoshiro128** of Blackman and Vigna (ACM TOMS 47, 2021, arXiv 1805.01407), its state filled from the
 * seed by SplitMix32. Same seed, same numbers, on every machine.
 */
export class Random {
  readonly #state = new Uint32Array(4);

  /** `seed`: any integer; its low 32 bits count. */
  constructor(seed: number) {
    let mixed = seed >>> 0;
    for (let index = 0; index < 4; index++) {
      mixed = (mixed + 0x9e3779b9) >>> 0;
      let word = mixed;
      word = Math.imul(word ^ (word >>> 16), 0x21f0aaad);
      word = Math.imul(word ^ (word >>> 15), 0x735a2d97);
      this.#state[index] = word ^ (word >>> 15);
    }
  }

  /** 32 random bits as an integer from 0. */
  nextUint32(): number {
    const state = this.#state;
    const [a = 0, b = 0, c = 0, d = 0] = state;
    const result = Math.imul(rotated(Math.imul(b, 5), 7), 9) >>> 0;
    const e = c ^ a;
    const f = d ^ b;
    state[1] = b ^ e;
    state[0] = a ^ f;
    state[2] = e ^ (b << 9);
    state[3] = rotated(f, 11);
    return result;
  }

  /** Uniform in [0, 1), with 53 random bits. */
  nextUniform(): number {
    return ((this.nextUint32() >>> 5) * 2 ** 26 + (this.nextUint32() >>> 6)) / 2 ** 53;
  }

  /** Exponentially distributed, in the unit of its mean: times between events that do not remember. */
  nextExponential(mean: number): number {
    return -mean * Math.log1p(-this.nextUniform());
  }
}

function rotated(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
