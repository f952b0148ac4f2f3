import type { PartitionPolicy, Policy } from './policy.ts';

/** What a second on one node of a job in a partition counts in fair-share, before the QOS's `usageFactor`. */
export function billingRate(
  { priority }: Pick<Policy, 'priority'>,
  partition: PartitionPolicy | undefined,
  cpus: number,
  gpus: number,
): number {
  const { isMostBilled } = priority;
  const weights = partition?.billingWeights ?? priority.billingWeights;
  if (weights === null) return gpus > 0 ? gpus : cpus;
  const [ofCpus, ofGpus] = [weights.cpu * cpus, weights.gpu * gpus];
  return isMostBilled ? Math.max(ofCpus, ofGpus) : ofCpus + ofGpus;
}
