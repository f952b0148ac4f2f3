import { Command } from 'commander';
import { expect, it } from 'vitest';
import type { JobSpecInput } from '../contract/job.ts';
import { fieldsFromOptions, type JobOptions, withFields } from './job-options.ts';
import { addResourceOptions } from './resource-options.ts';
import { addSlurmWords, inOurWords, type SlurmWords, withSlurmWords } from './slurm-words.ts';

function jobOf(text: string, job: JobSpecInput = {}): JobSpecInput {
  const command = addSlurmWords(addResourceOptions(new Command('run').exitOverride()));
  command.parse(text.split(' '), { from: 'user' });
  const options = command.opts<JobOptions & SlurmWords>();
  return withSlurmWords(withFields(job, fieldsFromOptions(inOurWords(options))), options);
}

it.each<[string, JobSpecInput, JobSpecInput?]>([
  ['--job-name a --dependency afterok:1', { name: 'a', after: 'afterok:1' }],
  ['-N 2 -n 8 -G a100:4', { nodes: 2, tasksPerNode: 4, gpusPerNode: 2, gpuType: 'a100' }],
  ['--ntasks=4', { nodes: 2, tasksPerNode: 2 }, { nodes: 2 }],
  ['--mail-type END --contiguous', { slurmOptions: ['--contiguous', '--mail-type=END'] }],
  ['--hint=nomultithread', { slurmOptions: ['--tmp=9G', '--hint=nomultithread'] }, { slurmOptions: ['--tmp=9G'] }],
])('%s is what it is to sbatch', (text, expected, job) => {
  expect(jobOf(text, job)).toEqual(expected);
});

it('refuses totals that nodes cannot share', () => {
  expect(() => jobOf('-N 2 -n 3')).toThrow('--ntasks: expected a multiple of the 2 nodes, got 3');
  expect(() => jobOf('-G many')).toThrow('--gpus: expected an integer, or TYPE:N such as a100:8, got "many"');
});
