import { expect, it } from 'vitest';
import type { AttemptEnd, AttemptState, TwinJob } from '../types.ts';
import { Restarts } from './restarts.ts';

const allocation = { nodeIndices: [0], gpusPerNode: 8 };

function jobOf(jobId: number): TwinJob {
  return {
    request: {
      jobId,
      submitMs: 0,
      priority: 0,
      nodes: 1,
      perNode: { cpus: 1, memoryBytes: 1, gpus: 8 },
      gpuType: null,
      exclusive: true,
      timeLimitMs: null,
      excludedNodes: [],
      maxRequeues: 9,
      dependencies: [],
      isHeld: false,
    },
    workMs: 1000,
    outcome: 'NODE_FAIL',
    cancelAfterMs: null,
    checkpointing: null,
  };
}

function endOf(job: TwinJob, state: AttemptState, preemptorJobId: number | null = null): AttemptEnd {
  const times = { queuedMs: 0, startMs: 0, endMs: 3_600_000, productiveMs: 0, lostMs: 3_600_000, overheadMs: 0 };
  return { job, attempt: 1, state, allocation, incident: null, preemptorJobId, ...times };
}

it('sees the crash loop of a job that takes its nodes with it, and whom it drives out', () => {
  const restarts = new Restarts(0);
  const [loop, victim, bystander] = [jobOf(1), jobOf(2), jobOf(3)];
  for (const attempt of [1, 2, 3]) {
    restarts.attemptEnded(endOf(loop, 'NODE_FAIL'), 1024);
    restarts.attemptEnded(endOf(victim, 'PREEMPTED', 1), 8);
    restarts.started(loop, attempt + 1, 60_000);
    restarts.started(victim, attempt + 1, 60_000);
  }
  restarts.attemptEnded(endOf(bystander, 'PREEMPTED', 4), 8);
  restarts.jobEnded({ ...endOf(loop, 'NODE_FAIL'), attempts: 4 });
  expect(restarts.report((deviceMs) => deviceMs / 3_600_000)).toMatchObject({
    preemptions: 4,
    afterFailure: 3,
    afterThose: 0,
    firstOrderLostHours: 3 * 1024,
    secondOrderLostHours: 3 * 8,
    crashLoops: [{ jobId: 1, devices: 1024, failures: 3, preemptions: 3, preemptedDevices: 24 }],
  });
});
