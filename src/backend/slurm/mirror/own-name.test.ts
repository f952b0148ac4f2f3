import { expect, it } from 'vitest';
import { NO_SUBMISSION } from './mirror-job.ts';
import { job, slurm } from './mirror.test-support.ts';
import { withOwnName } from './own-name.ts';

const HOME = '0a1b2c3d';
const folderOf = (jobId: number) => `/jobs/${jobId}`;
const named = (seen: ReturnType<typeof slurm>, ...jobs: ReturnType<typeof job>[]) => {
  const own = withOwnName(seen, jobs, HOME, folderOf);
  return own && [own.name, own.otherName];
};

it('finds a job that somebody gave another name, by its number and its folder together', () => {
  expect(named(slurm())).toEqual(['x.orrery-0a1b2c3d-7-1', undefined]);
  const renamed = slurm({ name: 'mine', folder: '/jobs/7' });
  expect(named(renamed, job())).toEqual(['renamed.orrery-0a1b2c3d-7-1', 'mine']);
  // Its number was given to somebody else, and another job was begun in its folder.
  expect(named({ ...renamed, folder: '/home/them' }, job())).toBeNull();
  expect(named({ ...renamed, slurmJobId: 51 }, job())).toBeNull();
});

it('finds tasks of an array too, which begin in the folder of the first', () => {
  const record = { ...NO_SUBMISSION, submission: 1, arrayTask: '90_3', arrayKey: '5+1x1' };
  const waiting = slurm({ slurmJobId: 90, arrayJobId: 90, arrayTasks: '3-4', name: 'mine', folder: '/jobs/5' });
  const end = ['renamed.orrery-0a1b2c3d-5+1x1-1', 'mine'];
  expect(named(waiting, job({ record }))).toEqual(end);
  expect(named({ ...waiting, arrayTaskId: 3 }, job({ record }))).toEqual(end);
  expect(named({ ...waiting, arrayTaskId: 4 }, job({ record }))).toBeNull();
  expect(named({ ...waiting, arrayJobId: 91 }, job({ record }))).toBeNull();
});
