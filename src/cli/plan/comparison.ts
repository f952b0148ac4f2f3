import { evenBatch } from '../../planner/default-batch.ts';
import { makePlan, type PlanReport } from './plan.ts';
import { type PlanOptions, type PlanRequest, refuseInvalid, resolveRequest } from './request.ts';

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
    const request = withBatchOf(compared[0]?.plan, await resolveRequest({ ...options, cluster }));
    const plan = await makePlan(request);
    const first = compared[0]?.plan ?? plan;
    const wanted = (first.globalBatch * plan.gpus) / first.gpus;
    const grown = plan === first ? plan : await makePlan(withBatch(request, evenBatch(wanted, plan.gpus)));
    compared.push({ plan, strong: scalingOf(plan, first), weak: scalingOf(grown, first) });
  }
  return compared;
}

/** Where no batch was given, the first cluster's, made even for the GPUs of this one. */
function withBatchOf(first: PlanReport | undefined, request: PlanRequest): PlanRequest {
  if (first === undefined || request.isGlobalBatchGiven) return request;
  return withBatch(request, evenBatch(first.globalBatch, request.machine.gpus));
}

function withBatch(request: PlanRequest, globalBatch: number): PlanRequest {
  const changed = { ...request, workload: { ...request.workload, globalBatch } };
  refuseInvalid(changed);
  return changed;
}

function scalingOf(plan: PlanReport, first: PlanReport): Scaling {
  const { globalBatch } = plan;
  const { tokensPerSecond } = plan.best;
  const speedUp = tokensPerSecond / first.best.tokensPerSecond;
  return { globalBatch, tokensPerSecond, speedUp, efficiency: speedUp / (plan.gpus / first.gpus) };
}
