import type { ClusterReport } from '../src/cli/cluster-report.ts';
import { timeOf } from '../src/cli/plan/plan.ts';
import { gpusOf, type PlanRequest, resolveRequest } from '../src/cli/plan/request.ts';
import { divisorsOf } from '../src/lib/divisors.ts';
import { search } from '../src/planner/search.ts';

/** The training rates that the claims page compares. */

export const SEQUENCE_LENGTH = 2048;
export const STACK = 'megatron-2022';
const MODELS = ['megatron-18.4b', 'opt-66b', 'gpt3-175b', 'megatron-1t'] as const;
/** Sequences in a step, about: 3, 13 and 50 million tokens. */
const BATCHES = [1536, 6144, 24_576] as const;
/** Batches, replicas and stages must divide: the best batch so near to the one named is taken, and the best number of GPUs so near to all. */
export const BATCH_ROOM = 0.05;
export const IDLE_MOST = 0.1;
/** Any number serves: rates and ratios do not depend on it. */
const TOKENS = 300e9;
/** Part of phase 1, in steps of so many GPUs. */
const PART_STEP = 320;

export interface Rate {
  gpus: number;
  globalBatch: number;
  /** Tensor parallelism that crosses nodes. */
  isTensorSplitOverNodes: boolean;
  tokensPerSecond: number;
  ettr: number;
}

/** One model and batch on both phases. */
export interface Scaling {
  model: string;
  batch: number;
  one: Rate;
  /** The same batch, and one grown with the GPUs. */
  two: Rate;
  twoGrown: Rate;
}

/** How many times as fast steps are, and a run with its failures. */
export const stepRatio = (from: Rate, to: Rate) => to.tokensPerSecond / from.tokensPerSecond;
export const runRatio = (from: Rate, to: Rate) => stepRatio(from, to) * (to.ettr / from.ettr);

export async function measureScaling(one: ClusterReport, two: ClusterReport): Promise<Scaling[]> {
  const growth = gpusOf(two) / gpusOf(one);
  const scaling: Scaling[] = [];
  for (const model of MODELS) {
    for (const batch of BATCHES) {
      scaling.push({
        model,
        batch,
        one: await bestRate(one, model, batch),
        two: await bestRate(two, model, batch),
        twoGrown: await bestRate(two, model, batch * growth),
      });
    }
  }
  return scaling;
}

/** The most GPUs of a cluster on which a run is no faster than a third of `goal`, failures included, and the same batch. */
export async function largestThird(cluster: ClusterReport, { model, batch, two }: Scaling): Promise<number> {
  for (let gpus = gpusOf(cluster); gpus > PART_STEP; gpus -= PART_STEP) {
    if (runRatio(await bestRate(cluster, model, batch, [gpus]), two) >= 3) return gpus;
  }
  return PART_STEP;
}

async function bestRate(
  cluster: ClusterReport,
  model: string,
  batch: number,
  gpuCounts: readonly number[] = nearlyAll(gpusOf(cluster)),
): Promise<Rate> {
  const options = {
    cluster: cluster.name,
    model,
    tokens: TOKENS,
    seq: SEQUENCE_LENGTH,
    stack: STACK,
    offload: false,
  } as const;
  const request = await resolveRequest(options);
  const rates: Rate[] = [];
  for (const gpus of gpuCounts) {
    for (const globalBatch of batchesNear(batch, gpus)) rates.push(...rateOf(request, globalBatch, gpus));
  }
  const [best] = rates.toSorted((a, b) => b.tokensPerSecond - a.tokensPerSecond);
  if (best === undefined)
    throw new Error(`${model} cannot be laid out on about ${gpuCounts[0]} GPUs of ${cluster.name}`);
  return best;
}

/** All GPUs, and fewer in multiples of 64 without a prime factor above 5. */
function nearlyAll(most: number): number[] {
  const counts = [most];
  for (let gpus = most - 1; gpus >= (1 - IDLE_MOST) * most; gpus -= 1) {
    let rest = gpus % 64 === 0 ? gpus : 0;
    for (const factor of [2, 3, 5]) while (rest > 0 && rest % factor === 0) rest /= factor;
    if (rest === 1) counts.push(gpus);
  }
  return counts;
}

/** For each number of replicas that nodes divide into, the multiple nearest to the batch. */
function batchesNear(batch: number, gpus: number): number[] {
  const near = divisorsOf(gpus / 8).map((replicas) => replicas * Math.max(1, Math.round(batch / replicas)));
  return [...new Set(near)].filter((size) => Math.abs(size / batch - 1) <= BATCH_ROOM);
}

/** Nothing where the batch cannot be split over so many GPUs, or nothing fits. */
function rateOf(any: PlanRequest, globalBatch: number, gpus: number): Rate[] {
  const workload = { sequenceLength: SEQUENCE_LENGTH, globalBatch };
  const request = { ...any, machine: { ...any.machine, gpus }, workload };
  const found = search({ ...request, best: 1 });
  const [best] = found.best;
  if (!found.fits || best === undefined) return [];
  const { iterationSeconds } = best.cost;
  const tokensPerSecond = (globalBatch * SEQUENCE_LENGTH) / iterationSeconds;
  const isTensorSplitOverNodes = best.parallelism.tp > request.machine.gpusPerNode;
  return [{ gpus, globalBatch, isTensorSplitOverNodes, tokensPerSecond, ettr: timeOf(request, iterationSeconds).ettr }];
}
