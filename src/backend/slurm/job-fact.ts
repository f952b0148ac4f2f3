import { type JobFact, SUSPENDED_REASON } from '../port.ts';
import type { MirrorJob } from './mirror-job.ts';
import { isPending } from './slurm-job.ts';

/** What the mirror says of a job, in the words of all backends. */
export function jobFact(job: MirrorJob): JobFact {
  const { request, live, attempt, slurm } = job;
  const nodeList = (live?.placement ?? []).map(({ nodeName }) => nodeName);
  const partition = slurm === null || slurm.partition === '' ? {} : { partition: slurm.partition };
  if (live !== null) {
    return {
      jobId: request.jobId,
      state: slurm?.isCompleting === true ? 'COMPLETING' : 'RUNNING',
      reason: slurm?.state === 'SUSPENDED' ? SUSPENDED_REASON : 'None',
      attempt,
      nodeList,
      ...partition,
    };
  }
  return { jobId: request.jobId, state: 'PENDING', reason: reasonOf(job), attempt, nodeList, ...partition };
}

function reasonOf({ record, slurm, phase, request, isHeld, isThrottled }: MirrorJob): string {
  if (record.refusal !== null) return 'launch failed requeued held';
  if (slurm !== null && isPending(slurm)) return slurm.reason;
  if (phase === 'none' && request.dependencies.length > 0) return 'Dependency';
  if (isHeld) return 'JobHeldUser';
  return phase === 'none' && isThrottled ? 'JobArrayTaskLimit' : 'None';
}

/** What Slurm's commands call the job, `12` or `12_3`; null where its number is not known. */
export function slurmLabel({ slurm, record }: MirrorJob): string | null {
  if (slurm !== null && slurm.arrayJobId !== null && slurm.arrayTaskId !== null) {
    return `${slurm.arrayJobId}_${slurm.arrayTaskId}`;
  }
  return record.slurmJobId === null ? null : String(record.slurmJobId);
}
