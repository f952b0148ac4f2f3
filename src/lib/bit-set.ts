/** A set of small non-negative integers, walked in ascending order; grows as needed. */
export class BitSet {
  /** Signed: an unsigned word with its highest bit set is no small integer, and costs an object wherever code is not optimised. */
  #words = new Int32Array(4);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(value: number): boolean {
    return (((this.#words[value >>> 5] ?? 0) >>> (value & 31)) & 1) === 1;
  }

  add(value: number): void {
    const index = value >>> 5;
    if (index >= this.#words.length) {
      const grown = new Int32Array(Math.max(index + 1, this.#words.length * 2));
      grown.set(this.#words);
      this.#words = grown;
    }
    if (this.has(value)) return;
    this.#words[index] = (this.#words[index] ?? 0) | (1 << (value & 31));
    this.#size += 1;
  }

  delete(value: number): void {
    if (!this.has(value)) return;
    const index = value >>> 5;
    this.#words[index] = (this.#words[index] ?? 0) & ~(1 << (value & 31));
    this.#size -= 1;
  }

  /** The smallest member that is `from` or more; -1 where there is none. */
  next(from: number): number {
    if (this.#size === 0) return -1;
    let index = from >>> 5;
    let word = (this.#words[index] ?? 0) & (-1 << (from & 31));
    while (word === 0) {
      index += 1;
      if (index >= this.#words.length) return -1;
      word = this.#words[index] ?? 0;
    }
    return index * 32 + (31 - Math.clz32(word & -word));
  }
}
