/**
 * A binary heap whose items know their own index in it, so that any of them leaves in O(log n). `isBefore` must be a total order:
 * then what comes out never depends on what went in when.
 */
export class Heap<T> {
  readonly #items: T[] = [];
  readonly #isBefore: (a: T, b: T) => boolean;
  readonly #setIndex: (item: T, index: number) => void;

  /** `setIndex` is told where an item moved; -1 when it left. */
  constructor(isBefore: (a: T, b: T) => boolean, setIndex: (item: T, index: number) => void) {
    this.#isBefore = isBefore;
    this.#setIndex = setIndex;
  }

  get size(): number {
    return this.#items.length;
  }

  peek(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    this.#items.push(item);
    this.#rise(item, this.#items.length - 1);
  }

  pop(): T | undefined {
    return this.#items.length === 0 ? undefined : this.removeAt(0);
  }

  removeAt(index: number): T {
    const removed = this.#items[index];
    const last = this.#items.pop();
    if (removed === undefined || last === undefined) throw new RangeError(`no item ${index} in a heap`);
    this.#setIndex(removed, -1);
    if (removed !== last) {
      this.#rise(last, index);
      if (this.#items[index] === last) this.#sink(last, index);
    }
    return removed;
  }

  /** The order of the items has changed all over. */
  reorder(): void {
    for (let index = (this.#items.length >> 1) - 1; index >= 0; index--) {
      const item = this.#items[index];
      if (item !== undefined) this.#sink(item, index);
    }
  }

  /** In no particular order. */
  [Symbol.iterator](): Iterator<T> {
    return this.#items[Symbol.iterator]();
  }

  #place(item: T, index: number): void {
    this.#items[index] = item;
    this.#setIndex(item, index);
  }

  #rise(item: T, from: number): void {
    let index = from;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = this.#items[parentIndex];
      if (parent === undefined || !this.#isBefore(item, parent)) break;
      this.#place(parent, index);
      index = parentIndex;
    }
    this.#place(item, index);
  }

  #sink(item: T, from: number): void {
    const count = this.#items.length;
    let index = from;
    for (;;) {
      let childIndex = 2 * index + 1;
      if (childIndex >= count) break;
      let child = this.#items[childIndex];
      const right = this.#items[childIndex + 1];
      if (child !== undefined && right !== undefined && this.#isBefore(right, child)) {
        child = right;
        childIndex += 1;
      }
      if (child === undefined || !this.#isBefore(child, item)) break;
      this.#place(child, index);
      index = childIndex;
    }
    this.#place(item, index);
  }
}
