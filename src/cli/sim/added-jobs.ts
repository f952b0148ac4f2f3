import type { NodeSpec } from '../../cluster/node.ts';
import type { ScenarioJob } from '../../formats/scenario-file.ts';
import type { JobRequest } from '../../scheduler/types.ts';
import type { TwinJob } from '../../twin/types.ts';

const MS_PER_HOUR = 3_600_000;
/** Ids beyond those of any workload, so that none of its jobs has to be counted anew. */
const FIRST_ID = 1_000_000_000;
const MAX_REQUEUES_DEFAULT = 3;

/** Jobs that a scenario adds to its workload, in the order of their submission. Whole nodes unless they say how many GPUs. */
export function addedJobs(jobs: readonly ScenarioJob[], nodes: readonly NodeSpec[]): TwinJob[] {
  const whole = nodes[0]?.resources ?? { cpus: 1, memoryBytes: 0, gpus: 0 };
  return [...jobs]
    .sort((a, b) => a.submitHours - b.submitHours)
    .map((job, index) => {
      const { gpusPerNode, limitHours, cancelAfterHours } = job;
      const share = gpusPerNode === undefined || whole.gpus === 0 ? 1 : gpusPerNode / whole.gpus;
      const request: JobRequest = {
        jobId: FIRST_ID + index,
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
        dependencies: [],
        isHeld: false,
      };
      if (job.user !== undefined) request.user = job.user;
      if (job.account !== undefined) request.account = job.account;
      if (job.qos !== undefined) request.qos = job.qos;
      return {
        request,
        workMs: ms(job.hours),
        outcome: job.outcome,
        cancelAfterMs: cancelAfterHours === undefined ? null : ms(cancelAfterHours),
        checkpointing: null,
      };
    });
}

/** What one of them is called: its own name where it has one. */
export function addedJobNames(jobs: readonly ScenarioJob[]): ReadonlyMap<number, string> {
  const sorted = [...jobs].sort((a, b) => a.submitHours - b.submitHours);
  return new Map(sorted.map((job, index) => [FIRST_ID + index, job.name ?? String(FIRST_ID + index)]));
}

function ms(hours: number): number {
  return Math.round(hours * MS_PER_HOUR);
}
