/** Slurm's largest `MaxArraySize`. */
const TASK_ID_MAX = 4_000_000;
const TASKS_MAX = 100_000;

/** The tasks of a job array (`sbatch --array`). */
export interface JobArray {
  /** Ascending, each once. */
  taskIds: readonly number[];
  /** How many may run at once; null: any number. */
  runningMax: number | null;
  /** Between one task and the next, where they were written as one range with a step; else 1 (`SLURM_ARRAY_TASK_STEP`). */
  step: number;
}

/** `0-15`, `1,3,5-7`, `0-30:5`, each with `%4` behind it where no more than four may run at once. A string says what is wrong with it. */
export function parseJobArray(text: string): JobArray | string {
  const expected = `expected tasks such as "0-15", "1,3,7" or "0-99%4", got ${JSON.stringify(text)}`;
  const match = /^([\d,:-]+)(?:%(\d{1,9}))?$/.exec(text);
  const [, list, throttle] = match ?? [];
  if (list === undefined) return expected;
  const runningMax = throttle === undefined ? null : Number(throttle);
  if (runningMax === 0) return `expected at least 1 task at a time behind "%", got ${JSON.stringify(text)}`;
  const taskIds = new Set<number>();
  const ranges = list.split(',');
  let step = 1;
  for (const range of ranges) {
    const [, first, last = first, every = '1'] = /^(\d{1,9})(?:-(\d{1,9})(?::(\d{1,9}))?)?$/.exec(range) ?? [];
    const from = Number(first);
    const to = Number(last);
    if (first === undefined || to < from || Number(every) === 0) return expected;
    if (to > TASK_ID_MAX) return `expected task ids up to ${TASK_ID_MAX}, got ${to}`;
    if ((to - from) / Number(every) >= TASKS_MAX)
      return `expected at most ${TASKS_MAX} tasks, got ${JSON.stringify(text)}`;
    if (ranges.length === 1) step = Number(every);
    for (let taskId = from; taskId <= to; taskId += Number(every)) taskIds.add(taskId);
    if (taskIds.size > TASKS_MAX) return `expected at most ${TASKS_MAX} tasks, got ${JSON.stringify(text)}`;
  }
  return { taskIds: [...taskIds].sort((a, b) => a - b), runningMax, step };
}

/** A job, or a task of an array, as people write it. */
export interface JobReference {
  jobId: number;
  /** Null: the job itself, or all of the array that has this id. */
  taskId: number | null;
}

/** `12` or `12_3`; null for anything else. */
export function parseJobReference(text: string): JobReference | null {
  const match = /^([1-9]\d{0,14})(?:_(\d{1,9}))?$/.exec(text);
  return match === null ? null : { jobId: Number(match[1]), taskId: match[2] === undefined ? null : Number(match[2]) };
}

/** As people know it: `12`, or `12_3` for a task of an array. */
export function jobLabel({ id, arrayJobId, arrayTaskId }: JobIdentity): string {
  return arrayJobId === null || arrayJobId === undefined ? String(id) : `${arrayJobId}_${arrayTaskId}`;
}

export interface JobIdentity {
  id: number;
  arrayJobId?: number | null | undefined;
  arrayTaskId?: number | null | undefined;
}
