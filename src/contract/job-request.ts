import type { Dependency, JobRequest } from '../scheduler/types.ts';
import { parseBeginMs } from './begin-time.ts';
import { dependencyOn, isAnyEnough, parseDependencies } from './dependency.ts';
import { cpusPerTask, type JobSpec, memoryBytesPerNode, tasksPerNode, timeLimitMs } from './job.ts';

/** What of a job the daemon works out when it accepts it. */
export interface Submission {
  user?: string;
  account?: string;
  /** Jobs that its `after` means; absent: those it names. */
  dependencies?: readonly Dependency[];
  /** Where it is a task of an array; `id` is the job id of the first task. */
  array?: { id: number; taskId: number; runningMax: number | null };
}

/** What the scheduler needs to know of a submitted job. `submitMs` is the time of acceptance. */
export function toJobRequest(
  jobId: number,
  spec: JobSpec,
  submitMs: number,
  { user = spec.user, account = spec.account, dependencies, array }: Submission = {},
): JobRequest {
  const beginMs = spec.begin === undefined ? undefined : parseBeginMs(spec.begin, submitMs);
  const waits = dependencies ?? parseDependencies(spec.after).map((written) => dependencyOn(written.jobId, written));
  return {
    jobId,
    submitMs,
    priority: spec.priority - (spec.nice ?? 0),
    nodes: spec.nodes,
    perNode: {
      cpus: cpusPerTask(spec) * tasksPerNode(spec),
      memoryBytes: memoryBytesPerNode(spec),
      gpus: spec.gpusPerNode,
    },
    gpuType: spec.gpuType ?? null,
    exclusive: spec.exclusive,
    timeLimitMs: timeLimitMs(spec),
    excludedNodes: spec.exclude,
    maxRequeues: spec.maxRequeues,
    dependencies: waits,
    ...(waits.length > 0 && isAnyEnough(spec.after) && { isAnyEnough: true }),
    isHeld: spec.hold,
    ...(user !== undefined && { user }),
    ...(account !== undefined && { account }),
    qos: spec.qos,
    ...(spec.partition !== undefined && { partition: spec.partition }),
    ...(spec.reservation !== undefined && { reservation: spec.reservation }),
    ...(array !== undefined && { array }),
    ...(beginMs !== undefined && { beginMs }),
  };
}
