import { expect, it } from 'vitest';
import { type JobSpecInput, jobSpecSchema } from '../../contract/job.ts';
import { slurmOnlyRefusal } from './slurm-only.ts';

it.each<[JobSpecInput, RegExp | null]>([
  [{}, null],
  [{ image: 'pytorch.sif' }, /^image: jobs on this machine run in no container; with --backend slurm/],
  [{ nodelist: ['n1'] }, /^nodelist: the scheduler of this machine chooses the nodes: leave it out, or/],
])('%j is refused on this machine, in one line that says what else to do: %s', (spec, message) => {
  const said = slurmOnlyRefusal(jobSpecSchema.parse({ command: ['true'], ...spec }));
  if (message === null) expect(said).toBeNull();
  else expect(said).toMatch(message);
});
