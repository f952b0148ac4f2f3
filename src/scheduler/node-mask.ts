/** A set of node indices, all of them below a size fixed beforehand. */
export class NodeMask {
  readonly words: Uint32Array;

  constructor(size: number) {
    this.words = new Uint32Array((size + 31) >>> 5);
  }

  copy(): NodeMask {
    const copy = new NodeMask(0);
    return Object.assign(copy, { words: this.words.slice() });
  }

  /** One of the same size without nodes. */
  empty(): NodeMask {
    return Object.assign(new NodeMask(0), { words: new Uint32Array(this.words.length) });
  }

  copyFrom(other: NodeMask): void {
    this.words.set(other.words);
  }

  /** Visits its nodes, ascending. */
  each(visit: (index: number) => void): void {
    for (let word = 0; word < this.words.length; word++) {
      for (let bits = this.words[word] ?? 0; bits !== 0; bits &= bits - 1)
        visit(word * 32 + 31 - Math.clz32(bits & -bits));
    }
  }

  has(index: number): boolean {
    return (((this.words[index >>> 5] ?? 0) >>> (index & 31)) & 1) === 1;
  }

  add(index: number): void {
    this.words[index >>> 5] = (this.words[index >>> 5] ?? 0) | (1 << (index & 31));
  }

  delete(index: number): void {
    this.words[index >>> 5] = (this.words[index >>> 5] ?? 0) & ~(1 << (index & 31));
  }

  /** Keeps what is in the other too. */
  intersect(other: NodeMask): void {
    for (let word = 0; word < this.words.length; word++)
      this.words[word] = (this.words[word] ?? 0) & (other.words[word] ?? 0);
  }

  equals(other: NodeMask): boolean {
    return this.words.every((word, index) => word === other.words[index]);
  }

  count(): number {
    let count = 0;
    for (let word = 0; word < this.words.length; word++) count += countBits(this.words[word] ?? 0);
    return count;
  }

  hasAll(indices: readonly number[]): boolean {
    return indices.every((index) => this.has(index));
  }

  hasAny(indices: readonly number[]): boolean {
    for (let at = 0; at < indices.length; at++) if (this.has(indices[at] ?? 0)) return true;
    return false;
  }
}

/** How many nodes are in both. */
export function countOfBoth(a: NodeMask, b: NodeMask): number {
  let count = 0;
  for (let word = 0; word < a.words.length; word++) count += countBits((a.words[word] ?? 0) & (b.words[word] ?? 0));
  return count;
}

/** Neighbours are added up, in pairs, in fours and so on. */
function countBits(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** Whether `a ∩ b` is within `c ∩ d`. */
export function isIntersectionWithin(a: NodeMask, b: NodeMask, c: NodeMask, d: NodeMask): boolean {
  for (let word = 0; word < a.words.length; word++) {
    const inner = (a.words[word] ?? 0) & (b.words[word] ?? 0);
    const outer = (c.words[word] ?? 0) & (d.words[word] ?? 0);
    if ((inner & ~outer) !== 0) return false;
  }
  return true;
}
