import { describe, expect, it } from 'vitest';
import { gangRequest } from './job-request.test-support.ts';
import type { SchedulerOptions } from './policy.ts';
import { createScheduler } from './scheduler.ts';
import type { JobRequest } from './types.ts';

const PARTITIONS = [{ name: 'four', maxCpusPerNode: 4 }, { name: 'all' }];

function schedulerOf(nodeCount: number, options: SchedulerOptions = {}) {
  const scheduler = createScheduler({ partitions: PARTITIONS, ...options });
  for (let index = 1; index <= nodeCount; index++) {
    const resources = { cpus: 8, memoryBytes: 0, gpus: 0 };
    scheduler.apply({ kind: 'NodeAdded', atMs: 0, node: { name: `n${index}`, resources, gpuType: null, leaf: null } });
  }
  return scheduler;
}

const job = (id: number, partition: string, cpus: number, seconds = 100, rest: Partial<JobRequest> = {}) =>
  gangRequest(id, 1, 0, {
    partition,
    perNode: { cpus, memoryBytes: 0, gpus: 0 },
    timeLimitMs: seconds * 1000,
    ...rest,
  });

/** Ids of those that start. */
function startedOf(scheduler: ReturnType<typeof schedulerOf>, jobs: readonly JobRequest[], atMs = 0) {
  for (const request of jobs) scheduler.apply({ kind: 'JobSubmitted', atMs, job: request });
  return scheduler.decide(atMs).decisions.flatMap((one) => (one.kind === 'StartAttempt' ? [one.jobId] : []));
}

describe.each(['easy', 'conservative'] as const)(
  'CPUs of a node that a partition gives, with %s backfill',
  (backfillType) => {
    it('are for all of its jobs there together; the others have the rest', () => {
      const scheduler = schedulerOf(2, { backfillType });
      const jobs = [
        ...[1, 2, 3, 4].map((id) => job(id, 'four', 2)),
        ...[5, 6].map((id) => job(id, 'all', 4)),
        job(7, 'four', 1),
      ];
      expect(startedOf(scheduler, jobs)).toEqual([1, 2, 3, 4, 5, 6]);
      expect(scheduler.job(7)?.reason).toBe('Resources');
      scheduler.apply({ kind: 'AttemptEnded', atMs: 1, jobId: 5, attempt: 1, state: 'COMPLETED', exitCode: 0 });
      expect(startedOf(scheduler, [], 1)).toEqual([]);
      scheduler.apply({ kind: 'AttemptEnded', atMs: 2, jobId: 1, attempt: 1, state: 'COMPLETED', exitCode: 0 });
      expect(startedOf(scheduler, [], 2)).toEqual([7]);
    });

    it('are kept for the first job that waits for them', () => {
      const scheduler = schedulerOf(1, { backfillType });
      const jobs = [job(1, 'four', 3, 100), job(2, 'four', 4), job(3, 'four', 1, 200), job(4, 'four', 1, 50)];
      expect(startedOf(scheduler, jobs)).toEqual([1, 4]);
    });

    it('are not for a job that asks for more', () => {
      const scheduler = schedulerOf(1, { backfillType });
      const messages = [job(1, 'four', 5), job(2, 'four', 1, 100, { exclusive: true })].map((request) => {
        const admission = scheduler.admission(request);
        return admission.isAdmissible ? null : admission.message;
      });
      expect(messages).toEqual([
        'the job asks for 5 CPUs on a node, and its partition gives 4 CPUs of a node at most',
        'the job asks for whole nodes, and its partition gives 4 CPUs of a node at most',
      ]);
      expect(startedOf(scheduler, [job(3, 'four', 5), job(4, 'four', 4)])).toEqual([4]);
      expect(scheduler.job(3)?.reason).toBe('BadConstraints');
    });
  },
);

it('jobs of other partitions take nothing from it past the time at which the first job starts', () => {
  const scheduler = schedulerOf(1);
  const jobs = [job(1, 'four', 3, 100), job(2, 'four', 4), job(3, 'all', 4, 500), job(4, 'all', 1, 500)];
  expect(startedOf(scheduler, jobs)).toEqual([1, 3]);
});

it('a job preempts nobody on a node that has no CPUs left for its partition', () => {
  const scheduler = schedulerOf(1, {
    qos: [{ name: 'low' }, { name: 'high', preempts: ['low'] }],
    preempt: { type: 'qos', mode: 'requeue' },
  });
  const low = job(2, 'all', 5, 100, { qos: 'low' });
  expect(startedOf(scheduler, [job(1, 'four', 3), low])).toEqual([1, 2]);
  scheduler.apply({ kind: 'JobSubmitted', atMs: 1, job: job(3, 'four', 2, 100, { qos: 'high' }) });
  expect(scheduler.decide(1).decisions).toEqual([]);
  scheduler.apply({ kind: 'AttemptEnded', atMs: 2, jobId: 1, attempt: 1, state: 'COMPLETED', exitCode: 0 });
  expect(startedOf(scheduler, [], 2)).toEqual([3]);
});
