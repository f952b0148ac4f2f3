import type { Random } from './random.ts';

/**
 * Uniform numbers in [0, 1) of which every `strata` in a row hold one from each of as many equal parts, in random order. Each by itself is
 * uniform; sums over many scatter far less than those of independent draws (stratified sampling). Parts may be divided further: with 64 and 32,
 * every 64 in a row hold one from each 64th, and every 2,048 one from each 2,048th.
 */
export class Stratified {
  readonly #random: Random;
  /** From the coarsest parts to the finest. */
  readonly #levels: readonly Level[];

  constructor(random: Random, strata: number, ...finer: readonly number[]) {
    this.#random = random;
    let rows = 1;
    this.#levels = [strata, ...finer].map((size) => {
      const level = new Level(rows, size);
      rows *= size;
      return level;
    });
  }

  nextUniform(): number {
    const levels = this.#levels;
    const random = this.#random;
    let row = 0;
    for (let depth = 0; depth < levels.length; depth++) {
      const level = levels[depth]!;
      level.draw(row, random);
      row = row * level.size + level.drawn;
    }
    let uniform = random.nextUniform();
    for (let depth = levels.length - 1; depth >= 0; depth--) {
      const level = levels[depth]!;
      uniform = (level.drawn + uniform) / level.size;
    }
    return uniform;
  }
}

/** All divisions of one fineness, each a row of parts: side by side in one array, since there are thousands of rows of two. */
class Level {
  readonly size: number;
  /** The part that was drawn last. */
  drawn = 0;
  /** The parts of each row in the order in which they come. */
  readonly #order: Places;
  /** By row: how many of them have come. */
  readonly #next: Places;

  constructor(rows: number, size: number) {
    this.size = size;
    this.#order = placesUpTo(size - 1, rows * size);
    for (let index = 0; index < this.#order.length; index++) this.#order[index] = index % size;
    this.#next = placesUpTo(size, rows).fill(size);
  }

  draw(row: number, random: Random): void {
    const next = this.#next;
    if (next[row] === this.size) this.#shuffle(row, random);
    this.drawn = this.#order[row * this.size + next[row]!]!;
    next[row]! += 1;
  }

  /** Fisher and Yates: every order is as likely. */
  #shuffle(row: number, random: Random): void {
    const order = this.#order;
    const first = row * this.size;
    for (let index = this.size - 1; index > 0; index--) {
      const other = first + Math.floor(random.nextUniform() * (index + 1));
      const kept = order[first + index]!;
      order[first + index] = order[other]!;
      order[other] = kept;
    }
    this.#next[row] = 0;
  }
}

type Places = Uint8Array | Uint16Array | Uint32Array;

/** As small as can be: the rows of a workload then stay in the processor's caches. */
function placesUpTo(max: number, length: number): Places {
  if (max < 2 ** 8) return new Uint8Array(length);
  return max < 2 ** 16 ? new Uint16Array(length) : new Uint32Array(length);
}
