import type { MemoryBreakdown, StepBreakdown } from '../../../planner/step-cost.ts';
import { digits, whole } from '../plan-report.ts';

/** A name and what it means, for somebody new to it. */
export interface Term {
  name: string;
  meaning: string;
}

/** In the order they are drawn: computing, computing again, communicating, waiting, updating. */
export const STEP_TERMS: Readonly<Record<keyof StepBreakdown, Term>> = {
  compute: { name: 'Matrix arithmetic', meaning: 'the layers of the model, forward and backward: the work itself' },
  memoryBound: { name: 'Small operations', meaning: 'norms, activations and sums, as fast as GPU memory can be read' },
  embedding: { name: 'Words in and out', meaning: 'looking up tokens, predicting the next ones and the loss' },
  recompute: { name: 'Recompute', meaning: 'results calculated a second time instead of being kept in memory' },
  tensorParallel: { name: 'Tensor parallel', meaning: 'GPUs that share each layer add up their parts' },
  contextParallel: { name: 'Context parallel', meaning: 'GPUs that share a long text exchange what it refers to' },
  expertParallel: { name: 'Expert parallel', meaning: 'tokens travel to the GPUs that hold their experts' },
  pipeline: { name: 'Pipeline sends', meaning: 'results handed from one stage of layers to the next' },
  dataParallel: {
    name: 'Data parallel',
    meaning: 'copies of the model agree on the update, where not hidden behind work',
  },
  bubble: { name: 'Pipeline bubble', meaning: 'stages that wait while a step begins and ends' },
  host: { name: 'Host', meaning: 'waiting for the CPUs to hand out work' },
  optimizer: { name: 'Optimizer', meaning: 'the update of the weights' },
  offload: { name: 'Offload', meaning: 'state moved to and from the memory of the host' },
};

export const MEMORY_TERMS: Readonly<Record<keyof MemoryBreakdown, Term>> = {
  weights: { name: 'Weights', meaning: 'the model itself' },
  gradients: { name: 'Gradients', meaning: 'how each weight is to change' },
  optimizer: { name: 'Optimizer state', meaning: 'the memory of past changes, and weights in full precision' },
  activations: { name: 'Activations', meaning: 'results kept from the forward for the backward pass' },
  temporary: { name: 'Temporary', meaning: 'buffers of the layer at work' },
  reserve: { name: 'Reserve', meaning: 'libraries, and what is lost to fragmentation' },
};

const GIB = 2 ** 30;

export function gib(bytes: number): string {
  return `${(bytes / GIB).toFixed(1)} GiB`;
}

export function inGib(bytes: number): number {
  return bytes / GIB;
}

const COUNTS: readonly [number, string][] = [
  [1e12, 'trillion'],
  [1e9, 'billion'],
  [1e6, 'million'],
];

/** `300 billion`, `1.4 trillion`, `51,200`. */
export function inWords(count: number): string {
  const found = COUNTS.find(([size]) => count >= size);
  if (found === undefined) return whole(Math.round(count));
  const [size, name] = found;
  return `${Number((count / size).toPrecision(3)).toLocaleString('en')} ${name}`;
}

/** `20.8 days`, `7.2 hours`, `35 minutes`. */
export function duration(days: number): string {
  if (days >= 2) return `${digits(days)} days`;
  const hours = 24 * days;
  return hours >= 2 ? `${digits(hours)} hours` : `${digits(60 * hours)} minutes`;
}

/** Both ends in the unit of the larger: `19.7 to 21.8 days`. */
export function durationRange([low, high]: readonly [number, number]): string {
  const [unit, perDay] = high >= 2 ? ['days', 1] : high >= 2 / 24 ? ['hours', 24] : ['minutes', 1440];
  return `${digits(low * perDay)} to ${digits(high * perDay)} ${unit}`;
}
