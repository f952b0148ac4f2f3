import { describe, expect, it } from 'vitest';
import { adjustJobs, listedJobs, mergeJobs, withCheckpointRule } from './adjusted-jobs.ts';
import type { JobSource, TwinJob } from './types.ts';

function job(jobId: number, submitMs: number, more: Partial<TwinJob> = {}): TwinJob {
  return {
    request: {
      jobId,
      submitMs,
      priority: 0,
      nodes: 128,
      perNode: { cpus: 1, memoryBytes: 1, gpus: 8 },
      gpuType: null,
      exclusive: true,
      timeLimitMs: null,
      excludedNodes: [],
      maxRequeues: 3,
      dependencies: [],
      isHeld: false,
    },
    workMs: 1000,
    outcome: 'COMPLETED',
    cancelAfterMs: null,
    checkpointing: null,
    ...more,
  };
}

function idsOf(source: JobSource): number[] {
  const ids: number[] = [];
  for (let next = source.next(); next !== null; next = source.next()) ids.push(next.request.jobId);
  return ids;
}

describe('job sources', () => {
  it('merge in the order of submission', () => {
    const merged = mergeJobs(listedJobs([job(1, 10), job(2, 20), job(3, 20)]), listedJobs([job(7, 5), job(8, 20)]));
    expect([merged.countEstimate, merged.endMsEstimate]).toEqual([5, 20]);
    expect(idsOf(merged)).toEqual([7, 1, 2, 3, 8]);
  });

  it('are adjusted one by one', () => {
    const adjusted = adjustJobs(listedJobs([job(1, 10)]), (each) => ({ ...each, workMs: 2 * each.workMs }));
    expect(adjusted.next()?.workMs).toBe(2000);
    expect(adjusted.next()).toBeNull();
  });
});

describe('the checkpoint rule', () => {
  const checkpointing = { intervalMs: 3_600_000, writeMs: 30_000, isBlocking: true, restartMs: 600_000 };

  it('changes only jobs that write checkpoints', () => {
    const without = job(1, 0);
    expect(withCheckpointRule(without, { kind: 'fixed', intervalMs: 5 })).toBe(without);
    expect(withCheckpointRule(job(1, 0, { checkpointing }), { kind: 'none' }).checkpointing).toBeNull();
    expect(
      withCheckpointRule(job(1, 0, { checkpointing }), { kind: 'fixed', intervalMs: 60_000 }).checkpointing,
    ).toEqual({ ...checkpointing, intervalMs: 60_000 });
  });

  it('finds the optimum of Young and Daly', () => {
    // 128 nodes at 6.5 per 1,000 node-days: M = 103,846 s; sqrt(2 x 30 x 103,846) = 2,496 s.
    const optimum = withCheckpointRule(job(1, 0, { checkpointing }), {
      kind: 'young-daly',
      failuresPerNodeDay: 6.5e-3,
    });
    expect(optimum.checkpointing?.intervalMs).toBeCloseTo(2_496_000, -4);
    const free = job(1, 0, { checkpointing: { ...checkpointing, writeMs: 0 } });
    expect(withCheckpointRule(free, { kind: 'young-daly', failuresPerNodeDay: 6.5e-3 }).checkpointing?.intervalMs).toBe(
      60_000,
    );
    expect(withCheckpointRule(free, { kind: 'young-daly', failuresPerNodeDay: 0 })).toBe(free);
  });
});
