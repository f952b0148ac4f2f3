import type { BillingWeights, PartitionPolicy } from '../scheduler/policy.ts';
import type { ConfLine, IgnoredSetting } from './slurm-conf-lines.ts';

/** Slurm counts memory in MiB: by how much a weight with this unit, which is per so much memory, is divided. */
const MEBI_OF_UNIT: Readonly<Record<string, number>> = { '': 1, m: 1, g: 1024, t: 1024 ** 2, p: 1024 ** 3 };
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
  for (const entry of text.split(',')) {
    const [tres = '', weight = ''] = entry.trim().toLowerCase().split('=');
    const [, digits, unit = ''] = /^(\d*\.?\d+)([a-z]?)$/.exec(weight) ?? [];
    const value = Number(digits);
    const mebi = MEBI_OF_UNIT[unit];
    const isPlain = value >= 0 && unit === '';
    if (isPlain && tres === 'cpu') billingWeights.cpu = value;
    else if (isPlain && tres === 'gres/gpu') billingWeights.gpu = value;
    else if (isPlain && tres === 'node') billingWeights.node = value;
    else if (value >= 0 && tres === 'mem' && mebi !== undefined && isMemoryConsumed)
      billingWeights.gibibyte = (value * MEBI_OF_GIBI) / mebi;
    else {
      // Once: partitions inherit them from one line.
      const key = `TRESBillingWeights ${tres}`;
      if (ignored.some((told) => told.key === key)) continue;
      const isMemory = tres === 'mem' && mebi !== undefined;
      const reason = isMemory
        ? 'memory is no resource that can run out, and what jobs ask of it is not known'
        : 'use is counted by nodes, CPUs, memory and GPUs';
      ignored.push({ ...line, key, reason });
    }
  }
  const { cpu, gpu, gibibyte = 0, node = 0 } = billingWeights;
  // Where nothing that is counted weighs anything, CPUs do, as where the partition does not say.
  return cpu + gpu + gibibyte + node > 0 ? { billingWeights } : {};
}
