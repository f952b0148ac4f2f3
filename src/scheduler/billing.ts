import type { Policy } from './policy.ts';

/** What a second on one node counts in fair-share, before the QOS's `usageFactor`. */
export function billingRate({ priority: { billingWeights: weights } }: Policy, cpus: number, gpus: number): number {
  if (weights === null) return gpus > 0 ? gpus : cpus;
  return weights.cpu * cpus + weights.gpu * gpus;
}
