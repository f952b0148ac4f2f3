import type { BillingWeights, PartitionPolicy } from '../scheduler/policy.ts';
import type { ConfLine, IgnoredSetting } from './slurm-conf-lines.ts';
import { MEMORY_UNKNOWN, tresWeightsOf } from './slurm-tres-weights.ts';

const MEBI_OF_GIBI = 1024;

/** What use counts for in fair-share (`TRESBillingWeights`): CPUs where the partition does not say. */
export function readBillingWeights(
  line: ConfLine,
  isMemoryConsumed: boolean,
  ignored: IgnoredSetting[],
): Pick<PartitionPolicy, 'billingWeights'> {
  const text = line.values.get('tresbillingweights') ?? '';
  if (text === '') return {};
  const billingWeights: BillingWeights = { cpu: 0, gpu: 0 };
  for (const { tres, value } of tresWeightsOf(text)) {
    if (value !== null && tres === 'cpu') billingWeights.cpu = value;
    else if (value !== null && tres === 'gres/gpu') billingWeights.gpu = value;
    else if (value !== null && tres === 'node') billingWeights.node = value;
    else if (value !== null && tres === 'mem' && isMemoryConsumed) billingWeights.gibibyte = value * MEBI_OF_GIBI;
    else {
      // Once: partitions inherit them from one line.
      const key = `TRESBillingWeights ${tres}`;
      if (ignored.some((told) => told.key === key)) continue;
      const isMemory = tres === 'mem' && value !== null;
      const reason = isMemory ? MEMORY_UNKNOWN : 'use is counted by nodes, CPUs, memory and GPUs';
      ignored.push({ ...line, key, reason });
    }
  }
  const { cpu, gpu, gibibyte = 0, node = 0 } = billingWeights;
  // Where nothing that is counted weighs anything, CPUs do, as where the partition does not say.
  return cpu + gpu + gibibyte + node > 0 ? { billingWeights } : {};
}
