import { expect, it } from 'vitest';
import { SlurmFailure } from '../slurm-failure.ts';
import { folderFailure } from './folder-failure.ts';

const refused = (code: string, message: string) => Object.assign(new Error(message), { code });

it('says where there is no room, and what to do', () => {
  const of = (error: unknown) => folderFailure(error, '/scratch/me/jobs');
  expect(of(refused('ENOSPC', 'ENOSPC: no space left on device, write'))).toBe(
    '/scratch/me/jobs: no space is left there, or no inodes are (ENOSPC): make room',
  );
  expect(of(refused('EDQUOT', 'EDQUOT: disk quota exceeded, open'))).toBe(
    '/scratch/me/jobs: your quota there is used up (EDQUOT): make room',
  );
  expect(of(refused('EIO', 'EIO: i/o error, fsync'))).toBe('/scratch/me/jobs: EIO: i/o error, fsync');
  const denied = "EACCES: permission denied, open '/scratch/me/jobs/4/job.sh'";
  expect(of(refused('EACCES', denied))).toBe(denied);
  expect(of(new SlurmFailure('limit', 'sbatch: no room'))).toBe('sbatch: no room');
});
