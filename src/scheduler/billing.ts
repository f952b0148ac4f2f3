import type { Resources } from '../cluster/node.ts';
import type { PartitionPolicy, Policy } from './policy.ts';

const GIBI = 1024 ** 3;

/**
 * What a second on one node of a job in a partition counts in fair-share, before the QOS's `usageFactor`. `memoryBytes`: where it is not that of
 * the resources.
 */
export function billingRate(
  { priority }: Pick<Policy, 'priority'>,
  partition: PartitionPolicy | undefined,
  { cpus, memoryBytes: ofResources, gpus }: Resources,
  memoryBytes = ofResources,
): number {
  const { isMostBilled } = priority;
  const weights = partition?.billingWeights ?? priority.billingWeights;
  if (weights === null) return gpus > 0 ? gpus : cpus;
  const { cpu, gpu, gibibyte = 0, node = 0 } = weights;
  const ofCpus = cpu * cpus;
  const ofGpus = gpu * gpus;
  const ofMemory = (gibibyte * memoryBytes) / GIBI;
  return isMostBilled ? Math.max(ofCpus, ofGpus, ofMemory, node) : ofCpus + ofGpus + ofMemory + node;
}
