import type { SchedulerEvent } from '../scheduler/types.ts';

/** The job that an event is about; null for none. */
export function jobIdOf(event: SchedulerEvent): number | null {
  if (event.kind === 'JobSubmitted') return event.job.jobId;
  return 'jobId' in event ? event.jobId : null;
}

/** The node that an event is about; null for none. */
export function nodeNameOf(event: SchedulerEvent): string | null {
  if (event.kind === 'NodeAdded') return event.node.name;
  return 'nodeName' in event ? event.nodeName : null;
}
