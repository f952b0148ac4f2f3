import type { Policy } from './policy.ts';

/** What a second on one node counts in fair-share, before the QOS's `usageFactor`. */
export function billingRate({ priority }: Policy, cpus: number, gpus: number): number {
  const { billingWeights: weights, isMostBilled } = priority;
  if (weights === null) return gpus > 0 ? gpus : cpus;
  const [ofCpus, ofGpus] = [weights.cpu * cpus, weights.gpu * gpus];
  return isMostBilled ? Math.max(ofCpus, ofGpus) : ofCpus + ofGpus;
}
