import type { Parallelism } from './parallelism.ts';
import type { MemoryBreakdown, StepBreakdown, StepCost } from './step-cost.ts';

interface Planned {
  parallelism: Parallelism;
  cost: StepCost;
}

const SECONDS: Readonly<Record<keyof StepBreakdown, string>> = {
  compute: 'GEMMs and attention',
  memoryBound: 'memory-bound kernels',
  embedding: 'embedding and loss',
  recompute: 'recompute',
  host: 'host launches',
  tensorParallel: 'tensor-parallel collectives',
  contextParallel: 'context-parallel exchange',
  expertParallel: 'expert dispatch',
  pipeline: 'sends between stages',
  bubble: 'pipeline bubble',
  dataParallel: 'exposed data-parallel collectives',
  optimizer: 'optimizer',
  offload: 'offload',
};
const MEMORY: Readonly<Record<keyof MemoryBreakdown, string>> = {
  weights: 'weights',
  gradients: 'gradients',
  optimizer: 'optimizer state',
  activations: 'activations',
  temporary: 'temporary buffers',
  reserve: 'reserve',
};
/** Differences named, at most. */
const NAMED_MOST = 3;
/** Layouts nearer than this are called equally fast: what is printed would be 0.0 %. */
const EQUAL_SHARE = 0.0005;
/** Smaller differences than this share of the step are not worth a word. */
const NAMED_SHARE = 0.002;

/** What makes the first layout faster than the second, or, given none, where its own time goes. */
export function whyBest(best: Planned, next: Planned | undefined): string {
  if (next === undefined) return `the only choice; most of a step is ${largestOf(best.cost.seconds, SECONDS)}`;
  const ahead = next.cost.iterationSeconds / best.cost.iterationSeconds - 1;
  const how = ahead < EQUAL_SHARE ? 'as fast as' : `${(100 * ahead).toFixed(1)} % faster than`;
  return `${how} ${contrast(next.parallelism, best.parallelism)}: ${differences(next.cost, best.cost)}`;
}

/** What another layout loses against the best, and what memory it saves. */
export function whyNotBest(other: Planned, best: Planned): string {
  const behind = other.cost.iterationSeconds / best.cost.iterationSeconds - 1;
  const how = behind < EQUAL_SHARE ? 'as fast' : `${(100 * behind).toFixed(1)} % slower`;
  const bytes = gibibytes(Math.abs(other.cost.memoryBytes - best.cost.memoryBytes));
  const memory =
    bytes === gibibytes(0)
      ? 'the same memory'
      : `${bytes} ${other.cost.memoryBytes > best.cost.memoryBytes ? 'more' : 'less'} memory`;
  return `${how}: ${differences(best.cost, other.cost)}; ${memory}`;
}

/** By how much a layout that does not fit fails to, and what takes the room. */
export function whyUnfit({ cost }: Planned, memoryBytes: number): string {
  const over = cost.memoryBytes - memoryBytes;
  const need = `needs ${gibibytes(cost.memoryBytes)} on stage ${cost.fullestStage}`;
  if (over <= 0) return `${need} and ${gibibytes(cost.hostMemoryBytes)} of host memory a GPU, more than there is`;
  return `${need}, ${gibibytes(over)} too much; most of it is ${largestOf(cost.memory, MEMORY)}`;
}

/** The parts of a step that differ most, the largest first: what `to` takes longer or shorter than `from`. */
function differences(from: StepCost, to: StepCost): string {
  const least = NAMED_SHARE * from.iterationSeconds;
  const parts = [...partsOf(SECONDS)]
    .map(([part, name]) => ({ name, change: to.seconds[part] - from.seconds[part] }))
    .filter(({ change }) => Math.abs(change) > least)
    .toSorted((a, b) => Math.abs(b.change) - Math.abs(a.change))
    .slice(0, NAMED_MOST)
    .map(({ name, change }) => `${name} ${change > 0 ? '+' : '-'}${seconds(Math.abs(change))}`);
  return parts.length === 0 ? 'no part differs by much' : parts.join(', ');
}

function largestOf<K extends string>(parts: Readonly<Record<K, number>>, names: Readonly<Record<K, string>>): string {
  let largest = '';
  let most = -Infinity;
  for (const [part, name] of partsOf(names)) {
    if (parts[part] <= most) continue;
    most = parts[part];
    largest = name;
  }
  return largest;
}

function* partsOf<K extends string>(names: Readonly<Record<K, string>>): Generator<[K, string]> {
  for (const part in names) yield [part, names[part]];
}

/** A layout by what tells it from another: how it divides the GPUs, or where that is the same, the rest. */
function contrast(layout: Parallelism, from: Parallelism): string {
  const { tp, pp, dp, cp, ep, microBatch, interleave, recompute, zero } = layout;
  if (tp !== from.tp || pp !== from.pp || dp !== from.dp) {
    return `tp ${tp} x pp ${pp} x dp ${dp}${cp > 1 ? ` x cp ${cp}` : ''}${ep > 1 ? ` with ep ${ep}` : ''}`;
  }
  const parts = [
    ep === from.ep ? '' : `ep ${ep}`,
    microBatch === from.microBatch ? '' : `microbatch ${microBatch}`,
    interleave === from.interleave ? '' : `interleave ${interleave}`,
    recompute === from.recompute ? '' : `recompute ${recompute}`,
    layout.sequenceParallel === from.sequenceParallel ? '' : `sequence parallelism ${onOff(layout.sequenceParallel)}`,
    zero === from.zero ? '' : `ZeRO ${zero}`,
    layout.offload === from.offload ? '' : `offload ${onOff(layout.offload)}`,
  ];
  return `with ${parts.filter((part) => part !== '').join(', ')}`;
}

function onOff(value: boolean): string {
  return value ? 'on' : 'off';
}

function seconds(value: number): string {
  return value < 0.9995 ? `${(1000 * value).toFixed(value < 0.01 ? 1 : 0)} ms` : `${value.toFixed(2)} s`;
}

function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}
