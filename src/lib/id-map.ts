const PAGE_SIZE = 256;

interface Page<T> {
  /** By the rest of the id. */
  readonly values: (T | null)[];
  count: number;
}

/**
 * Values by whole numbers that are given out one after the other and come and go by the million, such as ids of jobs. A `Map` makes itself anew
 * every few hundred of these, and of V8's each old table points to the next and to what it held: once one of them has grown old the garbage collector
 * carries along all that came since, until its next full round.
 */
export class IdMap<T extends object> {
  size = 0;
  /** By `id / PAGE_SIZE`; none is empty. */
  readonly #pages = new Map<number, Page<T>>();

  get(id: number): T | undefined {
    return this.#pages.get(Math.floor(id / PAGE_SIZE))?.values[id % PAGE_SIZE] ?? undefined;
  }

  has(id: number): boolean {
    return this.get(id) !== undefined;
  }

  set(id: number, value: T): void {
    const number = Math.floor(id / PAGE_SIZE);
    let page = this.#pages.get(number);
    if (page === undefined) {
      page = { values: Array.from({ length: PAGE_SIZE }, () => null), count: 0 };
      this.#pages.set(number, page);
    }
    const slot = id % PAGE_SIZE;
    if (page.values[slot] === null) {
      page.count += 1;
      this.size += 1;
    }
    page.values[slot] = value;
  }

  /** Nothing happens where it is not in. */
  delete(id: number): void {
    const number = Math.floor(id / PAGE_SIZE);
    const page = this.#pages.get(number);
    const slot = id % PAGE_SIZE;
    if (page === undefined || page.values[slot] === null) return;
    page.values[slot] = null;
    page.count -= 1;
    this.size -= 1;
    if (page.count === 0) this.#pages.delete(number);
  }

  /** In no particular order. */
  *values(): Generator<T> {
    for (const { values } of this.#pages.values()) for (const value of values) if (value !== null) yield value;
  }
}
