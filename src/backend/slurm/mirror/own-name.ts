import { folderJobId, nameEnd } from '../batch/job-key.ts';
import { labelOf, type SlurmJob } from '../output/slurm-job.ts';
import type { MirrorJob } from './mirror-job.ts';

/**
 * A job of Slurm with a name by which it is found: that of ours which has its number and begins in the folder it does, where somebody has given it
 * another name (`scontrol update JobName=`). Null where it is none of ours. `folderOf`: of a job, by its id.
 */
export function withOwnName(
  slurm: SlurmJob,
  jobs: Iterable<MirrorJob>,
  homeId: string,
  folderOf: (jobId: number) => string,
): SlurmJob | null {
  if (slurm.name.includes(`.orrery-${homeId}-`)) return slurm;
  for (const { request, record } of jobs) {
    const { slurmJobId, arrayTask } = record;
    const isOne = slurmJobId === null ? isOfArray(slurm, arrayTask) : slurmJobId === slurm.slurmJobId;
    if (!isOne || slurm.folder !== folderOf(folderJobId(request.jobId, record))) continue;
    return { ...slurm, name: `renamed${nameEnd(homeId, request.jobId, record)}`, otherName: slurm.name };
  }
  return null;
}

/** Whether it is the task, or several of its array that wait together. */
function isOfArray(slurm: SlurmJob, arrayTask: string | null): boolean {
  if (arrayTask === null || slurm.arrayJobId === null) return false;
  return slurm.arrayTaskId === null ? arrayTask.startsWith(`${slurm.arrayJobId}_`) : arrayTask === labelOf(slurm);
}
