import { OrreryError } from '../../contract/errors.ts';
import { parseJobArray } from '../../contract/job-array.ts';
import { addressOf, isEnded, type SlurmJob } from './slurm-job.ts';

/** So that squeue writes lists of tasks whole, which it cuts off after 64 characters otherwise. */
export const WHOLE_LISTS = { SLURM_BITSTR_LEN: '0' } as const;

/** `3-5,9`, as Slurm's commands take tasks of an array. Ascending. */
export function taskList(taskIds: readonly number[]): string {
  const ranges: [first: number, last: number][] = [];
  for (const taskId of taskIds) {
    const range = ranges.at(-1);
    if (range !== undefined && range[1] === taskId - 1) range[1] = taskId;
    else ranges.push([taskId, taskId]);
  }
  return ranges.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(',');
}

/**
 * A job of squeue's as the tasks it is: those of an array that wait together, `123_[4-99%4]`, are one row and have one number, and each gets its own
 * when Slurm splits it off. Throws ORR_FAILED where the list is not understood: a task that is left out would look lost.
 */
export function eachTask(slurm: SlurmJob): SlurmJob[] {
  const { arrayJobId, arrayTaskId, arrayTasks } = slurm;
  if (arrayJobId === null || arrayTaskId !== null) return [slurm];
  if (arrayTasks === '') return [];
  const array = parseJobArray(arrayTasks);
  if (typeof array === 'string')
    throw new OrreryError('ORR_FAILED', `squeue --json: tasks of array ${arrayJobId}: ${array}`);
  const [only, ...more] = array.taskIds;
  // The last one keeps the number.
  if (only !== undefined && more.length === 0) return [{ ...slurm, arrayTaskId: only, arrayTasks: '' }];
  return array.taskIds.map((taskId) => ({ ...slurm, slurmJobId: null, arrayTaskId: taskId }));
}

/** Whether it is what is left of an array once all that waited of it was cancelled: by a filter (`scancel --user=me`), and squeue names no task. */
export function isRest(slurm: SlurmJob): boolean {
  return slurm.arrayJobId !== null && slurm.arrayTaskId === null && slurm.arrayTasks === '' && isEnded(slurm);
}

/** Such a rest as the task `12_3` that it was; null where it was of another array. */
export function taskOfRest(rest: SlurmJob, task: string | null): SlurmJob | null {
  const [arrayJobId, taskId] = (task ?? '').split('_').map(Number);
  return taskId !== undefined && rest.arrayJobId === arrayJobId
    ? { ...rest, slurmJobId: null, arrayTaskId: taskId }
    : null;
}

/** Addresses of these jobs: one of all tasks of an array that wait together, `123_[4-6,9]`, and one of each other. */
export function addressesOf(jobs: readonly SlurmJob[]): string[] {
  const arrays = [...waitingTogether(jobs)].map(([arrayJobId, { taskIds }]) => `${arrayJobId}_[${taskList(taskIds)}]`);
  return [...arrays, ...jobs.filter(({ slurmJobId }) => slurmJobId !== null).map(addressOf)];
}

/**
 * Addresses that `scontrol update` splits so that each of these tasks gets a number of its own. Those that it is told all of stay together, so of
 * them the last is left out: it keeps the number.
 */
export function splitAddresses(tasks: readonly SlurmJob[]): string[] {
  return [...waitingTogether(tasks)].map(([arrayJobId, { taskIds, count }]) => {
    return `${arrayJobId}_[${taskList(taskIds.length < count ? taskIds : taskIds.slice(0, -1))}]`;
  });
}

/** Of these jobs the tasks that have no number of their own, by their array: ascending, and how many wait together with them, they among them. */
function waitingTogether(jobs: readonly SlurmJob[]): Map<number, { taskIds: number[]; count: number }> {
  const arrays = new Map<number, { taskIds: Set<number>; text: string }>();
  for (const { slurmJobId, arrayJobId, arrayTaskId, arrayTasks } of jobs) {
    if (slurmJobId !== null || arrayJobId === null || arrayTaskId === null) continue;
    const { taskIds } = arrays.get(arrayJobId) ?? { taskIds: new Set() };
    arrays.set(arrayJobId, { taskIds: taskIds.add(arrayTaskId), text: arrayTasks });
  }
  return new Map(
    [...arrays].map(([arrayJobId, { taskIds, text }]) => {
      const array = parseJobArray(text);
      const count = typeof array === 'string' ? 0 : array.taskIds.length;
      return [arrayJobId, { taskIds: [...taskIds].sort((a, b) => a - b), count }];
    }),
  );
}
