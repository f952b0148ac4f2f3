/** What an empty list of jobs says: what fills it, and where jobs may be that are not in it. */
export function noJobs(asked: { all?: boolean; state?: string }, isSlurm: boolean): string {
  const others = isSlurm ? ' Jobs that sbatch or srun submitted: squeue' : '';
  if (asked.state !== undefined) return `No job is ${asked.state}. All jobs: orrery queue --all.${others}`;
  if (asked.all === true) return `No jobs yet. Submit one: orrery run --follow -- hostname.${others}`;
  return `No jobs${isSlurm ? ' of this home' : ''} are pending or running. Submit one: orrery run --follow -- hostname. Ended ones: orrery queue --all.${others}`;
}
