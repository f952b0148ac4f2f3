import { prioritizedJob } from './job-priorities.ts';
import type { JobRecord } from './job-record.ts';
import type { Ledger } from './ledger.ts';
import { isAhead } from './queue-front.ts';
import type { PriorityParts } from './types.ts';

/**
 * What a job's priority is made of, as of the last calculation; null where it is a number of its own (`basic`). Of one that names several partitions
 * that in the first of them in which its turn comes.
 */
export function priorityParts({ kinds, queue }: Ledger, asked: JobRecord): PriorityParts | null {
  for (const entry of asked.entries ?? []) queue.refresh(entry);
  const job = [...(asked.entries ?? [])].sort((a, b) => (isAhead(a, b) ? -1 : 1))[0] ?? asked;
  queue.refresh(job);
  const { multifactor, fairShare } = kinds;
  const factor = fairShare.factor(job.kind.association);
  const prioritized = prioritizedJob(job.request);
  const parts = multifactor.parts(prioritized, job.eligibleMs, factor, fairShare.calculatedMs);
  return parts === null ? null : { priority: job.priority, ...parts, own: prioritized.base };
}
