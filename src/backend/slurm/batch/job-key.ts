/** Which submission of which of our jobs a Slurm job is: said in its name, so that it can be found whatever was lost. */
export interface JobKey {
  jobId: number;
  /** Counts the calls of sbatch for the job from 1. */
  submission: number;
}

/**
 * Whose jobs the tasks of an array at Slurm are: its task `min` is job `first`, and `step` further comes the next one. So that of a task too the name
 * says which job it is, though all of an array have one name.
 */
export interface ArrayKey {
  first: number;
  min: number;
  step: number;
}

/** `train.orrery-1f2e3d4c-12-1`. Characters that Slurm's lists and shells care about become `_`. */
export function slurmJobName(name: string, homeId: string, { jobId, submission }: JobKey): string {
  return nameOf(name, homeId, String(jobId), submission);
}

/** `train.orrery-1f2e3d4c-12+0x1-1`, of all tasks of an array. */
export function slurmArrayName(name: string, homeId: string, key: ArrayKey, submission: number): string {
  return nameOf(name, homeId, arrayKeyText(key), submission);
}

/** What stands in the name of an array where others have the id of their job. */
export function arrayKeyText({ first, min, step }: ArrayKey): string {
  return `${first}+${min}x${step}`;
}

/** What the name of a job's last submission ends with. `arrayKey`: of the array that it is a task of; null for none. */
export function nameEnd(
  homeId: string,
  jobId: number,
  { arrayKey, submission }: { arrayKey: string | null; submission: number },
): string {
  return `.orrery-${homeId}-${arrayKey ?? jobId}-${submission}`;
}

/** In whose folder Slurm begins the job: its own, or that of its array's first. */
export function folderJobId(jobId: number, { arrayKey }: { arrayKey: string | null }): number {
  return arrayKey === null ? jobId : Number.parseInt(arrayKey, 10);
}

/** The task at Slurm that is this job. */
export function taskIdOf({ first, min, step }: ArrayKey, jobId: number): number {
  return min + (jobId - first) * step;
}

/** Null for a job that is not one of this home's, and for one that is named as an array and is no task of it. */
export function parseSlurmJobName(slurmName: string, homeId: string, taskId: number | null): JobKey | null {
  const match = /\.orrery-([0-9a-f]{8})-(\d{1,15})(?:\+(\d{1,7})x(\d{1,7}))?-(\d{1,9})$/.exec(slurmName);
  if (match?.[1] !== homeId) return null;
  const [first, min, step, submission] = match.slice(2).map(Number);
  if (first === undefined || submission === undefined) return null;
  if (match[3] === undefined) return { jobId: first, submission };
  const jobId = taskId === null ? Number.NaN : first + (taskId - (min ?? 0)) / (step ?? 1);
  return Number.isInteger(jobId) && jobId >= first ? { jobId, submission } : null;
}

function nameOf(name: string, homeId: string, key: string, submission: number): string {
  return `${name.replace(/[^\w.+@-]/g, '_')}.orrery-${homeId}-${key}-${submission}`;
}
