import type { SchedulerOptions } from './policy.ts';
import { createScheduler } from './scheduler.ts';
import type { JobRequest } from './types.ts';

/** A scheduler with one node of 64 CPUs, `n1`, and a way to submit jobs to it when they say. */
export function oneNode(options: SchedulerOptions) {
  const scheduler = createScheduler(options);
  const resources = { cpus: 64, memoryBytes: 0, gpus: 0 };
  scheduler.apply({ kind: 'NodeAdded', atMs: 0, node: { name: 'n1', resources, gpuType: null, leaf: null } });
  return {
    scheduler,
    submit: (...jobs: JobRequest[]) => {
      for (const job of jobs) scheduler.apply({ kind: 'JobSubmitted', atMs: job.submitMs, job });
    },
  };
}
