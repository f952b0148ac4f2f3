import { parseJobArray } from '../../../contract/job-array.ts';
import type { SubmissionRecord } from '../mirror/mirror-job.ts';
import { addressOf, type SlurmJob } from './slurm-job.ts';

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
 * when Slurm splits it off. None for a row that does not say which tasks it is.
 */
export function eachTask(slurm: SlurmJob): SlurmJob[] {
  if (slurm.arrayJobId === null || slurm.arrayTaskId !== null) return [slurm];
  const [only, ...more] = taskIdsOf(slurm) ?? [];
  if (only === undefined) return [];
  // The last one keeps the number.
  if (more.length === 0) return [{ ...slurm, arrayTaskId: only, arrayTasks: '' }];
  return [only, ...more].map((taskId) => ({ ...slurm, slurmJobId: null, arrayTaskId: taskId }));
}

/**
 * Whether it is several tasks of an array and does not say which: all that waited were cancelled by a filter (`scancel --user=me`), or the list is cut
 * off. Whoever has no number and is not listed elsewhere is among them.
 */
export function isListless(slurm: SlurmJob): boolean {
  return slurm.arrayJobId !== null && slurm.arrayTaskId === null && taskIdsOf(slurm) === null;
}

/** Of such a row the task `12_3`; null where it is of another array. */
export function taskAmong(row: SlurmJob, task: string | null): SlurmJob | null {
  const [arrayJobId, taskId] = (task ?? '').split('_').map(Number);
  return taskId !== undefined && row.arrayJobId === arrayJobId
    ? { ...row, slurmJobId: null, arrayTaskId: taskId }
    : null;
}

/** The arrays that these are of: each by its number and what its name says (`123 12+0x1-1`), since a number may be given again. */
export function arrayKeysOf(rows: readonly SlurmJob[]): ReadonlySet<string> {
  return new Set(
    rows.flatMap(({ arrayJobId, name }) => {
      const [, key] = /-([^-]+-\d+)$/.exec(name) ?? [];
      return arrayJobId === null || key === undefined ? [] : [`${arrayJobId} ${key}`];
    }),
  );
}

/** Whether it is a task of one of these arrays, and has had no number of its own as far as we know. */
export function isOneOf(arrays: ReadonlySet<string>, record: SubmissionRecord): boolean {
  const { slurmJobId, arrayTask, arrayKey, submission } = record;
  if (slurmJobId !== null || arrayTask === null) return false;
  return arrays.has(`${arrayTask.split('_')[0]} ${arrayKey}-${submission}`);
}

function taskIdsOf({ arrayTasks }: SlurmJob): readonly number[] | null {
  const array = parseJobArray(arrayTasks);
  return typeof array === 'string' ? null : array.taskIds;
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
  const arrays = new Map<number, { taskIds: Set<number>; row: SlurmJob }>();
  for (const slurm of jobs) {
    const { slurmJobId, arrayJobId, arrayTaskId } = slurm;
    if (slurmJobId !== null || arrayJobId === null || arrayTaskId === null) continue;
    const { taskIds } = arrays.get(arrayJobId) ?? { taskIds: new Set() };
    arrays.set(arrayJobId, { taskIds: taskIds.add(arrayTaskId), row: slurm });
  }
  return new Map(
    [...arrays].map(([arrayJobId, { taskIds, row }]) => {
      const sorted = [...taskIds].sort((a, b) => a - b);
      return [arrayJobId, { taskIds: sorted, count: taskIdsOf(row)?.length ?? Infinity }];
    }),
  );
}
