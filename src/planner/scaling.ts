import { evenBatch } from './default-batch.ts';
import { stepFlops } from './flops.ts';
import { LayoutSpace } from './layout-space.ts';
import type { Parallelism } from './parallelism.ts';
import { type SearchRequest, search } from './search.ts';

const SECONDS_PER_DAY = 86_400;

/** Of the numbers of GPUs near a target: the largest, and those that divide in the most ways, this many of each. */
const TRIED_MOST = 6;

export interface ScalingRequest extends Omit<SearchRequest, 'best'> {
  /** To train on in all. */
  tokens: number;
}

/** The fastest layout on at most so many GPUs. */
export interface ScalingPoint {
  targetGpus: number;
  /** What the layout uses of them, in whole nodes. */
  gpus: number;
  globalBatch: number;
  iterationSeconds: number;
  tokensPerSecond: number;
  /** Steps alone, without failures. */
  days: number;
  mfu: number;
  /** Tokens/s of a GPU used, over that of the smallest point of strong scaling. */
  efficiency: number;
  parallelism: Parallelism;
}

export interface ScalingCurve {
  /** The request's global batch on every number of GPUs. */
  strong: ScalingPoint[];
  /** The global batch in proportion to the GPUs; at the request's number it is the request's. */
  weak: ScalingPoint[];
}

/**
 * The fastest plan for each target. A target's GPUs need not divide into stages and replicas, so smaller numbers of whole nodes are tried too: down to
 * half of it, and further where none of these can be laid out. What the request fixes stays fixed but for dp. Targets on which nothing fits are left out.
 */
export function scalingCurve(request: ScalingRequest, targets: readonly number[]): ScalingCurve {
  const { machine, workload } = request;
  const weakBatch = (gpus: number) => evenBatch((workload.globalBatch * gpus) / machine.gpus, gpus);
  const strong = plans(request, targets, () => workload.globalBatch);
  const weak = plans(request, targets, weakBatch);
  const [base] = strong;
  const measured = (plan: Planned): ScalingPoint => {
    const efficiency = base === undefined ? 1 : (plan.tokensPerSecond * base.gpus) / (plan.gpus * base.tokensPerSecond);
    return { ...plan, efficiency };
  };
  return { strong: strong.map(measured), weak: weak.map(measured) };
}

type Planned = Omit<ScalingPoint, 'efficiency'>;
type Plan = Omit<Planned, 'targetGpus'>;

function plans(request: ScalingRequest, targets: readonly number[], batchOf: (gpus: number) => number): Planned[] {
  return targets.flatMap((targetGpus) => {
    const best = fastestWithin(request, targetGpus, batchOf);
    return best === null ? [] : [{ targetGpus, ...best }];
  });
}

function fastestWithin(request: ScalingRequest, targetGpus: number, batchOf: (gpus: number) => number): Plan | null {
  const { gpusPerNode } = request.machine;
  if (targetGpus < gpusPerNode) return fastest([sized(request, targetGpus, batchOf)]);
  let most = targetGpus - (targetGpus % gpusPerNode);
  while (most >= gpusPerNode) {
    const sizes: Sized[] = [];
    let gpus = most;
    for (; gpus >= gpusPerNode && gpus > most / 2; gpus -= gpusPerNode) sizes.push(sized(request, gpus, batchOf));
    const best = fastest(sizes);
    if (best !== null) return best;
    most = gpus;
  }
  return null;
}

interface Sized {
  request: ScalingRequest;
  /** Layouts of it. */
  spaceSize: number;
}

function sized(request: ScalingRequest, gpus: number, batchOf: (gpus: number) => number): Sized {
  const { dp: _, ...fixed } = request.fixed ?? {};
  const machine = { ...request.machine, gpus };
  const workload = { ...request.workload, globalBatch: batchOf(gpus) };
  const { size } = new LayoutSpace(request.model, machine, workload, request.efficiency.stack.stack, fixed);
  return { request: { ...request, machine, workload, fixed }, spaceSize: size };
}

/** Of sizes in descending order of GPUs. */
function fastest(sizes: readonly Sized[]): Plan | null {
  const usable = sizes.filter(({ spaceSize }) => spaceSize > 0);
  const even = usable.toSorted((a, b) => b.spaceSize - a.spaceSize);
  const tried = new Set([...usable.slice(0, TRIED_MOST), ...even.slice(0, TRIED_MOST)]);
  let best: Plan | null = null;
  for (const { request } of tried) {
    const found = planned(request);
    if (found !== null && found.tokensPerSecond > (best?.tokensPerSecond ?? 0)) best = found;
  }
  return best;
}

function planned(request: ScalingRequest): Plan | null {
  const { model, machine, workload, tokens } = request;
  const { best, fits } = search({ ...request, best: 1 });
  const [first] = best;
  if (!fits || first === undefined) return null;
  const { iterationSeconds } = first.cost;
  const tokensPerStep = workload.globalBatch * workload.sequenceLength;
  const { gpus, gpu } = machine;
  return {
    gpus,
    globalBatch: workload.globalBatch,
    iterationSeconds,
    tokensPerSecond: tokensPerStep / iterationSeconds,
    days: (Math.ceil(tokens / tokensPerStep) * iterationSeconds) / SECONDS_PER_DAY,
    mfu: stepFlops(model, workload, 'none').model / (iterationSeconds * gpus * gpu.peakFlops),
    parallelism: first.parallelism,
  };
}
