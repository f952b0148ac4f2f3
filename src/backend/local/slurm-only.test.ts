import { expect, it } from 'vitest';
import { type JobSpecInput, jobSpecSchema } from '../../contract/job.ts';
import { slurmOnlyRefusal } from './slurm-only.ts';

const refusal = (spec: JobSpecInput) => slurmOnlyRefusal(jobSpecSchema.parse({ command: ['true'], ...spec }));

it.each<[JobSpecInput, RegExp]>([
  [{ image: 'pytorch.sif' }, /^image: jobs on this machine run in no container; with --backend slurm/],
  [{ constraint: 'a100' }, /^constraint: nodes of this machine have no features: leave it out; a type of GPU/],
  [{ licenses: 'matlab:1' }, /^licenses: none are counted on this machine: leave it out$/],
  [{ gres: 'tmpdisk:1' }, /^gres: nodes of this machine have GPUs alone \(gpusPerNode\): leave it out$/],
  [{ memory: '0' }, /^memory: how much a job has is said here, such as "8G": 0, all of a node, is for Slurm$/],
  [{ nodelist: ['n1'] }, /^nodelist: the scheduler of this machine chooses the nodes: leave it out, or/],
])('%j is refused on this machine, in one line that says what else to do: %s', (spec, message) => {
  expect(refusal(spec)).toMatch(message);
});

it('takes a job that asks for nothing of the kind', () => {
  expect(refusal({ nodes: 2, exclude: ['n1'], exclusive: true, switches: '1', comment: 'x' })).toBeNull();
});
