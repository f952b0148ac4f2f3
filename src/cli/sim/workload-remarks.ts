import type { QosPolicy } from '../../scheduler/policy.ts';
import { offeredLoad } from '../../twin/workload.ts';
import type { WorkloadSpec } from '../../twin/workload-spec.ts';
import { digits, percent, whole } from '../render/sim-words.ts';
import type { ReadingRemark } from './simulation-inputs.ts';

/** That of jobs which name none, whether or not a policy says more of it. */
const QOS_DEFAULT = 'normal';

/** What a policy does not have makes no difference to a job. */
export function strangeQosRemarks(
  name: string,
  spec: WorkloadSpec,
  qosOfPolicy: readonly Pick<QosPolicy, 'name'>[],
): ReadingRemark[] {
  const known = new Set([QOS_DEFAULT, ...qosOfPolicy.map((qos) => qos.name)]);
  const named = new Set(spec.sizes.flatMap(({ qos }) => Object.keys(qos)));
  const strange = [...named].filter((qos) => !known.has(qos));
  if (strange.length === 0) return [];
  const what = `left out of ${name}: QOS ${strange.join(', ')}: the policy has none of this name`;
  return [{ what, examples: [] }];
}

/** Whoever asks for more than there is should know before he reads waits. */
export function overloadRemarks(name: string, spec: WorkloadSpec, clusterGpus: number, load: number): ReadingRemark[] {
  const offered = offeredLoad(spec, { clusterGpus, load });
  if (offered <= 1) return [];
  const asks = `${name} asks for ${percent(offered)} of the GPU time that there is, so the queue grows until the end and waits are longer the longer the run`;
  const scale = clusterGpus / spec.clusterGpus;
  const mend =
    scale < 1
      ? `: it is the work of ${whole(spec.clusterGpus)} GPUs, and --load ${digits(scale)} has its share for ${whole(clusterGpus)}`
      : '';
  return [{ what: `${asks}${mend}`, examples: [] }];
}
