import { describe, expect, it } from 'vitest';
import type { DecisionSink } from './core-types.ts';
import { createCore } from './core.ts';
import { gangRequest } from './job-request.test-support.ts';
import { oneNode } from './one-node.test-support.ts';
import { completePolicy, type PriorityPolicy, type SchedulerOptions } from './policy.ts';
import { MinutesAhead } from './run-minutes.ts';
import type { JobRequest } from './types.ts';

const MINUTE = 60_000;
const PRIORITY: Partial<PriorityPolicy> = { type: 'multifactor', calcPeriodSeconds: 60, calcAgeSeconds: 36 };

function schedulerOf(options: SchedulerOptions) {
  const { scheduler, submit } = oneNode(options);
  return {
    scheduler,
    submit,
    starts: (atMs: number) => {
      const { decisions, wakeAtMs } = scheduler.decide(atMs);
      return [decisions.flatMap((one) => (one.kind === 'StartAttempt' ? [one.jobId] : [])), wakeAtMs];
    },
  };
}

const job = (id: number, minutes: number | null, rest: Partial<JobRequest> = {}) =>
  gangRequest(id, 1, 0, { timeLimitMs: minutes === null ? null : minutes * MINUTE, ...rest });

describe('a counter of minutes ahead', () => {
  const use = (cpus: number, startMs: number, limitMs: number) => ({
    amounts: { gpus: 0, nodes: 1, cpus, memoryBytes: 3 * 1024 ** 2 },
    startMs,
    limitMs,
    factor: 1,
  });

  it('has after any starts, ends and calculations what counting anew gives', () => {
    const counter = new MinutesAhead(1);
    const twin = new MinutesAhead(2);
    const jobs = Array.from({ length: 50 }, (_, index) => ({ index }));
    let calculatedMs = -Infinity;
    for (let step = 0; step < 400; step += 1) {
      const atMs = step * 7001;
      if (step % 17 === 0) {
        calculatedMs = atMs;
        counter.recount(atMs);
      }
      const job = jobs[(step * 31) % 50] ?? {};
      const limitMs = step % 13 === 0 ? Infinity : (step % 90) * MINUTE;
      for (const one of [counter, twin]) {
        if (step % 3 === 0) one.end(job, calculatedMs);
        else if (step < 50 || step % 3 === 1) {
          one.end(job, calculatedMs);
          one.start(job, use(step % 9, atMs, limitMs), calculatedMs);
        }
      }
      twin.recount(calculatedMs);
      expect(counter.used).toEqual(twin.used);
    }
    expect(counter.isChanging).toBe(true);
  });

  it('has none left once a job that might have run for ever has ended, and all others', () => {
    const counter = new MinutesAhead(1);
    const [endless, other] = [{}, {}];
    counter.start(endless, use(2, 0, Infinity), 0);
    counter.start(other, use(3, 0, 2 * MINUTE), 0);
    expect(counter.used.cpus).toBe(Infinity);
    counter.end(endless, 0);
    expect(counter.used).toMatchObject({ cpus: 6, nodes: 2, memoryBytes: 6 * 1024 ** 2, gpus: 0 });
    counter.end(other, 0);
    expect(counter.used).toMatchObject({ cpus: 0, nodes: 0, memoryBytes: 0 });
  });

  it('has none left of memory in no whole MiB, of which sums are rounded', () => {
    for (let round = 1; round <= 50; round++) {
      const counter = new MinutesAhead(1);
      const bytes = (1e12 * round) / 7;
      const uses = [1, 2, 3].map((part) => ({
        amounts: { gpus: 0, nodes: 1, cpus: 1, memoryBytes: Math.floor(bytes / part) },
        startMs: 0,
        limitMs: 10_000 * MINUTE * part + round,
        factor: 1,
      }));
      for (const one of uses) counter.start(one, one, 0);
      for (const one of uses) counter.end(one, 0);
      expect(counter.used).toEqual({ jobs: 0, gpus: 0, nodes: 0, cpus: 0, memoryBytes: 0 });
    }
  });
});

describe('minutes ahead of what runs', () => {
  const qos = [{ name: 'normal', groupRunMinutes: { cpus: 120 } }];

  it('go down when priorities are calculated, by whole minutes, and the scheduler wakes for that', () => {
    // As a controller did of the same jobs, whose calculations came 24 s after each full minute.
    const { scheduler, submit, starts } = schedulerOf({ qos, priority: PRIORITY });
    submit(job(1, 120), job(2, 1), job(3, 2));
    expect(starts(0)).toEqual([[1], 24_000]);
    expect([2, 3].map((id) => scheduler.job(id)?.reason)).toEqual(Array(2).fill('QOSGrpCPURunMinutesLimit'));
    expect(scheduler.explain(3, 0)).toEqual([
      'Job 3 waits for a limit (QOSGrpCPURunMinutesLimit): it asks for 2 CPU minutes by its time limit, what runs has 120 ahead of it, and no more than 120 CPU minutes may be ahead of all jobs together.',
    ]);
    expect(starts(23_000)).toEqual([[], 24_000]);
    expect(starts(25_000)).toEqual([[2], 84_000]);
    expect(starts(84_000)).toEqual([[3], 144_000]);
  });

  it('go down with the end of a job alone where priorities are not calculated', () => {
    const { scheduler, submit, starts } = schedulerOf({ qos });
    submit(job(1, 120), job(2, 1));
    expect(starts(0)).toEqual([[1], null]);
    expect(starts(60 * MINUTE)).toEqual([[], null]);
    scheduler.apply({
      kind: 'AttemptEnded',
      atMs: 70 * MINUTE,
      jobId: 1,
      attempt: 1,
      state: 'COMPLETED',
      exitCode: 0,
    });
    expect(starts(70 * MINUTE)[0]).toEqual([2]);
  });

  it('are those of the time limit, and without end where the longest of its partition alone bounds a job', () => {
    const partitions = [
      { name: 'most', maxTimeSeconds: 600 },
      { name: 'usual', defaultTimeSeconds: 600 },
    ];
    const { scheduler, submit, starts } = schedulerOf({ qos, partitions });
    submit(
      job(1, null, { partition: 'most' }),
      job(2, null, { partition: 'usual' }),
      job(3, 130, { partition: 'usual' }),
    );
    expect(starts(0)[0]).toEqual([2]);
    expect(scheduler.explain(1, 0)[0]).toContain('it asks for 1 CPU and for no time, and no more than 120 CPU minutes');
    expect(scheduler.explain(3, 0)[0]).toContain('it asks for 130 CPU minutes by its time limit');
    expect(scheduler.explain(3, 0)[0]).toContain('it never starts');
  });
});

it('of a cluster that is taken over what runs has left what it had at the last calculation before', () => {
  const qos = [{ name: 'normal', groupRunMinutes: { cpus: 60 } }];
  const core = createCore({ qos, priority: completePolicy({ priority: PRIORITY }).priority });
  core.addNode({ name: 'n1', resources: { cpus: 64, memoryBytes: 0, gpus: 0 }, gpuType: null, leaf: null });
  // That was 36 s ago: of its hour it had 30.4 minutes then, and by the next one 29.4.
  core.adopt(job(1, 60), -30.2 * MINUTE, [0]);
  core.submit(job(2, 31), 0);
  core.submit(job(3, 30), 0);
  const started: number[] = [];
  const sink: DecisionSink = {
    startAttempt: ({ request }) => void started.push(request.jobId),
    endAttempt: () => {},
    requeueJob: () => {},
    endJob: () => {},
  };
  expect(core.decide(0, sink)).toBe(24_000);
  expect(started).toEqual([3]);
});

it('a job of more minutes than one may have waits for ever, or is refused', () => {
  const qos = [{ name: 'normal', perJobMinutes: { cpus: 60 } }];
  const { scheduler, submit, starts } = schedulerOf({ qos });
  submit(job(1, 61), job(2, 60));
  expect(starts(0)[0]).toEqual([2]);
  expect(scheduler.job(1)?.reason).toBe('QOSMaxCpuMinutesPerJobLimit');
  const strict = schedulerOf({
    qos: [{ name: 'normal', perJobMinutes: { cpus: 60 }, isDeniedOnLimit: true }],
  }).scheduler;
  expect(strict.admission(job(1, 61))).toEqual({
    isAdmissible: false,
    message: 'it asks for 61 CPU minutes by its time limit, and a job may have 60: its QOS refuses such jobs',
  });
  expect(strict.admission(job(1, null, { timeLimitMs: 3_700_000 }))).toMatchObject({
    message: expect.stringMatching(/^it asks for 61.67 CPU minutes by its time limit,/),
  });
  expect(strict.admission(job(1, 60)).isAdmissible).toBe(true);
});

it('a job that asks for no time is given what limits on minutes leave it where it might be refused, as of MaxWall', () => {
  const limits = { perJobMinutes: { cpus: 60 }, groupRunMinutes: { cpus: 60 }, groupMinutes: { cpus: 50 } };
  const qos = [
    { name: 'normal', ...limits },
    { name: 'strict', ...limits, isDeniedOnLimit: true },
  ];
  const { scheduler, submit } = schedulerOf({ qos });
  const perNode = { cpus: 7, gpus: 0, memoryBytes: 0 };
  const rest = { qos: 'strict', perNode };
  submit(job(1, null, { perNode }), job(2, null, rest), job(3, 9, rest), job(4, 5, rest));
  expect([1, 2, 3, 4].map((id) => scheduler.limitMs(id))).toEqual([null, 7 * MINUTE, 9 * MINUTE, 5 * MINUTE]);
  expect(scheduler.admission(job(5, null, rest)).isAdmissible).toBe(true);
  expect(scheduler.admission(job(5, null, { ...rest, perNode: { ...perNode, cpus: 61 } })).isAdmissible).toBe(false);
});
