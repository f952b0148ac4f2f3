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
  [{ once: true, nodes: 2 }, /^nodes: a script runs once on one node of this machine, which has no srun/],
  [{ nodelist: ['n1'] }, /^nodelist: the scheduler of this machine chooses the nodes: leave it out, or/],
])('%j is refused on this machine, in one line that says what else to do: %s', (spec, message) => {
  expect(refusal(spec)).toMatch(message);
});

it('refuses a script that runs once and calls srun', () => {
  const script = '#!/bin/sh\n#SBATCH -n 4\n  srun python3 train.py\n';
  const refused = (fields: JobSpecInput) => slurmOnlyRefusal(jobSpecSchema.parse({ script, ...fields }));
  expect(refused({ once: true })).toMatch(/^script: it calls srun or mpirun, and this machine has no Slurm: leave/);
  expect(refused({})).toBeNull();
});

it('takes a job that asks for nothing of the kind', () => {
  expect(refusal({ nodes: 2, exclude: ['n1'], exclusive: true, switches: '1', comment: 'x' })).toBeNull();
});
