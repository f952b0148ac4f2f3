import { expect, it } from 'vitest';
import { noJobs } from './no-jobs.ts';

it('says where the jobs of others are, where there is a Slurm', () => {
  for (const asked of [{}, { all: true }, { state: 'RUNNING' }]) {
    expect(noJobs(asked, true)).toMatch(/\. Jobs that sbatch or srun submitted: squeue$/);
    expect(noJobs(asked, false)).not.toContain('squeue');
  }
});
