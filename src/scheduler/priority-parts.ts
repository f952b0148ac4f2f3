import { inQueue } from './job-entries.ts';
import { prioritizedJob } from './job-priorities.ts';
import type { JobRecord } from './job-record.ts';
import type { Ledger } from './ledger.ts';
import type { PriorityParts } from './types.ts';

/**
 * What a job's priority is made of, as of the last calculation; null where it is a number of its own (`basic`). Of one that names several partitions
 * that in the first of them in which its turn comes.
 */
export function priorityParts({ kinds, queue }: Ledger, asked: JobRecord): PriorityParts | null {
  const [job = asked] = queue.inTurn(inQueue(asked));
  const { multifactor, fairShare } = kinds;
  const factor = fairShare.factor(job.kind.association);
  const prioritized = prioritizedJob(job);
  const parts = multifactor.parts(prioritized, job.eligibleMs, factor, fairShare.calculatedMs);
  return parts === null ? null : { priority: job.priority, ...parts, own: prioritized.base };
}
