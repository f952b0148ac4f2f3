import { prioritizedJob } from './job-priorities.ts';
import type { JobRecord } from './job-record.ts';
import type { Ledger } from './ledger.ts';
import type { PriorityParts } from './types.ts';

/** What a job's priority is made of, as of the last calculation; null where it is a number of its own (`basic`). */
export function priorityParts({ kinds, queue }: Ledger, job: JobRecord): PriorityParts | null {
  queue.refresh(job);
  const { multifactor, fairShare } = kinds;
  const factor = fairShare.factor(job.kind.association);
  const asked = prioritizedJob(job.request);
  const parts = multifactor.parts(asked, job.eligibleMs, factor, fairShare.calculatedMs);
  return parts === null ? null : { priority: job.priority, ...parts, own: asked.base };
}
