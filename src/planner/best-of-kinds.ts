import type { LayoutSpace } from './layout-space.ts';
import { type Parallelism, RECOMPUTES } from './parallelism.ts';
import type { Point } from './pareto.ts';

/** The first of each kind of layout in the order of `compare`, so that the best few of a space differ in more than a detail. */
export class BestOfKinds {
  readonly #byKind = new Map<number, Point>();
  readonly #kindOf: (parallelism: Parallelism) => number;
  readonly #compare: (a: Point, b: Point) => number;

  constructor(space: LayoutSpace, compare: (a: Point, b: Point) => number) {
    const grids = new Set(space.grids.map((grid) => gridKind(grid)));
    this.#kindOf = grids.size > 1 ? gridKind : detailKind;
    this.#compare = compare;
  }

  ofKind(parallelism: Parallelism): Point | undefined {
    return this.#byKind.get(this.#kindOf(parallelism));
  }

  /** Whether it is now the first of its kind. The layout is copied if so. */
  offer(seconds: number, bytes: number, parallelism: Parallelism): boolean {
    const kind = this.#kindOf(parallelism);
    const current = this.#byKind.get(kind);
    if (current !== undefined && this.#compare({ seconds, bytes, parallelism }, current) >= 0) return false;
    this.#byKind.set(kind, { seconds, bytes, parallelism: { ...parallelism } });
    return true;
  }

  first(count: number): Point[] {
    return [...this.#byKind.values()].toSorted(this.#compare).slice(0, count);
  }
}

/** Kinds are the ways to divide the GPUs. */
function gridKind({ tp, pp, dp }: Pick<Parallelism, 'tp' | 'pp' | 'dp'>): number {
  return (tp * 2 ** 14 + pp) * 2 ** 20 + dp;
}

/** Where there is one such way only, kinds are what decides memory besides. */
function detailKind({ microBatch, recompute, zero, offload }: Parallelism): number {
  return ((microBatch * 4 + RECOMPUTES.indexOf(recompute)) * 4 + zero) * 2 + Number(offload);
}
