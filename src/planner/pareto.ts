import { compareLayouts } from './layout-space.ts';
import type { Parallelism } from './parallelism.ts';

export interface Point {
  seconds: number;
  bytes: number;
  parallelism: Parallelism;
}

/** Less time first, then less memory, then the order of the space: total, so that no answer depends on the order of evaluation. */
export function comparePoints(a: Point, b: Point): number {
  return a.seconds - b.seconds || a.bytes - b.bytes || compareLayouts(a.parallelism, b.parallelism);
}

/** Layouts of which no other is both as fast and as small; of layouts equal in both the first in the order of the space. */
export class ParetoFront {
  /** Ascending in time, hence strictly descending in memory. */
  readonly #points: Point[] = [];

  get points(): readonly Point[] {
    return this.#points;
  }

  /** The least memory of the members that take at most `seconds`; Infinity where there is none. */
  leastBytesWithin(seconds: number): number {
    return this.#points[this.#countWithin(seconds) - 1]?.bytes ?? Infinity;
  }

  /** Takes the layout in if it belongs there, and drops those that it makes redundant. The layout is copied. */
  offer(seconds: number, bytes: number, parallelism: Parallelism): void {
    const count = this.#countWithin(seconds);
    const last = this.#points[count - 1];
    let from = count;
    if (last !== undefined && last.bytes <= bytes) {
      const isEqual = last.seconds === seconds && last.bytes === bytes;
      if (!isEqual || compareLayouts(last.parallelism, parallelism) <= 0) return;
    }
    if (last !== undefined && last.seconds === seconds) from -= 1;
    let to = from;
    while (to < this.#points.length && (this.#points[to]?.bytes ?? 0) >= bytes) to += 1;
    this.#points.splice(from, to - from, { seconds, bytes, parallelism: { ...parallelism } });
  }

  #countWithin(seconds: number): number {
    let low = 0;
    let high = this.#points.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#points[middle]?.seconds ?? Infinity) <= seconds) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
