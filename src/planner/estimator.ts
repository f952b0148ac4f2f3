import { linksOf } from './collective.ts';
import type { Efficiency } from './efficiency.ts';
import { type CostContext, gemmRatesOf } from './layer-cost.ts';
import { type LayoutSlice, layoutSlice } from './layout-slice.ts';
import type { Machine, StepWorkload } from './machine.ts';
import type { ModelShape } from './model.ts';
import { type Parallelism, RECOMPUTES } from './parallelism.ts';
import { writeMemory, writeStageMemory } from './stage-memory.ts';
import { createMemoryBreakdown, createStepCost, type MemoryBreakdown, type StepCost } from './step-cost.ts';
import { writeTime } from './step-time.ts';

/** Time and memory of training steps of one model on one machine with one stack, for any valid layout. */
export class Estimator {
  readonly #context: CostContext;
  readonly #slices = new Map<number, LayoutSlice>();
  /** One above what each may be, so that no two slices share a key. */
  readonly #tpBase: number;
  readonly #cpBase: number;
  readonly #epBase: number;
  #lastKey = -1;
  #lastSlice: LayoutSlice | undefined;

  constructor(model: ModelShape, machine: Machine, workload: StepWorkload, efficiency: Efficiency) {
    const links = linksOf(machine, efficiency.stack);
    this.#tpBase = model.heads + 1;
    this.#cpBase = machine.gpus + 1;
    this.#epBase = (model.moe?.experts ?? 1) + 1;
    const { tensorParallelNvlink, tensorParallelNetwork } = efficiency.stack;
    this.#context = {
      model,
      machine,
      workload,
      efficiency,
      links,
      tensorParallelLinks: {
        ...links,
        nvlinkBytesPerSecond: links.nvlinkBytesPerSecond * tensorParallelNvlink,
        networkBytesPerSecond: links.networkBytesPerSecond * tensorParallelNetwork,
        spineBytesPerSecond: links.spineBytesPerSecond * tensorParallelNetwork,
      },
      gemmRates: gemmRatesOf(machine, efficiency),
    };
  }

  /** The cost of a layout that `whyInvalid` has nothing against; writes into `cost` and returns it. */
  evaluate(parallelism: Parallelism, cost: StepCost = createStepCost()): StepCost {
    const slice = this.#slice(parallelism);
    writeTime(this.#context, parallelism, slice, cost);
    writeMemory(this.#context, parallelism, slice, cost);
    return cost;
  }

  /** Peak memory of each pipeline stage, the first first; parts sum to `memoryBytes` of the fullest. */
  memoryByStage(parallelism: Parallelism): MemoryBreakdown[] {
    const slice = this.#slice(parallelism);
    return Array.from({ length: parallelism.pp }, (_, stage) => {
      const memory = createMemoryBreakdown();
      writeStageMemory(this.#context, parallelism, slice, stage, memory);
      return memory;
    });
  }

  #slice(parallelism: Parallelism): LayoutSlice {
    const { tp, cp, ep, microBatch, sequenceParallel } = parallelism;
    const recompute = RECOMPUTES.indexOf(parallelism.recompute);
    const split = (((microBatch * this.#tpBase + tp) * this.#cpBase + cp) * this.#epBase + ep) * 6;
    const key = split + recompute * 2 + (sequenceParallel ? 1 : 0);
    if (key === this.#lastKey && this.#lastSlice !== undefined) return this.#lastSlice;
    let slice = this.#slices.get(key);
    if (slice === undefined) {
      slice = layoutSlice(this.#context, parallelism);
      this.#slices.set(key, slice);
    }
    this.#lastKey = key;
    this.#lastSlice = slice;
    return slice;
  }
}
