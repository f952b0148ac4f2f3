import type { Random } from './random.ts';

/**
 * Uniform numbers in [0, 1) of which every `strata` in a row hold one from each of as many equal parts, in random order. Each by itself is
 * uniform; sums over many scatter far less than those of independent draws (stratified sampling).
 */
export class Stratified {
  readonly #random: Random;
  readonly #order: Uint32Array;
  #next: number;

  constructor(random: Random, strata: number) {
    this.#random = random;
    this.#order = Uint32Array.from({ length: strata }, (_, index) => index);
    this.#next = strata;
  }

  nextUniform(): number {
    const order = this.#order;
    if (this.#next === order.length) this.#shuffle();
    const stratum = order[this.#next] ?? 0;
    this.#next += 1;
    return (stratum + this.#random.nextUniform()) / order.length;
  }

  /** Fisher and Yates: every order is as likely. */
  #shuffle(): void {
    const order = this.#order;
    for (let index = order.length - 1; index > 0; index--) {
      const other = Math.floor(this.#random.nextUniform() * (index + 1));
      const kept = order[index] ?? 0;
      order[index] = order[other] ?? 0;
      order[other] = kept;
    }
    this.#next = 0;
  }
}
