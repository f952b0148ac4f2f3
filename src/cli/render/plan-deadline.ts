import type { Deadline } from '../plan/deadline.ts';
import type { PlanReport } from '../plan/plan.ts';
import { digits, whole } from './plan-report.ts';

/** The answer to how many nodes are needed, in one line. */
export function renderDeadline(
  { seconds, isMet, gpus, nodes, tried }: Deadline,
  { best, cluster }: PlanReport,
): string {
  const days = `${digits(seconds / 86_400)} days`;
  const takes = `${digits(best.expectedDays)} days with failures`;
  const searched = tried === 1 ? 'all of it searched' : `${tried} sizes searched`;
  return isMet
    ? `${whole(nodes)} nodes (${whole(gpus)} GPUs) of ${cluster.name} end within ${days}: ${takes}; ${searched}`
    : `${cluster.name} cannot end within ${days}: ${whole(nodes)} nodes (${whole(gpus)} GPUs) take ${takes}; ${searched}`;
}
