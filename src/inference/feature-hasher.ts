import type { LanguageModelDescription } from './language-model.ts';
import { SPACE } from './normaliser.ts';

/** The integer mixer of the training code: two odd multiplications between three xor-shifts, modulo 2^32. */
function mix(value: number): number {
  let mixed = value ^ (value >>> 15);
  mixed = Math.imul(mixed, 0x2c1b3c6d);
  mixed ^= mixed >>> 12;
  mixed = Math.imul(mixed, 0x297a2d39);
  return mixed ^ (mixed >>> 15);
}

/** Normalised code points to row numbers of the table: n-grams of 1 to `order` code points, and whole words. */
export class FeatureHasher {
  readonly #hashing: LanguageModelDescription['hashing'];
  #rows = new Uint32Array(4096);

  constructor(hashing: LanguageModelDescription['hashing']) {
    this.#hashing = hashing;
  }

  /** The rows of a text that begins with a space; valid until the next call. The last word, which may be cut, is no feature. */
  rows(codes: Uint32Array): Uint32Array {
    const { bits, order, gramMultiplier, wordMultiplier, orderSalt, wordSalt } = this.#hashing;
    const mask = 2 ** bits - 1;
    const length = codes.length;
    if (this.#rows.length < length * (order + 1)) this.#rows = new Uint32Array(2 * length * (order + 1));
    const rows = this.#rows;
    let size = 0;
    let word = 0;
    let power = 1;
    for (let start = 0; start < length; start++) {
      const end = Math.min(start + order, length);
      let gram = 0;
      let salt = 0;
      for (let index = start; index < end; index++) {
        gram = (Math.imul(gram, gramMultiplier) + codes[index]! + 1) | 0;
        rows[size++] = mix((gram + salt) | 0) & mask;
        salt = (salt + orderSalt) | 0;
      }
      const code = codes[start]!;
      if (code !== SPACE) {
        word = (word + Math.imul(code + 1, power)) | 0;
        power = Math.imul(power, wordMultiplier);
      } else if (start > 0) {
        rows[size++] = mix((word + wordSalt) | 0) & mask;
        word = 0;
        power = 1;
      }
    }
    return rows.subarray(0, size);
  }
}
