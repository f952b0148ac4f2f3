import type { BatchArray } from '../batch/batch-script.ts';
import { taskIdOf } from '../batch/job-key.ts';
import type { MirrorJob } from '../mirror/mirror-job.ts';

/** So often tasks of an array go to Slurm as an array: what is lost again and again goes by itself. */
const SUBMISSIONS_MAX = 3;
/** Tasks in one call: their list has to fit a command line. */
const TASKS_MAX = 10_000;

/** Whether sbatch may be called for the job now, as far as it is up to the job itself. */
export function isReady({ phase, isCancelRequested, record, notBeforeMs }: MirrorJob, nowMs: number): boolean {
  return phase === 'none' && !isCancelRequested && record.refusal === null && nowMs >= notBeforeMs;
}

/** The tasks of the job's array that can go to Slurm in the same call, itself the first; only itself where it is to go alone. */
export function taskGroup(
  first: MirrorJob,
  jobs: Iterable<MirrorJob>,
  { nowMs, maxArraySize }: { nowMs: number; maxArraySize: number },
): MirrorJob[] {
  const { array } = first.request;
  const isFirst = ({ attempt, record }: MirrorJob) => attempt === 0 && record.submission < SUBMISSIONS_MAX;
  if (array === undefined || !isFirst(first)) return [first];
  const isAlike = (job: MirrorJob) =>
    job.request.array?.id === array.id &&
    isFirst(job) &&
    job.isHeld === first.isHeld &&
    isReady(job, nowMs) &&
    // With aftercorr each task waits for another one.
    isWaitingAlike(job, first);
  const lastId = first.request.jobId + Math.min(maxArraySize, TASKS_MAX) - 1;
  return [...jobs]
    .filter((job) => job.request.jobId >= first.request.jobId && job.request.jobId <= lastId && isAlike(job))
    .sort((a, b) => a.request.jobId - b.request.jobId);
}

function isWaitingAlike({ request: one }: MirrorJob, { request: other }: MirrorJob): boolean {
  if (one.dependencies === other.dependencies) return true;
  if (one.dependencies.length !== other.dependencies.length) return false;
  // Of tasks of one array: what they have to hold is written once, and only with aftercorr and singleton on which jobs is another thing for each.
  return one.dependencies.every(({ condition, jobId }, place) => {
    const same = other.dependencies[place];
    return same?.condition === condition && same.jobId === jobId;
  });
}

/** A task as the user numbers it, where that is known, and its job. */
export interface Task {
  jobId: number;
  taskId: number | undefined;
}

/**
 * The array that these tasks are to Slurm, some or all of an array of the user's. Slurm's ids of them are the user's own, so that people see what they
 * wrote, where those are evenly spaced from the first on and none is too high; else they are counted from 0. Null for fewer than two.
 */
export function batchArray(
  tasks: readonly Task[],
  { id, taskIds, runningMax }: { id: number; taskIds: readonly number[]; runningMax: number | null },
  maxArraySize: number,
): BatchArray | null {
  const [first] = tasks;
  if (first === undefined || tasks.length < 2) return null;
  const [min = 0, next = min + 1] = taskIds;
  const own = { first: id, min, step: next - min };
  const isOwn = tasks.every(({ jobId, taskId }) => {
    return taskId !== undefined && taskId < maxArraySize && taskId === taskIdOf(own, jobId);
  });
  const key = isOwn ? own : { first: first.jobId, min: 0, step: 1 };
  return { key, taskIds: tasks.map(({ jobId }) => taskIdOf(key, jobId)), runningMax };
}
