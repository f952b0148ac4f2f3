import { constants } from 'node:fs';
import { access, cp, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { OrreryError } from '../../contract/errors.ts';
import { tasksPerNode } from '../../contract/job.ts';
import { parseJobArray } from '../../contract/job-array.ts';
import type { AcceptedJob } from '../../contract/journal.ts';
import type { JobRequest, Placement } from '../../scheduler/types.ts';
import type { ArrayTask, AttemptPlan, TaskPlan } from './launcher-port.ts';

/** Where the files of jobs are; all absolute. */
export interface LocalFolders {
  /** `jobs/<id>`: everything of one job. */
  job: (jobId: number) => string;
  /** `snapshots/<digest>`: code as submitted. */
  snapshot: (digest: string) => string;
}

export interface PlanLimits {
  killWaitMs: number;
  logBytesMax: number;
}

/** The ranks of a gang in rank order: node by node, each node's GPUs dealt to its tasks in contiguous runs. */
export function planTasks(placement: Placement, tasksOnEachNode: number, cpusPerTask: number): TaskPlan[] {
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
        cpus: cpusPerTask,
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
  folders: LocalFolders,
  limits: PlanLimits,
): AttemptPlan {
  const { spec, environment, code } = job.accepted;
  const { jobId } = job.request;
  const folder = folders.job(jobId);
  const runsInPlace = code !== null && code.snapshot === null;
  return {
    jobId,
    jobName: spec.name ?? defaultJobName(spec),
    attempt,
    attemptFolder: join(folder, 'attempts', String(attempt)),
    workFolder: runsInPlace ? code.submitFolder : join(folder, 'work'),
    checkpointFolder: join(folder, 'checkpoint'),
    metricsFile: join(folder, 'metrics.ndjson'),
    submitFolder: code?.submitFolder ?? join(folder, 'work'),
    array: arrayTask(job),
    program: spec.command === undefined ? { script: spec.script ?? '' } : { command: spec.command },
    environment: { ...environment, ...gitCommit(code?.gitCommit), ...spec.env, ...secrets },
    tasks: planTasks(placement, tasksPerNode(spec), spec.cpus),
    memoryBytesPerNode: job.request.perNode.memoryBytes,
    ...limits,
  };
}

function arrayTask({ accepted, request }: { accepted: AcceptedJob; request: JobRequest }): ArrayTask | null {
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

function gitCommit(commit: string | null | undefined): Record<string, string> {
  return commit === null || commit === undefined ? {} : { ORRERY_GIT_COMMIT: commit };
}

/** What a job is called where its submitter did not say: the program's file name, as Slurm does. */
export function defaultJobName(spec: AcceptedJob['spec']): string {
  return spec.command?.[0]?.split('/').at(-1) ?? 'script';
}

/**
 * Makes the folder the tasks run in: a copy of the code as submitted, made once and kept over attempts, so that a requeue runs
 * what was submitted and finds what earlier attempts wrote. Jobs that run in place need their submit folder to be there still.
 */
export async function prepareWorkFolder(
  plan: AttemptPlan,
  accepted: AcceptedJob,
  folders: LocalFolders,
): Promise<void> {
  const { code } = accepted;
  if (code !== null && code.snapshot === null) {
    await access(code.submitFolder, constants.X_OK).catch(() => {
      throw new OrreryError('ORR_FAILED', `the folder the job was submitted from is gone: ${code.submitFolder}`);
    });
    return;
  }
  if (await exists(plan.workFolder)) return;
  await mkdir(folders.job(plan.jobId), { recursive: true, mode: 0o700 });
  if (code === null || code.snapshot === null) {
    await mkdir(plan.workFolder, { recursive: true });
    return;
  }
  const half = `${plan.workFolder}.${process.pid}.partial`;
  await rm(half, { recursive: true, force: true });
  await cp(folders.snapshot(code.snapshot), half, {
    recursive: true,
    verbatimSymlinks: true,
    preserveTimestamps: true,
    mode: constants.COPYFILE_FICLONE,
  });
  await rename(half, plan.workFolder);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
