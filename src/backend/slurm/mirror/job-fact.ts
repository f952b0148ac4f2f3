import { type JobFact, SUSPENDED_REASON } from '../../port.ts';
import { submitLimitIn } from '../limits/limit-reason.ts';
import { isClosedPartition } from '../slurm-failure.ts';
import type { MirrorJob, SubmissionRecord } from './mirror-job.ts';
import { isPending, labelOf } from '../output/slurm-job.ts';

/** What the mirror says of a job, in the words of all backends. */
export function jobFact(job: MirrorJob): JobFact {
  const { request, live, attempt, slurm } = job;
  const nodeList = (live?.placement ?? []).map(({ nodeName }) => nodeName);
  const partition = slurm === null || slurm.partition === '' ? {} : { partition: slurm.partition };
  const limit = slurm === null || slurm.timeLimitMs === null ? {} : { timeLimitMs: slurm.timeLimitMs };
  const qos = slurm === null || slurm.qos === '' ? {} : { qos: slurm.qos };
  const shown = { ...partition, ...qos, ...limit };
  if (live !== null) {
    return {
      jobId: request.jobId,
      state: slurm?.isCompleting === true ? 'COMPLETING' : 'RUNNING',
      reason: slurm?.state === 'SUSPENDED' ? SUSPENDED_REASON : 'None',
      attempt,
      nodeList,
      ...shown,
    };
  }
  return { jobId: request.jobId, state: 'PENDING', reason: reasonOf(job), attempt, nodeList, ...shown };
}

function reasonOf(job: MirrorJob): string {
  const { record, slurm, phase, request, isHeld, isThrottled, isNeverSatisfied, hindrance } = job;
  if (record.refusal?.startsWith('sbatch') === true) return 'refused by sbatch';
  if (record.refusal !== null) return 'launch failed requeued held';
  if (slurm !== null && isPending(slurm)) return slurm.reason;
  if (phase === 'none' && request.dependencies.length > 0)
    return isNeverSatisfied ? 'DependencyNeverSatisfied' : 'Dependency';
  if (isHeld) return 'JobHeldUser';
  if (phase !== 'none') return 'None';
  // Slurm takes no more jobs like it until others have ended, and names the limit.
  if (isThrottled) return 'JobArrayTaskLimit';
  return submitLimitIn(hindrance ?? '') ?? (isClosedPartition(hindrance ?? '') ? 'PartitionInactive' : 'None');
}

/** What Slurm's commands call the job, `12` or `12_3`; null where its number is not known. */
export function slurmLabel({ slurm, record }: MirrorJob): string | null {
  return slurm === null ? recordLabel(record) : labelOf(slurm);
}

/** The same of its last submission. */
export function recordLabel({ arrayTask, slurmJobId }: SubmissionRecord): string | null {
  return arrayTask ?? (slurmJobId === null ? null : String(slurmJobId));
}

/** What Slurm's commands may call the job so that they mean no other (`addressOf`); null where that is not known. */
export function slurmAddress({ record }: MirrorJob): string | null {
  const { arrayTask, arrayKey, slurmJobId } = record;
  if (arrayTask === null) return arrayKey === null && slurmJobId !== null ? String(slurmJobId) : null;
  return slurmJobId === null || arrayTask.startsWith(`${slurmJobId}_`) ? arrayTask : String(slurmJobId);
}
