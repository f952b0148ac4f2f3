import { jobSpecSchema, type JobSpecInput } from '../../../contract/job.ts';
import type { BatchJob } from './batch-script.ts';

/** Job 12 as it is handed to sbatch the first time, unless `fields` say otherwise. */
export function batchJob(spec: JobSpecInput = { command: ['true'] }, fields: Partial<BatchJob> = {}): BatchJob {
  return {
    jobId: 12,
    array: null,
    slurmName: 'train.orrery-0a1b2c3d-12-1',
    spec: jobSpecSchema.parse(spec),
    submission: 1,
    base: 0,
    isLastUnended: false,
    isHeld: false,
    beginSeconds: 0,
    excludedNodes: [],
    dependency: '',
    predecessors: [],
    isAnyEnough: false,
    jobFolder: '/shared/orrery/jobs/12',
    rankScript: '/shared/orrery/slurm/rank-0a1b2c3d.sh',
    ...fields,
  };
}
