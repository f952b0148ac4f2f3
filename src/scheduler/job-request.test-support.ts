import type { JobRequest } from './types.ts';

/** A gang of so many nodes with so many GPUs and one CPU on each, which shares nodes and runs for up to a minute, unless `fields` say otherwise. */
export function gangRequest(jobId: number, nodes: number, gpus: number, fields: Partial<JobRequest> = {}): JobRequest {
  return {
    jobId,
    submitMs: 0,
    priority: 0,
    nodes,
    perNode: { cpus: 1, memoryBytes: 0, gpus },
    gpuType: null,
    exclusive: false,
    timeLimitMs: 60_000,
    excludedNodes: [],
    maxRequeues: 0,
    dependencies: [],
    isHeld: false,
    ...fields,
  };
}
