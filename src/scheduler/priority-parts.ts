import { DEFAULT_QOS } from './default-names.ts';
import type { JobRecord } from './job-record.ts';
import type { Ledger } from './ledger.ts';
import type { PriorityParts } from './types.ts';

/** What a job's priority is made of, as of the last calculation; null where it is a number of its own (`basic`). */
export function priorityParts({ kinds, queue }: Ledger, job: JobRecord): PriorityParts | null {
  queue.refresh(job);
  const { multifactor, fairShare } = kinds;
  const { nodes, perNode, qos = DEFAULT_QOS, partition = null, priority: base } = job.request;
  const factor = fairShare.factor(job.kind.association);
  const parts = multifactor.parts(
    { nodes, cpus: nodes * perNode.cpus, qos, partition, base },
    job.eligibleMs,
    factor,
    fairShare.calculatedMs,
  );
  return parts === null ? null : { priority: job.priority, ...parts, own: base };
}
