import { expect, it } from 'vitest';
import { gangRequest } from './job-request.test-support.ts';
import type { SchedulerOptions } from './policy.ts';
import { createScheduler } from './scheduler.ts';
import type { JobRequest } from './types.ts';

const PARTITIONS = [
  { name: 'main', maxNodes: 3, maxTimeSeconds: 3600 },
  { name: 'wide', minNodes: 2, overTimeSeconds: 20 },
  { name: 'free', overTimeSeconds: null },
];

function schedulerOf(options: SchedulerOptions = {}) {
  const scheduler = createScheduler({ partitions: PARTITIONS, overTimeSeconds: 60, ...options });
  for (const name of ['n1', 'n2', 'n3', 'n4']) {
    const resources = { cpus: 8, memoryBytes: 0, gpus: 0 };
    scheduler.apply({ kind: 'NodeAdded', atMs: 0, node: { name, resources, gpuType: null, leaf: null } });
  }
  const submit = (job: JobRequest) => scheduler.apply({ kind: 'JobSubmitted', atMs: 0, job });
  return { scheduler, submit };
}

const job = (id: number, nodes: number, partition: string, timeLimitMs = 60_000) =>
  gangRequest(id, nodes, 0, { partition, timeLimitMs });

it('a job beyond the limits of its partition waits for ever, in nobody\u2019s way', () => {
  const { scheduler, submit } = schedulerOf();
  submit(job(1, 4, 'main'));
  submit(job(2, 1, 'wide'));
  submit(job(3, 1, 'main', 7_200_000));
  submit(job(4, 4, 'main', 7_200_000));
  submit(job(5, 3, 'main'));
  expect(scheduler.decide(0).decisions).toMatchObject([{ kind: 'StartAttempt', jobId: 5 }]);
  // As in Slurm the number of nodes is looked at first.
  const reasons = [1, 2, 3, 4].map((id) => scheduler.job(id)?.reason);
  expect(reasons).toEqual(['PartitionNodeLimit', 'PartitionNodeLimit', 'PartitionTimeLimit', 'PartitionNodeLimit']);
  expect(scheduler.explain(1, 0)).toEqual([
    'Job 1 never starts: it asks for 4 nodes, and jobs of partition main have 3 at most. Submit it again with another --nodes, or to another partition.',
  ]);
  expect(scheduler.explain(3, 0)).toEqual([
    'Job 3 never starts: it asks for 02:00:00, and partition main gives 01:00:00 at most. Submit it again with less --time, or to another partition.',
  ]);
  scheduler.apply({ kind: 'JobCancelRequested', atMs: 1, jobId: 1 });
  expect(scheduler.decide(1).decisions).toMatchObject([{ kind: 'EndJob', jobId: 1, state: 'CANCELLED' }]);
});

it('is refused at submission where the limits are enforced', () => {
  const messageOf = (options: SchedulerOptions, request: JobRequest) => {
    const admission = schedulerOf(options).scheduler.admission(request);
    return admission.isAdmissible ? null : admission.message;
  };
  expect(messageOf({}, job(1, 4, 'main'))).toBeNull();
  const enforced = { enforcePartLimits: true };
  expect(messageOf(enforced, job(1, 4, 'main'))).toBe(
    'the job asks for 4 nodes, and jobs of partition main have 3 at most',
  );
  expect(messageOf(enforced, job(1, 1, 'wide'))).toBe(
    'the job asks for 1 node, and jobs of partition wide have 2 at least',
  );
  expect(messageOf(enforced, job(1, 3, 'main'))).toBeNull();
});

/** As a controller of Slurm 22.05 has it: `test/slurm-partitions.slow.test.ts`. */
const GATED = [
  { name: 'taking', allowAccounts: ['vision'], denyAccounts: ['vision'], allowQos: ['normal', 'high'] },
  { name: 'refusing', denyAccounts: ['vision', 'speech'], denyQos: ['high'] },
  { name: 'small', allowAccounts: ['vision'], allowQos: ['normal'], maxNodes: 1, maxTimeSeconds: 3600 },
];

it('a job whose account or QOS its partition does not take waits for ever, or is refused where that is enforced', () => {
  const { scheduler, submit } = schedulerOf({ partitions: GATED });
  const jobs = [
    gangRequest(1, 1, 0, { partition: 'taking', account: 'vision' }),
    gangRequest(2, 1, 0, { partition: 'taking', account: 'speech' }),
    gangRequest(3, 1, 0, { partition: 'taking', account: 'vision', qos: 'low' }),
    gangRequest(4, 1, 0, { partition: 'refusing', account: 'vision' }),
    gangRequest(5, 1, 0, { partition: 'refusing', account: 'text', qos: 'high' }),
    gangRequest(6, 1, 0, { partition: 'refusing', account: 'text', qos: 'low' }),
    gangRequest(7, 1, 0, { partition: 'refusing' }),
    // Nodes come before time, time before QOS, and QOS before accounts.
    gangRequest(8, 1, 0, { partition: 'small', account: 'text', qos: 'high' }),
    gangRequest(9, 1, 0, { partition: 'small', account: 'text', qos: 'high', timeLimitMs: 7_200_000 }),
    gangRequest(10, 2, 0, { partition: 'small', account: 'text', timeLimitMs: 7_200_000 }),
  ];
  for (const request of jobs) submit(request);
  expect(scheduler.decide(0).decisions.map(({ jobId }) => jobId)).toEqual([1, 6, 7]);
  expect(jobs.map(({ jobId }) => scheduler.job(jobId)?.reason)).toEqual([
    'None',
    'AccountNotAllowed',
    'QOSNotAllowed',
    'AccountNotAllowed',
    'QOSNotAllowed',
    'None',
    'None',
    'QOSNotAllowed',
    'PartitionTimeLimit',
    'PartitionNodeLimit',
  ]);
  expect([2, 5].flatMap((jobId) => scheduler.explain(jobId, 0))).toEqual([
    'Job 2 never starts: it is of account speech, and partition taking takes vision only. Submit it again with another --account, or to another partition.',
    'Job 5 never starts: it has QOS high, and partition refusing does not take high. Submit it again with another --qos, or to another partition.',
  ]);
  const enforced = schedulerOf({ partitions: GATED, enforcePartLimits: true }).scheduler;
  expect(jobs.filter((request) => enforced.admission(request).isAdmissible).map(({ jobId }) => jobId)).toEqual([
    1, 6, 7,
  ]);
});

it('limits of the QOS of a partition hold for its jobs alone', () => {
  const qos = [{ name: 'pair', group: { jobs: 2 }, submitJobsPerUser: 3 }];
  const { scheduler, submit } = schedulerOf({ partitions: [{ name: 'limited', qos: 'pair' }, { name: 'free' }], qos });
  for (const jobId of [1, 2, 3]) submit(job(jobId, 1, 'limited'));
  submit(job(4, 1, 'free'));
  expect(scheduler.decide(0).decisions.map(({ jobId }) => jobId)).toEqual([1, 2, 4]);
  expect(scheduler.job(3)?.reason).toBe('QOSGrpJobsLimit');
  expect(scheduler.admission(job(5, 1, 'limited'))).toMatchObject({ isAdmissible: false });
  expect(scheduler.admission(job(5, 1, 'free'))).toEqual({ isAdmissible: true });
  scheduler.apply({ kind: 'AttemptEnded', atMs: 1, jobId: 1, attempt: 1, state: 'COMPLETED', exitCode: 0 });
  expect(scheduler.decide(1).decisions).toMatchObject([
    { kind: 'EndJob', jobId: 1 },
    { kind: 'StartAttempt', jobId: 3 },
  ]);
});

/** With three jobs that run; of job 2 the limit comes later than of job 1, and the end sooner. */
function withThreeRunning() {
  const { scheduler, submit } = schedulerOf();
  submit(job(1, 1, 'main'));
  submit(job(2, 2, 'wide', 90_000));
  submit(job(3, 1, 'free'));
  scheduler.decide(0);
  for (const jobId of [1, 2, 3]) scheduler.apply({ kind: 'AttemptStarted', atMs: 0, jobId, attempt: 1 });
  return scheduler;
}

it('ends jobs in the order of their deadlines', () => {
  const { decisions } = withThreeRunning().decide(130_000);
  expect(decisions.map(({ jobId }) => jobId)).toEqual([2, 1]);
});

it('jobs outrun their time limits by as much as the policy says, or their partition', () => {
  const scheduler = withThreeRunning();
  expect(scheduler.decide(0).wakeAtMs).toBe(110_000);
  expect(scheduler.decide(109_999).decisions).toEqual([]);
  expect(scheduler.decide(110_000).decisions).toMatchObject([{ jobId: 2, cause: 'TIMEOUT' }]);
  expect(scheduler.decide(120_000).decisions).toMatchObject([{ jobId: 1, cause: 'TIMEOUT' }]);
  expect(scheduler.decide(1e9)).toEqual({ decisions: [], wakeAtMs: null });
});
