import type { Demand } from './limit-faults.ts';

/** Of a job with a node of 8 GPUs for a minute, unless it says otherwise. */
export function demand(rest: Partial<Demand> = {}): Demand {
  return {
    nodes: 1,
    gpus: 8,
    cpus: 16,
    memoryBytes: 100,
    timeLimitMs: 60_000,
    minutesMs: 60_000,
    array: null,
    ...rest,
  };
}
