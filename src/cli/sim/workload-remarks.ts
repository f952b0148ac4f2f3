import { DEFAULT_QOS } from '../../scheduler/default-names.ts';
import type { QosPolicy } from '../../scheduler/qos-and-accounts.ts';
import { offeredLoad } from '../../twin/workload.ts';
import type { WorkloadSpec } from '../../twin/workload-spec.ts';
import { digits, percent, whole } from '../render/sim-words.ts';
import type { ReadingRemark } from './simulation-inputs.ts';

/** What a policy does not have makes no difference to a job. */
export function strangeQosRemarks(
  name: string,
  spec: WorkloadSpec,
  qosOfPolicy: readonly Pick<QosPolicy, 'name'>[],
): ReadingRemark[] {
  const known = new Set([DEFAULT_QOS, ...qosOfPolicy.map((qos) => qos.name)]);
  const named = new Set(spec.sizes.flatMap(({ qos }) => Object.keys(qos)));
  const strange = [...named].filter((qos) => !known.has(qos));
  if (strange.length === 0) return [];
  const what = `left out of ${name}: QOS ${strange.join(', ')}: the policy has none of this name`;
  return [{ what, examples: [] }];
}

/** Whoever asks for more than there is should know before he reads waits. Arrivals grow evenly to 1 + `growth` times what they are at first. */
export function overloadRemarks(
  name: string,
  spec: WorkloadSpec,
  { clusterGpus, load, growth, days }: { clusterGpus: number; load: number; growth: number; days: number },
): ReadingRemark[] {
  const first = offeredLoad(spec, { clusterGpus, load });
  const last = first * (1 + growth);
  if (Math.max(first, last) <= 1) return [];
  if (first <= 1) {
    const day = Math.ceil((days * (1 / first - 1)) / growth);
    const what = `${name} asks for ${percent(first)} of the GPU time that there is at first and for ${percent(last)} at the end: from about day ${whole(day)} on the queue grows without end, and waits are longer the longer the run`;
    return [{ what, examples: [] }];
  }
  const asks = `${name} asks for ${percent(first)} of the GPU time that there is, so the queue grows until the end and waits are longer the longer the run`;
  const scale = clusterGpus / spec.clusterGpus;
  const mend =
    scale < 1
      ? `: it is the work of ${whole(spec.clusterGpus)} GPUs, and --load ${digits(scale)} has its share for ${whole(clusterGpus)}`
      : '';
  return [{ what: `${asks}${mend}`, examples: [] }];
}
