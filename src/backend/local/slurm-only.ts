import type { JobSpec } from '../../contract/job.ts';
import { callsSrun } from '../../formats/sbatch-script.ts';

/** What of a job only a Slurm understands, and what is to be done about it here. */
const INSTEAD: Partial<Record<keyof JobSpec, string>> = {
  image: 'jobs on this machine run in no container; with --backend slurm they run in those of Pyxis or Apptainer',
  constraint: 'nodes of this machine have no features: leave it out; a type of GPU goes with gpusPerNode as gpuType',
  licenses: 'none are counted on this machine: leave it out',
  gres: 'nodes of this machine have GPUs alone (gpusPerNode): leave it out',
  nodelist: 'the scheduler of this machine chooses the nodes: leave it out, or keep off the others with exclude',
};

/** Why this machine does not take the job, in one line; null where it asks for nothing that only a Slurm has. */
export function slurmOnlyRefusal(spec: JobSpec): string | null {
  if (spec.memory === '0')
    return 'memory: how much a job has is said here, such as "8G": 0, all of a node, is for Slurm';
  for (const [field, instead] of Object.entries(INSTEAD)) {
    if (Reflect.get(spec, field) !== undefined) return `${field}: ${instead}`;
  }
  if (spec.once === true && spec.nodes > 1)
    return 'nodes: a script runs once on one node of this machine, which has no srun to start ranks on the others: with --no-once every rank runs it';
  if (spec.once === true && callsSrun(spec.script ?? ''))
    return 'script: it calls srun or mpirun, and this machine has no Slurm: leave those out, and with --no-once every rank runs the script';
  return null;
}
