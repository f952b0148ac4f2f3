import { type ScalingPoint, scalingCurve } from '../../planner/scaling.ts';
import { timeOf } from './plan.ts';
import { gpusOf, type PlanRequest } from './request.ts';

const SECONDS_PER_DAY = 86_400;

/** GPUs of RSC phase 2, shown on every curve. */
export const GPUS_OF_PHASE_2 = 16_000;

/** What is special about a number of GPUs. */
export type Mark = 'this plan' | 'size of this plan' | 'whole cluster' | 'hypothetical';

export interface MarkedPoint extends ScalingPoint {
  /** With failures, restarts and checkpoints. */
  expectedDays: number;
  ettr: number;
  marks: Mark[];
}

export interface ScalingReport {
  strong: MarkedPoint[];
  weak: MarkedPoint[];
}

/**
 * What other numbers of GPUs would give: powers of two of nodes, the request's number, the whole cluster and 16,000 GPUs. Numbers beyond the cluster are
 * marked hypothetical: the cluster grown by more of the same nodes and links.
 */
export function scalingOf(request: PlanRequest): ScalingReport {
  const own = request.machine.gpus;
  const whole = gpusOf(request.cluster);
  const most = Math.max(own, whole, GPUS_OF_PHASE_2);
  const targets = new Set([own, whole, GPUS_OF_PHASE_2]);
  for (let gpus = request.machine.gpusPerNode; gpus <= most; gpus *= 2) targets.add(gpus);
  const curve = scalingCurve(
    request,
    [...targets].toSorted((a, b) => a - b),
  );
  const marked = (point: ScalingPoint): MarkedPoint => {
    const { targetGpus, gpus, globalBatch, iterationSeconds } = point;
    const marks: Mark[] = [];
    if (targetGpus === own) marks.push(gpus === own ? 'this plan' : 'size of this plan');
    if (targetGpus === whole) marks.push('whole cluster');
    if (targetGpus > whole) marks.push('hypothetical');
    const sized = {
      ...request,
      machine: { ...request.machine, gpus },
      workload: { ...request.workload, globalBatch },
    };
    const { expectedSeconds, ettr } = timeOf(sized, iterationSeconds);
    return { ...point, expectedDays: expectedSeconds / SECONDS_PER_DAY, ettr, marks };
  };
  return { strong: curve.strong.map(marked), weak: curve.weak.map(marked) };
}
