import { divisorsOf } from '../lib/divisors.ts';
import type { Stack } from './efficiency.ts';
import type { Machine, StepWorkload } from './machine.ts';
import type { ModelShape } from './model.ts';
import { type Parallelism, RECOMPUTES, type Recompute } from './parallelism.ts';
import { canInterleave, splitsEvenly, whyInvalid } from './validity.ts';

/** Shorter sequences are not split by context parallelism unless `cp` is fixed. */
export const CONTEXT_PARALLEL_SEQUENCE_LEAST = 8192;

/** How GPUs are divided. */
export type Grid = Pick<Parallelism, 'tp' | 'pp' | 'cp' | 'ep' | 'dp'>;
/** What, with tp, cp and ep, decides the cost of a layer. */
export type Passage = Pick<Parallelism, 'microBatch' | 'recompute' | 'sequenceParallel'>;
/** Where state is kept. */
export type Sharding = Pick<Parallelism, 'zero' | 'offload'>;

const ZEROS = [0, 1, 2, 3] as const;
/** Those whose constants say `flashAttention`. */
export const FLASH_STACKS: ReadonlySet<Stack> = new Set<Stack>(['fsdp', 'megatron-core']);

/**
 * All layouts that a search considers for a model, a machine, a workload and the fields that are fixed:
 *
 * - tp: every divisor of the GPUs that splits the model evenly, across nodes too; pp: every divisor of the rest up to the number of layers;
 * - cp: 1 and, for sequences of at least 8,192 tokens, the powers of two of which the GPUs left and half the sequence are multiples;
 * - dp: what is left, where it divides the global batch; ep: every divisor of the experts and of dp x cp;
 * - microBatch: every divisor of a replica's share; interleave: every number of chunks valid for the stages;
 * - recompute: all three, but not selective with stacks of FlashAttention, which computes the core again anyway; sequenceParallel: both where tp > 1 and tp divides the tokens of a sequence on a GPU;
 * - zero: 0 to 3 where tp = pp = 1, else 0 and 1, as Megatron and DeepSpeed combine them; with the `fsdp` stack tp = pp = cp = 1 and 2 and 3;
 * - offload: both where zero is at least 1 and the nodes' host memory is known.
 *
 * A fixed field has its one value: the choices above are made for the free ones only, so `zero: 3` fixed is combined with every valid tp and pp.
 * Every layout of the space is valid (`whyInvalid`), and every valid layout that keeps to the choices above is in it, once.
 */
export class LayoutSpace {
  readonly grids: readonly Grid[];
  /** Number of layouts. */
  readonly size: number;
  readonly #model: ModelShape;
  readonly #machine: Machine;
  readonly #workload: StepWorkload;
  readonly #fixed: Partial<Parallelism>;
  readonly #isFsdp: boolean;
  readonly #isFlash: boolean;

  constructor(
    model: ModelShape,
    machine: Machine,
    workload: StepWorkload,
    stack: Stack,
    fixed: Partial<Parallelism> = {},
  ) {
    this.#model = model;
    this.#machine = machine;
    this.#workload = workload;
    this.#fixed = fixed;
    this.#isFsdp = stack === 'fsdp';
    this.#isFlash = FLASH_STACKS.has(stack);
    this.grids = whyInvalid(model, machine, workload, fixed) === null ? [...this.#makeGrids()] : [];
    let size = 0;
    for (const grid of this.grids) {
      const shardings = this.shardings(grid).length;
      const recomputes = this.#recomputes().length * this.#sequenceParallels(grid).length;
      for (const microBatch of this.#microBatches(grid)) {
        size += recomputes * this.interleaves(grid, microBatch).length * shardings;
      }
    }
    this.size = size;
  }

  /** Every layout, in the order that `compareLayouts` gives. */
  *layouts(): Generator<Parallelism> {
    for (const grid of this.grids) {
      const shardings = this.shardings(grid);
      for (const passage of this.passages(grid)) {
        for (const interleave of this.interleaves(grid, passage.microBatch)) {
          for (const sharding of shardings) yield { ...grid, ...passage, interleave, ...sharding };
        }
      }
    }
  }

  *passages(grid: Grid): Generator<Passage> {
    const recomputes = this.#recomputes();
    const sequenceParallels = this.#sequenceParallels(grid);
    for (const microBatch of this.#microBatches(grid)) {
      for (const recompute of recomputes) {
        for (const sequenceParallel of sequenceParallels) yield { microBatch, recompute, sequenceParallel };
      }
    }
  }

  /** Ascending. */
  interleaves({ pp, dp }: Grid, microBatch: number): number[] {
    const { layers } = this.#model;
    const microBatches = this.#workload.globalBatch / (dp * microBatch);
    const choices = layers % pp === 0 ? divisorsOf(layers / pp) : [1];
    return this.#choices('interleave', choices).filter((interleave) =>
      canInterleave(layers, microBatches, pp, interleave),
    );
  }

  shardings({ tp, pp }: Grid): Sharding[] {
    const isSplit = tp > 1 || pp > 1;
    const zeros = this.#choices('zero', this.#isFsdp ? [2, 3] : isSplit ? [0, 1] : ZEROS);
    const offloads = this.#choices('offload', this.#machine.hostMemoryBytesPerGpu === null ? [false] : [false, true]);
    return zeros.flatMap((zero) =>
      offloads.filter((offload) => !offload || zero >= 1).map((offload) => ({ zero, offload })),
    );
  }

  *#makeGrids(): Generator<Grid> {
    const { gpus } = this.#machine;
    const { globalBatch, sequenceLength } = this.#workload;
    const isLong = sequenceLength >= CONTEXT_PARALLEL_SEQUENCE_LEAST;
    for (const tp of this.#choices('tp', this.#isFsdp ? [1] : divisorsOf(gpus))) {
      if (gpus % tp !== 0 || !splitsEvenly(this.#model, tp)) continue;
      for (const pp of this.#choices('pp', this.#isFsdp ? [1] : divisorsOf(gpus / tp))) {
        if ((gpus / tp) % pp !== 0 || pp > this.#model.layers) continue;
        const left = gpus / (tp * pp);
        for (const cp of this.#choices('cp', isLong && !this.#isFsdp ? powersOfTwoIn(left) : [1])) {
          if (left % cp !== 0 || (cp > 1 && sequenceLength % (2 * cp) !== 0)) continue;
          const replicas = left / cp;
          for (const ep of this.#choices('ep', divisorsOf(this.#model.moe?.experts ?? 1))) {
            if (left % ep !== 0) continue;
            for (const dp of this.#choices('dp', [replicas])) {
              if (dp === replicas && globalBatch % dp === 0) yield { tp, pp, cp, ep, dp };
            }
          }
        }
      }
    }
  }

  #microBatches({ dp }: Grid): readonly number[] {
    const share = this.#workload.globalBatch / dp;
    return this.#choices('microBatch', divisorsOf(share)).filter((microBatch) => share % microBatch === 0);
  }

  #recomputes(): readonly Recompute[] {
    return this.#choices('recompute', this.#isFlash ? ['none', 'full'] : RECOMPUTES);
  }

  #sequenceParallels({ tp, cp }: Grid): readonly boolean[] {
    const isPossible = tp > 1 && (this.#workload.sequenceLength / cp) % tp === 0;
    return this.#choices('sequenceParallel', [false, true]).filter((chosen) => isPossible || !chosen);
  }

  #choices<F extends keyof Parallelism>(field: F, free: readonly Parallelism[F][]): readonly Parallelism[F][] {
    const value: Parallelism[F] | undefined = this.#fixed[field];
    return value === undefined ? free : [value];
  }
}

function powersOfTwoIn(value: number): number[] {
  const powers: number[] = [];
  for (let power = 1; value % power === 0; power *= 2) powers.push(power);
  return powers;
}

/** The order of the space: what decides between layouts of equal cost, the plainer first. */
export function compareLayouts(a: Parallelism, b: Parallelism): number {
  return (
    a.tp - b.tp ||
    a.pp - b.pp ||
    a.cp - b.cp ||
    a.ep - b.ep ||
    a.dp - b.dp ||
    a.microBatch - b.microBatch ||
    RECOMPUTES.indexOf(a.recompute) - RECOMPUTES.indexOf(b.recompute) ||
    Number(a.sequenceParallel) - Number(b.sequenceParallel) ||
    a.interleave - b.interleave ||
    a.zero - b.zero ||
    Number(a.offload) - Number(b.offload)
  );
}
