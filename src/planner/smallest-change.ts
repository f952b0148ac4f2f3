import type { Parallelism } from './parallelism.ts';
import { type Candidate, type SearchRequest, search } from './search.ts';

/** A layout that fits where the one asked for does not, and which of the fixed fields had to give way. */
export interface Change extends Candidate {
  fields: readonly (keyof Parallelism)[];
}

/** Fields that are changed together at most. */
const FIELDS_MOST = 2;

/**
 * For a request that nothing fits: the layouts that fit when as few of the fixed fields as possible are let go, the fastest of each choice of fields, the
 * fastest first. One field is tried before two; where tp, pp or cp change, dp follows and counts for nothing. Empty where even two are not enough.
 */
export function smallestChanges(request: SearchRequest): Change[] {
  const { fixed = {} } = request;
  const fields = fieldsOf(fixed).filter((field) => field !== 'dp' || !isGridFixed(fixed));
  for (let count = 1; count <= FIELDS_MOST; count += 1) {
    const changes = choicesOf(fields, count).flatMap((released) => {
      const [best] = fitting({ ...request, fixed: without(fixed, released), best: 1 });
      return best === undefined ? [] : [{ ...best, fields: released }];
    });
    if (changes.length > 0) return changes.toSorted((a, b) => a.cost.iterationSeconds - b.cost.iterationSeconds);
  }
  return [];
}

/** The least number of GPUs, doubling from the request's to `gpusMost`, on which something fits with the fields fixed; null where none does. */
export function gpusToFit(request: SearchRequest, gpusMost: number): number | null {
  const { machine, fixed = {} } = request;
  for (let gpus = 2 * machine.gpus; gpus <= gpusMost; gpus *= 2) {
    const larger = { ...request, machine: { ...machine, gpus }, fixed: without(fixed, ['dp']), best: 1 };
    if (fitting(larger).length > 0) return gpus;
  }
  return null;
}

function fitting(request: SearchRequest): readonly Candidate[] {
  const { best, fits } = search(request);
  return fits ? best : [];
}

function isGridFixed({ tp, pp, cp }: Partial<Parallelism>): boolean {
  return tp !== undefined && pp !== undefined && cp !== undefined;
}

const FIELDS = [
  'tp',
  'pp',
  'cp',
  'ep',
  'dp',
  'microBatch',
  'interleave',
  'recompute',
  'sequenceParallel',
  'zero',
  'offload',
] as const satisfies readonly (keyof Parallelism)[];

function fieldsOf(fixed: Partial<Parallelism>): (keyof Parallelism)[] {
  return FIELDS.filter((field) => fixed[field] !== undefined);
}

function without(fixed: Partial<Parallelism>, released: readonly (keyof Parallelism)[]): Partial<Parallelism> {
  const kept = { ...fixed };
  for (const field of released) delete kept[field];
  if (released.some((field) => field === 'tp' || field === 'pp' || field === 'cp')) delete kept.dp;
  return kept;
}

function choicesOf<Item>(items: readonly Item[], count: number): Item[][] {
  if (count === 0) return [[]];
  return items.flatMap((item, index) => choicesOf(items.slice(index + 1), count - 1).map((rest) => [item, ...rest]));
}
