import { beforeEach, describe, expect, it } from 'vitest';
import type { SchedulerOptions } from './policy.ts';
import { createScheduler } from './scheduler.ts';
import type { JobRequest, Scheduler } from './types.ts';

const MINUTE = 60_000;

let scheduler: Scheduler;
let nowMs: number;

/** Three nodes with 8 GPUs. */
function setUp(options: SchedulerOptions = {}): void {
  scheduler = createScheduler(options);
  nowMs = 0;
  for (const name of ['n1', 'n2', 'n3']) {
    const node = { name, resources: { cpus: 8, memoryBytes: 8, gpus: 8 }, gpuType: 'a100-80', leaf: null };
    scheduler.apply({ kind: 'NodeAdded', atMs: nowMs, node });
  }
}

function submit(
  jobId: number,
  nodes: number,
  minutes: number | null,
  fields: Partial<JobRequest> & { gpus?: number } = {},
) {
  const { gpus = 8, ...rest } = fields;
  const job: JobRequest = {
    jobId,
    submitMs: jobId,
    priority: 0,
    nodes,
    perNode: { cpus: gpus, memoryBytes: gpus, gpus },
    gpuType: null,
    exclusive: false,
    timeLimitMs: minutes === null ? null : minutes * MINUTE,
    excludedNodes: [],
    maxRequeues: 0,
    dependencies: [],
    isHeld: false,
    ...rest,
  };
  scheduler.apply({ kind: 'JobSubmitted', atMs: nowMs, job });
}

/** Ids of the jobs that start; their tasks run at once. */
function decide(): number[] {
  const ids: number[] = [];
  for (;;) {
    const { decisions, wakeAtMs } = scheduler.decide(nowMs);
    for (const decision of decisions) {
      if (decision.kind !== 'StartAttempt') continue;
      const { jobId, attempt } = decision;
      scheduler.apply({ kind: 'AttemptStarted', atMs: nowMs, jobId, attempt });
      ids.push(jobId);
    }
    if (wakeAtMs !== nowMs) return ids;
  }
}

const end = (jobId: number) =>
  scheduler.apply({ kind: 'AttemptEnded', atMs: nowMs, jobId, attempt: 1, state: 'COMPLETED', exitCode: 0 });
const minutesUntil = (jobId: number) => {
  const startMs = scheduler.expectedStartMs(jobId, nowMs);
  return startMs === null ? null : (startMs - nowMs) / MINUTE;
};
const nodesOf = (jobId: number) => scheduler.job(jobId)?.placement?.map(({ nodeName }) => nodeName);

beforeEach(() => setUp());

describe('behind a job that waits for all nodes until minute 60', () => {
  beforeEach(() => {
    submit(1, 1, 60);
    submit(2, 3, 10);
    decide();
  });

  it('a job that ends before slips in, one that does not waits', () => {
    submit(3, 1, 61);
    submit(4, 1, 60);
    submit(5, 1, null);
    expect(decide()).toEqual([4]);
    expect([2, 3, 5].map((jobId) => scheduler.job(jobId)?.reason)).toEqual(['Resources', 'Priority', 'Priority']);
    nowMs = MINUTE;
    submit(6, 1, 60);
    submit(7, 1, 59);
    expect(decide()).toEqual([7]);
  });

  it('its start is told, and moves up when an attempt ends early', () => {
    expect([minutesUntil(2), minutesUntil(1)]).toEqual([60, null]);
    submit(3, 1, 30);
    expect(decide()).toEqual([3]);
    expect([minutesUntil(2), minutesUntil(3)]).toEqual([60, null]);
    expect(scheduler.explain(2, nowMs).at(-1)).toBe(
      'Job 2 is expected to start in 01:00:00 at the latest, by the time limits of what runs.',
    );
    nowMs = 10 * MINUTE;
    end(1);
    expect(decide()).toEqual([]);
    expect(minutesUntil(2)).toBe(20);
  });

  it('nothing slips in with the plain policy', () => {
    setUp({ schedulerType: 'builtin' });
    submit(1, 1, 60);
    submit(2, 3, 10);
    submit(3, 1, 1);
    expect(decide()).toEqual([1]);
    expect(minutesUntil(2)).toBe(60);
  });

  it('a job of higher priority that comes later gets the reservation instead', () => {
    expect(decide()).toEqual([]);
    submit(3, 2, 30, { priority: 1, excludedNodes: ['n2'] });
    submit(4, 1, 60, { priority: 0, excludedNodes: ['n3'] });
    expect(decide()).toEqual([4]);
    expect([minutesUntil(3), minutesUntil(2)]).toEqual([60, null]);
  });
});

describe('beside a reservation', () => {
  it('a long job starts on what is not needed then', () => {
    submit(1, 1, 60);
    submit(2, 2, 10, { exclusive: true });
    submit(3, 1, 30);
    submit(4, 2, 20);
    expect(decide()).toEqual([1, 2]);
    // At minute 30 job 3 gives back its node, two of three are job 4's then.
    submit(5, 1, null);
    expect(decide()).toEqual([]);
    nowMs = 10 * MINUTE;
    end(2);
    expect(decide()).toEqual([3]);
    expect(minutesUntil(4)).toBe(30);
    expect(nodesOf(3)).toEqual(['n2']);
  });

  it('a long job shares a node where the reservation leaves it enough', () => {
    submit(1, 3, 60, { gpus: 4 });
    submit(2, 3, 10, { gpus: 6 });
    submit(3, 1, null, { gpus: 3 });
    submit(4, 1, null, { gpus: 2 });
    submit(5, 1, 60, { gpus: 4 });
    expect(decide()).toEqual([1, 4, 5]);
    expect(minutesUntil(2)).toBe(60);
  });
});

describe('without a time limit', () => {
  beforeEach(() => {
    submit(1, 1, null);
    submit(2, 3, 10, { gpuType: 'a100-80' });
    decide();
  });

  it('an attempt promises nothing: jobs with a limit slip in, those without keep off what the first could use', () => {
    submit(3, 1, 1000);
    submit(4, 1, null);
    expect(decide()).toEqual([3]);
    expect([minutesUntil(2), minutesUntil(4)]).toEqual([null, null]);
    const node = { name: 'v1', resources: { cpus: 8, memoryBytes: 8, gpus: 8 }, gpuType: 'v100', leaf: null };
    scheduler.apply({ kind: 'NodeAdded', atMs: nowMs, node });
    expect(decide()).toEqual([4]);
  });
});

describe('limits of the work', () => {
  it('try so many jobs and no more', () => {
    setUp({ bfMaxJobTest: 2 });
    submit(1, 1, 60);
    submit(2, 3, 10);
    submit(3, 1, 100);
    submit(4, 1, 5);
    expect(decide()).toEqual([1]);
    scheduler.apply({ kind: 'JobCancelRequested', atMs: nowMs, jobId: 3 });
    expect(decide()).toEqual([4]);
  });

  it('are whole numbers', () => {
    expect(() => createScheduler({ bfMaxJobTest: 0 })).toThrow('bfMaxJobTest: expected an integer > 0, got 0');
  });
});
