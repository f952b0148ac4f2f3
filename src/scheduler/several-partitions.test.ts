import { describe, expect, it } from 'vitest';
import { echoOf } from './echo.ts';
import { gangRequest } from './job-request.test-support.ts';
import type { SchedulerOptions } from './policy.ts';
import { createScheduler } from './scheduler.ts';
import type { JobRequest, SchedulerEvent } from './types.ts';

const HOUR_MS = 3_600_000;
const ALL_CPUS = { cpus: 8, memoryBytes: 0, gpus: 0 };
const ONE_CPU = { ...ALL_CPUS, cpus: 1 };
const PARTITIONS = [
  { name: 'left', nodes: ['n1', 'n2'], maxNodes: 2 },
  { name: 'right', nodes: ['n3', 'n4'], maxTimeSeconds: 3600 },
  { name: 'first', nodes: ['n1', 'n2', 'n3', 'n4'], priorityTier: 2 },
];

const job = (id: number, nodes: number, partition: string, fields: Partial<JobRequest> = {}) =>
  gangRequest(id, nodes, 0, { partition, timeLimitMs: HOUR_MS, perNode: ALL_CPUS, ...fields });

/** Four nodes of 8 CPUs, and a journal of all that the scheduler is told and decides. */
class Cluster {
  readonly journal: SchedulerEvent[] = [];
  readonly scheduler;
  readonly #options: SchedulerOptions;

  constructor(options: SchedulerOptions = {}) {
    this.#options = { partitions: PARTITIONS, ...options };
    this.scheduler = createScheduler(this.#options);
    for (const name of ['n1', 'n2', 'n3', 'n4']) {
      const node = { name, resources: ALL_CPUS, gpuType: null, leaf: null };
      this.tell({ kind: 'NodeAdded', atMs: 0, node });
    }
  }

  tell(event: SchedulerEvent): void {
    this.journal.push(event);
    this.scheduler.apply(event);
  }

  submit(...jobs: JobRequest[]): void {
    for (const one of jobs) this.tell({ kind: 'JobSubmitted', atMs: 0, job: one });
  }

  end(jobId: number, atMs: number): void {
    this.tell({ kind: 'AttemptEnded', atMs, jobId, attempt: 1, state: 'COMPLETED', exitCode: 0 });
  }

  /** Ids of jobs that start, with their partition where they name several. */
  starts(atMs: number): string[] {
    const { decisions } = this.scheduler.decide(atMs);
    for (const decision of decisions) this.journal.push(echoOf(decision, atMs));
    return decisions.flatMap((one) => {
      return one.kind === 'StartAttempt'
        ? [`${one.jobId}${one.partition === undefined ? '' : ` ${one.partition}`}`]
        : [];
    });
  }

  replayed() {
    const scheduler = createScheduler(this.#options);
    for (const event of this.journal) scheduler.apply(event);
    return scheduler;
  }
}

describe.each([{}, { backfillType: 'conservative' as const }])('with %o', (options) => {
  it('a job runs in the first of its partitions that has room, of a higher tier before others', () => {
    const cluster = new Cluster(options);
    cluster.submit(job(1, 1, 'left,right'), job(2, 1, 'left,right'), job(3, 1, 'right,first'));
    expect(cluster.starts(0).sort()).toEqual(['1 left', '2 right', '3 first']);
    expect(cluster.replayed().nodes()).toEqual(cluster.scheduler.nodes());
  });

  it('waits in all that let it in, and leaves all with its start', () => {
    const cluster = new Cluster(options);
    cluster.submit(job(1, 2, 'left'), job(2, 2, 'right'), job(3, 2, 'left,right'), job(4, 2, 'right,left'));
    expect(cluster.starts(0)).toEqual(['1', '2']);
    expect([3, 4].map((id) => cluster.scheduler.job(id)?.reason)).toEqual(['Resources', 'Priority']);
    cluster.end(2, 60_000);
    expect(cluster.starts(60_000)).toEqual(['3 right']);
    cluster.end(1, 120_000);
    expect(cluster.starts(120_000)).toEqual(['4 left']);
    expect(cluster.starts(200_000)).toEqual([]);
  });

  it('is in all of them again once it is requeued', () => {
    const cluster = new Cluster(options);
    cluster.submit(job(1, 2, 'left,right'));
    expect(cluster.starts(0)).toEqual(['1 left']);
    cluster.tell({ kind: 'JobRequeueRequested', atMs: 1000, jobId: 1 });
    expect(cluster.starts(1000)).toEqual([]);
    cluster.tell({ kind: 'AttemptEnded', atMs: 2000, jobId: 1, attempt: 1, state: 'FAILED', exitCode: 1 });
    cluster.submit(job(2, 2, 'first', { priority: 0 }));
    for (const nodeName of ['n1', 'n2']) cluster.tell({ kind: 'NodeDrained', atMs: 2000, nodeName, reason: 'drill' });
    const { decisions } = cluster.scheduler.decide(2000);
    expect(decisions).toMatchObject([
      { kind: 'Requeue', jobId: 1, partition: 'left,right' },
      { kind: 'StartAttempt', jobId: 2 },
    ]);
    for (const decision of decisions) cluster.journal.push(echoOf(decision, 2000));
    expect(cluster.replayed().job(1)).toEqual(cluster.scheduler.job(1));
    cluster.end(2, 3000);
    expect(cluster.starts(40_000)).toEqual(['1 right']);
  });

  it('is kept out where it is too large, too long, or over a limit', () => {
    const qos = [{ name: 'small', group: { nodes: 1 } }];
    const partitions = [...PARTITIONS, { name: 'few', qos: 'small' }];
    const cluster = new Cluster({ ...options, qos, partitions });
    cluster.submit(job(1, 3, 'left,first'), job(2, 1, 'right,left', { timeLimitMs: 2 * HOUR_MS }));
    expect(cluster.starts(0).sort()).toEqual(['1 first']);
    expect(cluster.scheduler.job(2)?.reason).toBe('Resources');
    cluster.submit(job(3, 2, 'few,first'), job(4, 1, 'few,left'), job(5, 3, 'left,right'));
    expect(cluster.starts(1000)).toEqual(['4 few']);
    expect(cluster.scheduler.job(3)?.reason).toBe('QOSGrpNodeLimit');
    expect(cluster.scheduler.job(5)?.reason).toBe('PartitionNodeLimit');
  });
});

it('of an array that runs one task at a time the next task finds the partition with room', () => {
  const cluster = new Cluster();
  const array = { id: 1, runningMax: 1 };
  cluster.submit(job(1, 2, 'left,right', { array }), job(2, 2, 'left,right', { array }));
  expect(cluster.starts(0)).toEqual(['1 left']);
  cluster.submit(job(3, 2, 'left'));
  cluster.end(1, 1000);
  // The one that only fits on the left has come before it there.
  cluster.submit(job(4, 2, 'first'));
  expect(cluster.starts(1000)).toEqual(['4', '2 right']);
});

it('has what is preempted for it in one of its partitions', () => {
  const preempt = { type: 'partition_prio' as const, mode: 'requeue' as const };
  const cluster = new Cluster({ preempt });
  cluster.submit(job(1, 2, 'left'), job(2, 2, 'right'));
  expect(cluster.starts(0)).toEqual(['1', '2']);
  cluster.submit(job(3, 2, 'left,first'));
  const { decisions } = cluster.scheduler.decide(60_000);
  expect(decisions).toMatchObject([
    { kind: 'EndAttempt', cause: 'PREEMPTED', preemptor: { jobId: 3, partition: 'first' } },
  ]);
  for (const decision of decisions) cluster.journal.push(echoOf(decision, 60_000));
  const [victim] = decisions;
  const jobId = victim?.kind === 'EndAttempt' ? victim.jobId : 0;
  expect(cluster.replayed().explain(3, 60_000)).toEqual(cluster.scheduler.explain(3, 60_000));
  cluster.tell({ kind: 'AttemptEnded', atMs: 61_000, jobId, attempt: 1, state: 'FAILED', exitCode: 1 });
  expect(cluster.starts(61_000)).toEqual(['3 first']);
});

it('that asks for no time gets the least that a QOS gives of all its partitions, where the one it starts in has no default', () => {
  const qos = [
    { name: 'short', wallSecondsMax: 600 },
    { name: 'long', wallSecondsMax: 1800 },
  ];
  const partitions = [
    { name: 'any' },
    { name: 'timed', defaultTimeSeconds: 1200 },
    { name: 'tight', maxTimeSeconds: 1200 },
    { name: 'short', qos: 'short' },
    { name: 'long', qos: 'long' },
  ];
  const cluster = new Cluster({ qos, partitions });
  const names = ['any', 'any,long,short', 'timed,short', 'short,timed', 'tight,short', 'tight,long'];
  cluster.submit(...names.map((name, index) => job(index + 1, 1, name, { timeLimitMs: null, perNode: ONE_CPU })));
  cluster.scheduler.decide(0);
  const minutes = names.map((_, index) => (cluster.scheduler.limitMs(index + 1) ?? Infinity) / 60_000);
  expect(minutes).toEqual([Infinity, 10, 20, 10, 10, 30]);
});

it('is refused as EnforcePartLimits says, and where no partition could hold it or one is not there', () => {
  const messageOf = (enforcePartLimits: boolean | 'any', request: JobRequest) => {
    const admission = new Cluster({ enforcePartLimits }).scheduler.admission(request);
    return admission.isAdmissible ? null : admission.message;
  };
  const isTooLong = 'the job asks for 02:00:00, and partition right gives 01:00:00 at most';
  const long = job(1, 1, 'left,right', { timeLimitMs: 2 * HOUR_MS });
  expect([false, 'any' as const, true].map((enforced) => messageOf(enforced, long))).toEqual([null, null, isTooLong]);
  const large = job(1, 3, 'right,left');
  expect([false, 'any' as const, true].map((enforced) => messageOf(enforced, large) !== null)).toEqual([
    true,
    true,
    true,
  ]);
  expect(messageOf(false, job(1, 1, 'left,nowhere'))).toBe('no partition "nowhere": known are left, right, first');
});

it('is told of each of its partitions why it waits there', () => {
  const cluster = new Cluster();
  cluster.submit(job(1, 2, 'left'), job(2, 2, 'left,right', { timeLimitMs: 2 * HOUR_MS }));
  expect(cluster.starts(0)).toEqual(['1']);
  expect(cluster.scheduler.explain(2, 0)).toMatchObject([
    'Job 2 may run in partitions left, right, and does so in the one that can start it first.',
    expect.stringMatching(/^Partition left: Job 2 asks for 2 nodes/),
    expect.stringMatching(/^Partition left: The rest is held/),
    'Partition right does not run it: it asks for 02:00:00, and partition right gives 01:00:00 at most.',
    'Job 2 is expected to start in 01:00:00 at the latest, by the time limits of what runs.',
  ]);
});

it('is told how to ask where it starts in none of them, whichever of them a limit closes', () => {
  const partitions = [...PARTITIONS, { name: 'small', nodes: ['n1'] }];
  const mends = ['small,right', 'right,small'].map((names) => {
    const cluster = new Cluster({ partitions });
    cluster.submit(job(1, 2, names, { timeLimitMs: 2 * HOUR_MS }));
    expect(cluster.starts(0)).toEqual([]);
    expect(cluster.scheduler.job(1)?.reason).toBe('PartitionTimeLimit');
    return cluster.scheduler.explain(1, 0).at(-1);
  });
  expect(mends).toEqual(
    Array(2).fill('It never starts like this: submit it again with less --time, or to another partition.'),
  );
});

it('counts once among those that are ahead, whatever number of partitions it waits in, and is never ahead of itself', () => {
  const cluster = new Cluster();
  const names = ['left', 'right', 'left,right', 'right,left', 'right'];
  cluster.submit(...names.map((name, index) => job(index + 1, 2, name)));
  expect(cluster.starts(0)).toEqual(['1', '2']);
  const turns = [3, 4, 5].map((id) =>
    cluster.scheduler.explain(id, 0).filter((line) => line.includes('waits its turn')),
  );
  const first = 'ahead of it, the first is job 3 with priority 0.';
  expect(turns).toEqual([
    [],
    ['right', 'left'].map((name) => `Partition ${name}: Job 4 with priority 0 waits its turn: 1 job ${first}`),
    [`Job 5 with priority 0 waits its turn: 2 jobs ${first}`],
  ]);
  expect(cluster.scheduler.explain(3, 0)).toContain(
    'Partition right: Job 3 asks for 2 nodes with 8 CPUs and 0B each; 0 nodes with that much free now.',
  );
});
