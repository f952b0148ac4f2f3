import type { Random } from './random.ts';

/**
 * Uniform numbers in [0, 1) of which every `strata` in a row hold one from each of as many equal parts, in random order. Each by itself is
 * uniform; sums over many scatter far less than those of independent draws (stratified sampling). Parts may be divided further: with 64 and 32,
 * every 64 in a row hold one from each 64th, and every 2,048 one from each 2,048th.
 */
export class Stratified {
  readonly #random: Random;
  readonly #order: Uint32Array;
  /** Where in each part the next number of it lies; null for anywhere. */
  readonly #finer: readonly Stratified[] | null;
  #next: number;

  constructor(random: Random, strata: number, ...finer: readonly number[]) {
    this.#random = random;
    this.#order = Uint32Array.from({ length: strata }, (_, index) => index);
    const [parts, ...others] = finer;
    this.#finer =
      parts === undefined ? null : Array.from({ length: strata }, () => new Stratified(random, parts, ...others));
    this.#next = strata;
  }

  nextUniform(): number {
    const order = this.#order;
    if (this.#next === order.length) this.#shuffle();
    const stratum = order[this.#next] ?? 0;
    this.#next += 1;
    return (stratum + (this.#finer?.[stratum] ?? this.#random).nextUniform()) / order.length;
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
