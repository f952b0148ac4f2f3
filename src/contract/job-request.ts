import { parseMemoryBytes } from '../lib/units.ts';
import type { JobRequest } from '../scheduler/types.ts';
import { JOB_DEFAULTS, type JobSpec, parseDependencies, tasksPerNode, timeLimitMs } from './job.ts';

/** What the scheduler needs to know of a submitted job. `submitMs` is the time of acceptance. */
export function toJobRequest(jobId: number, spec: JobSpec, submitMs: number): JobRequest {
  return {
    jobId,
    submitMs,
    priority: spec.priority,
    nodes: spec.nodes,
    perNode: {
      cpus: spec.cpus * tasksPerNode(spec),
      memoryBytes: parseMemoryBytes(spec.memory) ?? JOB_DEFAULTS.memoryBytes,
      gpus: spec.gpusPerNode,
    },
    gpuType: null,
    exclusive: spec.exclusive,
    timeLimitMs: timeLimitMs(spec),
    excludedNodes: spec.exclude,
    maxRequeues: spec.maxRequeues,
    dependencies: parseDependencies(spec.after),
    isHeld: spec.hold,
  };
}
