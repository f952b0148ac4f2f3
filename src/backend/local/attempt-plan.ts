import { join } from 'node:path';
import { cpusPerTask, tasksPerNode } from '../../contract/job.ts';
import type { AcceptedJob } from '../../contract/journal.ts';
import type { JobRequest, Placement } from '../../scheduler/types.ts';
import { arrayTask, defaultJobName, submittedVariables } from '../job-variables.ts';
import { type JobFolders, workFolderOf } from '../work-folder.ts';
import type { AttemptPlan, TaskPlan } from './launcher-port.ts';

export interface PlanLimits {
  killWaitMs: number;
  logBytesMax: number;
}

/** The ranks of a gang in rank order: node by node, each node's GPUs dealt to its tasks in contiguous runs. */
export function planTasks(placement: Placement, tasksOnEachNode: number, cpusOfTask: number): TaskPlan[] {
  return placement.flatMap((allocation, nodeRank) => {
    const gpus = allocation.gpuIndices;
    return Array.from({ length: tasksOnEachNode }, (_, localRank): TaskPlan => {
      const first = Math.floor((localRank * gpus.length) / tasksOnEachNode);
      const end = Math.floor(((localRank + 1) * gpus.length) / tasksOnEachNode);
      return {
        rank: nodeRank * tasksOnEachNode + localRank,
        nodeRank,
        localRank,
        nodeName: allocation.nodeName,
        cpus: cpusOfTask,
        // More tasks than GPUs: neighbours share one.
        gpuIndices: gpus.length === 0 ? [] : gpus.slice(first, Math.max(end, first + 1)),
      };
    });
  });
}

/** Everything about one attempt, from what was submitted and what the scheduler placed. Pure. */
export function planAttempt(
  job: { accepted: AcceptedJob; request: JobRequest },
  attempt: number,
  placement: Placement,
  secrets: Readonly<Record<string, string>>,
  folders: JobFolders,
  limits: PlanLimits,
): AttemptPlan {
  const { spec, code } = job.accepted;
  const { jobId } = job.request;
  const folder = folders.job(jobId);
  return {
    jobId,
    jobName: spec.name ?? defaultJobName(spec),
    attempt,
    attemptFolder: join(folder, 'attempts', String(attempt)),
    workFolder: workFolderOf(jobId, job.accepted, folders),
    checkpointFolder: join(folder, 'checkpoint'),
    metricsFile: join(folder, 'metrics.ndjson'),
    submitFolder: code?.submitFolder ?? join(folder, 'work'),
    array: arrayTask(job),
    program:
      spec.command === undefined
        ? { script: spec.script ?? '', ...(spec.scriptArguments && { arguments: spec.scriptArguments }) }
        : { command: spec.command },
    environment: { ...submittedVariables(job.accepted), ...secrets },
    tasks:
      spec.once === true
        ? planTasks(placement.slice(0, 1), 1, cpusPerTask(spec) * tasksPerNode(spec))
        : planTasks(placement, tasksPerNode(spec), cpusPerTask(spec)),
    ...(spec.once === true && { isOnce: true }),
    memoryBytesPerNode: job.request.perNode.memoryBytes,
    ...limits,
  };
}
