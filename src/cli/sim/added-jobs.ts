import type { NodeSpec } from '../../cluster/node.ts';
import type { Dependency, JobRequest } from '../../scheduler/types.ts';
import type { TwinJob } from '../../twin/types.ts';
import type { TimedJob } from './planned-jobs.ts';

const MS_PER_HOUR = 3_600_000;
/** Ids beyond those of any workload, so that none of its jobs has to be counted anew. */
const FIRST_ID = 1_000_000_000;
const MAX_REQUEUES_DEFAULT = 3;
/** Of its time limit, what a training uses before it stops by itself and goes on in another job: the rest is for failures. Assumed. */
const LIMIT_USED = 0.95;

export interface AddedJobs {
  /** In the order of their submission. */
  jobs: TwinJob[];
  /** By id: its own name where it has one; the jobs that a training goes on in are numbered. */
  names: ReadonlyMap<number, string>;
}

/**
 * Jobs that a scenario adds to its workload. Whole nodes unless they say how many GPUs. One that saves its work and runs longer than its time
 * limit goes on in further jobs, each of which waits for the one before it.
 */
export function addedJobs(timed: readonly TimedJob[], nodes: readonly NodeSpec[]): AddedJobs {
  const whole = nodes[0]?.resources ?? { cpus: 1, memoryBytes: 0, gpus: 0 };
  const jobs: TwinJob[] = [];
  const names = new Map<number, string>();
  for (const job of [...timed].sort((a, b) => a.submitHours - b.submitHours)) {
    const { gpusPerNode, limitHours, cancelAfterHours, checkpointing, outcome } = job;
    const share = gpusPerNode === undefined || whole.gpus === 0 ? 1 : gpusPerNode / whole.gpus;
    const partHours = checkpointing === null || limitHours === undefined ? job.hours : LIMIT_USED * limitHours;
    const parts = Math.max(1, Math.ceil(job.hours / partHours));
    let dependencies: readonly Dependency[] = [];
    for (let part = 1; part <= parts; part++) {
      const jobId = FIRST_ID + jobs.length;
      const request: JobRequest = {
        jobId,
        submitMs: ms(job.submitHours),
        priority: job.priority ?? 0,
        nodes: job.nodes,
        perNode: {
          cpus: Math.max(1, Math.floor(whole.cpus * share)),
          memoryBytes: Math.floor(whole.memoryBytes * share),
          gpus: gpusPerNode ?? whole.gpus,
        },
        gpuType: null,
        exclusive: gpusPerNode === undefined,
        timeLimitMs: limitHours === undefined ? null : ms(limitHours),
        excludedNodes: [],
        maxRequeues: job.maxRequeues ?? MAX_REQUEUES_DEFAULT,
        dependencies,
        isHeld: false,
      };
      if (job.user !== undefined) request.user = job.user;
      if (job.account !== undefined) request.account = job.account;
      if (job.qos !== undefined) request.qos = job.qos;
      if (job.partition !== undefined) request.partition = job.partition;
      jobs.push({
        request,
        workMs: ms(Math.min(partHours, job.hours - (part - 1) * partHours)),
        outcome: part === parts ? outcome : 'COMPLETED',
        cancelAfterMs: cancelAfterHours === undefined ? null : ms(cancelAfterHours),
        checkpointing,
      });
      const name = job.name ?? String(jobId);
      names.set(jobId, parts === 1 ? name : `${name}-${part}`);
      dependencies = [{ condition: 'afterany', jobId }];
    }
  }
  return { jobs, names };
}

function ms(hours: number): number {
  return Math.round(hours * MS_PER_HOUR);
}
