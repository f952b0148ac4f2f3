import { evenBatches } from '../../planner/default-batch.ts';
import { scalingCurve } from '../../planner/scaling.ts';
import { search } from '../../planner/search.ts';
import { makePlan, type PlanReport } from './plan.ts';
import {
  type PlanOptions,
  type PlanRequest,
  readRequest,
  refuseInvalid,
  withGlobalBatch,
  withGpus,
} from './request.ts';

/** How much faster than the first cluster, and that over how many times more GPUs it has. */
export interface Scaling {
  globalBatch: number;
  tokensPerSecond: number;
  speedUp: number;
  efficiency: number;
}

export interface Compared {
  plan: PlanReport;
  /** The same work: about the same global batch everywhere. */
  strong: Scaling;
  /** Work that grows with the machine: the global batch in proportion to the GPUs. */
  weak: Scaling;
}

/** One run planned on several clusters, each compared with the first. */
export async function compareClusters(
  names: readonly string[],
  options: Omit<PlanOptions, 'cluster'>,
): Promise<Compared[]> {
  const compared: Compared[] = [];
  for (const cluster of names) {
    const request = withBatchOf(compared[0]?.plan, await resolveWithin({ ...options, cluster }));
    const plan = await makePlan(request);
    const first = compared[0]?.plan ?? plan;
    const grown =
      plan.gpus === first.gpus
        ? plan
        : await makePlan(withFastestBatch(request, (first.globalBatch * plan.gpus) / first.gpus));
    compared.push({ plan, strong: scalingOf(plan, first), weak: scalingOf(grown, first) });
  }
  return compared;
}

/** On as many GPUs as are fastest where no number was asked for: few batches split evenly over all of a cluster. */
async function resolveWithin(options: PlanOptions): Promise<PlanRequest> {
  const request = await readRequest(options);
  if (options.gpus === undefined) {
    const [point] = scalingCurve(request, [request.machine.gpus]).strong;
    if (point !== undefined) return withGlobalBatch(withGpus(request, point.gpus), point.globalBatch);
  }
  refuseInvalid(request);
  return request;
}

/** Where no batch was given, the first cluster's, or one near it that suits the GPUs of this one where these are another number. */
function withBatchOf(first: PlanReport | undefined, request: PlanRequest): PlanRequest {
  if (first === undefined || request.isGlobalBatchGiven) return request;
  if (first.gpus === request.machine.gpus) return withBatch(request, first.globalBatch);
  return withFastestBatch(request, first.globalBatch);
}

/** Batches that are searched around the one wanted. */
const TRIED_MOST = 8;

/** With the batch near the one wanted that trains the most tokens a second: how evenly it splits matters more than its size. */
function withFastestBatch(request: PlanRequest, wanted: number): PlanRequest {
  const batches = evenBatches(wanted, request.machine.gpus).slice(0, TRIED_MOST);
  const [first = Math.max(1, Math.round(wanted))] = batches;
  const rate = (batch: number) => {
    const { best, fits } = search({ ...withGlobalBatch(request, batch), best: 1 });
    return fits && best[0] !== undefined ? batch / best[0].cost.iterationSeconds : 0;
  };
  let fastest = { batch: first, rate: 0 };
  for (const batch of batches) {
    const found = { batch, rate: rate(batch) };
    if (found.rate > fastest.rate) fastest = found;
  }
  return withBatch(request, fastest.batch);
}

function withBatch(request: PlanRequest, globalBatch: number): PlanRequest {
  const changed = withGlobalBatch(request, globalBatch);
  refuseInvalid(changed);
  return changed;
}

function scalingOf(plan: PlanReport, first: PlanReport): Scaling {
  const { globalBatch } = plan;
  const { tokensPerSecond } = plan.best;
  const speedUp = tokensPerSecond / first.best.tokensPerSecond;
  return { globalBatch, tokensPerSecond, speedUp, efficiency: speedUp / (plan.gpus / first.gpus) };
}
