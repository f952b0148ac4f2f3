/** Which submission of which of our jobs a Slurm job is: said in its name, so that it can be found whatever was lost. */
export interface JobKey {
  jobId: number;
  /** Counts the calls of sbatch for the job from 1. */
  submission: number;
}

/** `train.orrery-1f2e3d4c-12-1`. Characters that Slurm's lists and shells care about become `_`. */
export function slurmJobName(name: string, homeId: string, { jobId, submission }: JobKey): string {
  return `${name.replace(/[^\w.+@-]/g, '_')}.orrery-${homeId}-${jobId}-${submission}`;
}

/** Null for a job that is not one of this home's. */
export function parseSlurmJobName(slurmName: string, homeId: string): JobKey | null {
  const match = /\.orrery-([0-9a-f]{8})-(\d{1,15})-(\d{1,9})$/.exec(slurmName);
  return match?.[1] === homeId ? { jobId: Number(match[2]), submission: Number(match[3]) } : null;
}
