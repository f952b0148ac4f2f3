import { parseJobArray } from '../contract/job-array.ts';
import type { AcceptedJob } from '../contract/journal.ts';
import type { JobRequest } from '../scheduler/types.ts';

/** A task of a job array, as its environment tells it. */
export interface ArrayTask {
  /** Id of the array: that of its first task's job. */
  jobId: number;
  taskId: number;
  count: number;
  min: number;
  max: number;
  step: number;
}

/** Null for a job that is no task of an array. */
export function arrayTask({ accepted, request }: { accepted: AcceptedJob; request: JobRequest }): ArrayTask | null {
  const array = parseJobArray(accepted.spec.array ?? '');
  const taskId = request.array?.taskId;
  if (request.array === undefined || taskId === undefined || typeof array === 'string') return null;
  const { taskIds, step } = array;
  return {
    jobId: request.array.id,
    taskId,
    count: taskIds.length,
    min: taskIds[0] ?? taskId,
    max: taskIds.at(-1) ?? taskId,
    step,
  };
}

/** Under our names and under Slurm's, so that scripts written for an array of Slurm's run as they are. */
export function arrayVariables(array: ArrayTask | null): Record<string, string> {
  if (array === null) return {};
  const { jobId, taskId, count, min, max, step } = array;
  return {
    ORRERY_ARRAY_JOB_ID: String(jobId),
    ORRERY_ARRAY_TASK_ID: String(taskId),
    SLURM_ARRAY_JOB_ID: String(jobId),
    SLURM_ARRAY_TASK_ID: String(taskId),
    SLURM_ARRAY_TASK_COUNT: String(count),
    SLURM_ARRAY_TASK_MIN: String(min),
    SLURM_ARRAY_TASK_MAX: String(max),
    SLURM_ARRAY_TASK_STEP: String(step),
  };
}

/** The environment a job brings with it: that of its submission, then its own. */
export function submittedVariables({ spec, environment, code }: AcceptedJob): Record<string, string> {
  const commit = code?.gitCommit ?? null;
  return { ...environment, ...(commit !== null && { ORRERY_GIT_COMMIT: commit }), ...spec.env };
}

/** What a job is called where its submitter did not say: the program's file name, as Slurm does. */
export function defaultJobName(spec: AcceptedJob['spec']): string {
  return spec.command?.[0]?.split('/').at(-1) ?? 'script';
}
