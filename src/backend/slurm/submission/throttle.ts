import type { MirrorJob } from '../mirror/mirror-job.ts';
import type { MirrorState } from '../mirror/mirror-state.ts';

/** Whether Slurm has it, or is being asked to take it, and may begin it by itself: one that is held counts for no throttle there. */
function isUnderWay({ phase, isHeld, live }: MirrorJob): boolean {
  return phase !== 'none' && (live !== null || !isHeld);
}

/** How many tasks of each array Slurm has, or is being asked to take, but those that are held. */
export function tasksAtSlurm({ jobs }: MirrorState): Map<number, number> {
  const counts = new Map<number, number>();
  for (const job of jobs.values()) {
    const { array } = job.request;
    if (array === undefined || !isUnderWay(job)) continue;
    counts.set(array.id, (counts.get(array.id) ?? 0) + 1);
  }
  return counts;
}

/**
 * Whether more tasks of its array could run than may at once (`%4`) if Slurm were to release this one, which it holds, beside those that it is releasing:
 * its own `%4` counts the tasks of one submission alone, and some went by themselves.
 */
export function isReleaseTooMuch(
  job: MirrorJob,
  { jobs }: MirrorState,
  releasing: ReadonlySet<MirrorJob> = new Set(),
): boolean {
  const { array, jobId } = job.request;
  if (array === undefined || array.runningMax === null) return false;
  let others = 0;
  let isMixed = false;
  for (const other of jobs.values()) {
    if (other.request.array?.id !== array.id || other.request.jobId === jobId) continue;
    if (!isUnderWay(other) && !releasing.has(other)) continue;
    others += 1;
    isMixed ||= arrayAtSlurm(other) !== arrayAtSlurm(job);
    if (isMixed && others >= array.runningMax) return true;
  }
  return false;
}

/** What tells the submissions of an array apart. */
function arrayAtSlurm({ request, record }: MirrorJob): string {
  const { arrayKey, arrayTask, submission } = record;
  return arrayKey === null ? `job ${request.jobId}` : `${arrayTask?.split('_')[0]} ${arrayKey} ${submission}`;
}
