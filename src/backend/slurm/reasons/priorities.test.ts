import { expect, it } from 'vitest';
import { job, slurm } from '../mirror/mirror.test-support.ts';
import { prioritiesOf } from './priorities.ts';

const SPRIO = '50|1100|100|0|0|1000|0|0|0|0|\n90|1200|200|0|0|1000|0|0|0|0|\n';
const jobs = new Map([
  [7, job()],
  // A task that waits with others has their number.
  [8, job({ record: { ...job().record, slurmJobId: null }, slurm: slurm({ slurmJobId: null, arrayJobId: 90 }) })],
  [9, job({ record: { ...job().record, slurmJobId: 51 } })],
]);

it('finds the parts of jobs by their numbers at Slurm, and of tasks by that of their array', async () => {
  const parts = await prioritiesOf([7, 8, 9, 10], { jobs }, { run: () => Promise.resolve(SPRIO) });
  expect([...parts].map(([jobId, { age }]) => [jobId, age])).toEqual([
    [7, 100],
    [8, 200],
  ]);
});

it('has none where Slurm goes by age alone, and fails where Slurm does otherwise', async () => {
  const failing = (message: string) => ({ run: () => Promise.reject(new Error(message)) });
  const basic = failing('sprio: fatal: You are not running a supported priority plugin (priority/basic)');
  expect(await prioritiesOf([7], { jobs }, basic)).toEqual(new Map());
  await expect(prioritiesOf([7], { jobs }, failing('no answer'))).rejects.toThrow('no answer');
});
