import { BestOfKinds } from './best-of-kinds.ts';
import { interleavedSecondsLeast, ROUNDING, stateBytesLeast } from './bounds.ts';
import type { Efficiency } from './efficiency.ts';
import { Estimator } from './estimator.ts';
import { createStepCost, type StepCost } from './step-cost.ts';
import { type Grid, LayoutSpace, type Passage, type Sharding } from './layout-space.ts';
import type { Machine, StepWorkload } from './machine.ts';
import type { ModelShape } from './model.ts';
import type { Parallelism } from './parallelism.ts';
import { comparePoints, ParetoFront, type Point } from './pareto.ts';
import { whyBest, whyNotBest, whyUnfit } from './reasons.ts';

const BEST_BY_DEFAULT = 5;

export interface SearchRequest {
  model: ModelShape;
  machine: Machine;
  workload: StepWorkload;
  efficiency: Efficiency;
  /** What is not searched; default nothing. */
  fixed?: Partial<Parallelism>;
  /** A GPU's memory that a layout may take; default all of it. */
  memoryBytes?: number;
  /** How many of the best to return. */
  best?: number;
}

export interface Candidate {
  parallelism: Parallelism;
  cost: StepCost;
}

export interface Choice extends Candidate {
  /** One line of what tells it from the others. */
  why: string;
}

/** Layouts that were not evaluated because a bound proves that no answer can be among them, by bound. */
export interface Pruned {
  /** Weights, gradients and optimizer state alone exceed the memory. */
  state: number;
  /** The same layout with a smaller microbatch, or without interleaving, takes no more memory and does not fit. */
  memory: number;
  /** Without interleaving it takes as little memory, and even with the shortest bubble it is slower than others that take no more. */
  time: number;
}

export interface SearchResult {
  /**
   * The fastest layout of each (tp, pp, dp), or where there is one such only of each (microBatch, recompute, zero, offload), the fastest first; if none fits,
   * those of least memory. Empty where the space is.
   */
  best: Choice[];
  /** All layouts of which no other that fits is both as fast and as small, the fastest first; if none fits, of all layouts. */
  front: Candidate[];
  /** Whether any layout fits the memory. */
  fits: boolean;
  /** 0 where no layout is valid. */
  spaceSize: number;
  /** `evaluated` and all of `pruned` together are the space. */
  evaluated: number;
  pruned: Pruned;
}

/**
 * The true optimum of the whole space (`LayoutSpace`) and its exact Pareto front. Pruning rests on what holds for every layout by the way memory
 * and time are put together (`bounds.ts`; the tests hold it against whole spaces):
 *
 * - `state`: peak memory is no less than what a stage's layers hold of weights, gradients and optimizer state.
 * - `memory`: all else equal, memory grows with the microbatch and is least without interleaving.
 * - `time`: interleaving by v divides the bubble by v and shortens nothing else.
 */
export function search(request: SearchRequest): SearchResult {
  const { model, machine, workload, efficiency } = request;
  const memoryBytes = request.memoryBytes ?? machine.gpu.memoryBytes;
  const space = new LayoutSpace(model, machine, workload, efficiency.stack.stack, request.fixed);
  const estimator = new Estimator(model, machine, workload, efficiency);
  const bestMost = request.best ?? BEST_BY_DEFAULT;

  const run = new Run(request, space, estimator, memoryBytes, bestMost);
  run.go();
  const priced = ({ parallelism }: Point): Candidate => ({ parallelism, cost: estimator.evaluate(parallelism) });
  const { evaluated, pruned } = run;
  if (run.front.points.length > 0 || space.size === 0) {
    const found = run.best.map(priced);
    const best = found.map((candidate, rank) => {
      const [first, second] = found;
      const why = rank === 0 || first === undefined ? whyBest(candidate, second) : whyNotBest(candidate, first);
      return { ...candidate, why };
    });
    return {
      best,
      front: run.front.points.map(priced),
      fits: space.size > 0,
      spaceSize: space.size,
      evaluated,
      pruned,
    };
  }
  const { front, least } = smallest(space, estimator, bestMost);
  return {
    best: least.map(priced).map((candidate) => ({ ...candidate, why: whyUnfit(candidate, memoryBytes) })),
    front: front.points.map(priced),
    fits: false,
    spaceSize: space.size,
    evaluated: space.size,
    pruned: { state: 0, memory: 0, time: 0 },
  };
}

/** One pass over the space with a limit on memory. */
class Run {
  readonly front = new ParetoFront();
  evaluated = 0;
  readonly pruned: Pruned = { state: 0, memory: 0, time: 0 };

  readonly #request: SearchRequest;
  readonly #space: LayoutSpace;
  readonly #estimator: Estimator;
  readonly #memoryBytes: number;
  readonly #bestMost: number;
  readonly #bestOfKinds: BestOfKinds;
  readonly #cost = createStepCost();
  /** No slower layout can be among the best asked for. */
  #slowestOfBest = Infinity;

  constructor(request: SearchRequest, space: LayoutSpace, estimator: Estimator, memoryBytes: number, bestMost: number) {
    this.#request = request;
    this.#space = space;
    this.#estimator = estimator;
    this.#memoryBytes = memoryBytes;
    this.#bestMost = bestMost;
    this.#bestOfKinds = new BestOfKinds(space, comparePoints);
  }

  get best(): Point[] {
    return this.#bestOfKinds.first(this.#bestMost);
  }

  go(): void {
    for (const grid of this.#space.grids) {
      for (const sharding of this.#space.shardings(grid)) this.#searchSharding(grid, sharding);
    }
  }

  #searchSharding(grid: Grid, sharding: Sharding): void {
    const isOut =
      stateBytesLeast(this.#request.model, this.#request.efficiency.stack, grid, sharding) > this.#memoryBytes;
    // By recompute and sequence parallelism: whether a smaller microbatch was already too large.
    const tooLarge = new Set<string>();
    let interleaves: readonly number[] = [];
    let microBatch = 0;
    for (const passage of this.#space.passages(grid)) {
      if (passage.microBatch !== microBatch) {
        microBatch = passage.microBatch;
        interleaves = this.#space.interleaves(grid, microBatch);
      }
      if (isOut) {
        this.pruned.state += interleaves.length;
        continue;
      }
      const kind = `${passage.recompute} ${passage.sequenceParallel}`;
      if (tooLarge.has(kind)) this.pruned.memory += interleaves.length;
      else if (!this.#searchInterleaves(grid, passage, sharding, interleaves)) tooLarge.add(kind);
    }
  }

  /** False where none fits because it is too large without interleaving. */
  #searchInterleaves(grid: Grid, passage: Passage, sharding: Sharding, interleaves: readonly number[]): boolean {
    const [least, ...others] = interleaves;
    if (least === undefined) return true;
    const layout: Parallelism = { ...grid, ...passage, interleave: least, ...sharding };
    const cost = this.#evaluate(layout);
    if (least > 1) {
      for (const interleave of others) this.#evaluate({ ...layout, interleave });
      return true;
    }
    if (cost.memoryBytes > this.#memoryBytes * (1 + ROUNDING)) {
      this.pruned.memory += others.length;
      return false;
    }
    const most = others.at(-1);
    if (most === undefined) return true;
    const secondsLeast = interleavedSecondsLeast(cost, most);
    const bytesLeast = cost.memoryBytes * (1 - ROUNDING);
    if (this.#isBeaten(secondsLeast, bytesLeast, layout)) {
      this.pruned.time += others.length;
      return true;
    }
    for (const interleave of others) {
      layout.interleave = interleave;
      this.#evaluate(layout);
    }
    return true;
  }

  /** Whether a layout of the same kind that takes at least so much time and memory can be left out. */
  #isBeaten(secondsLeast: number, bytesLeast: number, layout: Parallelism): boolean {
    const best = this.#bestOfKinds.ofKind(layout)?.seconds ?? Infinity;
    return secondsLeast > Math.min(best, this.#slowestOfBest) && this.front.leastBytesWithin(secondsLeast) < bytesLeast;
  }

  #evaluate(layout: Parallelism): StepCost {
    const cost = this.#estimator.evaluate(layout, this.#cost);
    this.evaluated += 1;
    const hostBytes = this.#request.machine.hostMemoryBytesPerGpu ?? Infinity;
    if (cost.memoryBytes <= this.#memoryBytes && cost.hostMemoryBytes <= hostBytes) {
      const { iterationSeconds, memoryBytes } = cost;
      this.front.offer(iterationSeconds, memoryBytes, layout);
      if (iterationSeconds <= this.#slowestOfBest && this.#bestOfKinds.offer(iterationSeconds, memoryBytes, layout)) {
        const first = this.best;
        if (first.length === this.#bestMost) this.#slowestOfBest = first.at(-1)?.seconds ?? Infinity;
      }
    }
    return cost;
  }
}

/** Every layout evaluated, for spaces where nothing fits: the least memory of each kind, and the front of all. */
function smallest(space: LayoutSpace, estimator: Estimator, bestMost: number): { front: ParetoFront; least: Point[] } {
  const front = new ParetoFront();
  const least = new BestOfKinds(space, (a, b) => a.bytes - b.bytes || comparePoints(a, b));
  const cost = createStepCost();
  for (const layout of space.layouts()) {
    estimator.evaluate(layout, cost);
    front.offer(cost.iterationSeconds, cost.memoryBytes, layout);
    least.offer(cost.iterationSeconds, cost.memoryBytes, layout);
  }
  return { front, least: least.first(bestMost) };
}
