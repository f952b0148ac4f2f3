import { describe, expect, it } from 'vitest';
import type { NodeSpec } from '../cluster/node.ts';
import { PLAIN_CADENCE } from '../scheduler/cadence.test-support.ts';
import type { SchedulerOptions } from '../scheduler/policy.ts';
import { runTwin } from './engine.ts';
import { type QueueRow, type Snapshot, snapshotJobs } from './snapshot.ts';
import { INSTANT } from './scenario.ts';
import { traceRow } from './trace-row.test-support.ts';
import type { TraceRow } from './trace-row.ts';
import type { JobEnd, Observer, TwinJob } from './types.ts';

const MINUTE = 60_000;
const NODES: readonly NodeSpec[] = ['a', 'b', 'c', 'd'].map((name) => ({
  name,
  resources: { cpus: 8, memoryBytes: 1e9, gpus: 8 },
  gpuType: null,
  leaf: null,
}));

const ROW = traceRow({
  job: '',
  cpusPerNode: 1,
  memoryBytesPerNode: 0,
  runMs: 10 * MINUTE,
  limitMs: 20 * MINUTE,
  user: 'ada',
  account: 'vision',
});

const waiting = (job: string, submitMs: number, rest: Partial<QueueRow> = {}): QueueRow => ({
  ...ROW,
  job,
  submitMs,
  nodeNames: null,
  isHeld: false,
  ...rest,
});
const running = (
  job: string,
  startMs: number,
  nodeNames: readonly string[],
  rest: Partial<QueueRow> = {},
): QueueRow => ({
  ...waiting(job, startMs - MINUTE, rest),
  actualStartMs: startMs,
  nodes: nodeNames.length,
  nodeNames,
});

/** Start and end of every job by its name. */
function run(snapshot: Partial<Snapshot>, arrivals: readonly TraceRow[] = [], policy: SchedulerOptions = {}) {
  const jobs = snapshotJobs(
    { nodes: NODES, policy, rules: {}, queue: [], nodesOut: [], usage: [], ...snapshot },
    arrivals,
  );
  const starts: Record<string, number> = {};
  const ends: Record<string, number> = {};
  const nodesOf: Record<string, readonly number[]> = {};
  const watch: Observer = {
    attemptStarted: (job: TwinJob, _attempt, allocation, _queuedMs, atMs) => {
      starts[jobs.nameOf(job.request.jobId)] = atMs;
      nodesOf[jobs.nameOf(job.request.jobId)] = allocation.nodeIndices;
    },
    jobEnded: ({ job, endMs }: JobEnd) => {
      ends[jobs.nameOf(job.request.jobId)] = endMs;
    },
  };
  const summary = runTwin({
    nodes: NODES,
    policy,
    timing: INSTANT,
    jobs: jobs.source,
    start: jobs.start,
    incidents: null,
    operator: null,
    observers: [watch],
    untilMs: null,
  });
  return { jobs, starts, ends, nodesOf, summary };
}

describe('a run from a snapshot', () => {
  it('goes on with what runs, on its nodes and until it would have ended', () => {
    const { starts, ends, nodesOf } = run({
      queue: [running('one', -4 * MINUTE, ['b', 'c']), waiting('two', -MINUTE, { nodes: 3 })],
    });
    expect(starts).toEqual({ one: -4 * MINUTE, two: 6 * MINUTE });
    expect(nodesOf['one']).toEqual([1, 2]);
    expect(ends).toEqual({ one: 6 * MINUTE, two: 16 * MINUTE });
  });

  it('starts what may run in several partitions in the first that has room', () => {
    const partitions = [
      { name: 'left', nodes: ['a', 'b'] },
      { name: 'right', nodes: ['c', 'd'] },
    ];
    const { starts, nodesOf } = run(
      {
        queue: [
          running('one', -4 * MINUTE, ['a', 'b'], { partition: 'left' }),
          running('two', -8 * MINUTE, ['c', 'd'], { partition: 'right' }),
          waiting('three', -2 * MINUTE, { nodes: 2, partition: 'left,right' }),
          waiting('four', -MINUTE, { nodes: 2, partition: 'left,right' }),
        ],
      },
      [],
      { partitions },
    );
    expect(starts).toMatchObject({ three: 2 * MINUTE, four: 6 * MINUTE });
    expect(nodesOf).toMatchObject({ three: [2, 3], four: [0, 1] });
  });

  it('ends at once what should have ended before, and at its limit what would outrun it', () => {
    const { ends } = run({
      queue: [
        running('over', -30 * MINUTE, ['a'], { limitMs: 40 * MINUTE }),
        running('long', -15 * MINUTE, ['b'], { runMs: 90 * MINUTE }),
      ],
    });
    expect(ends['over']).toBeCloseTo(0);
    expect(ends['long']).toBe(5 * MINUTE);
  });

  it('lets those who waited before have their turn before those who arrive', () => {
    const full = running('full', -9 * MINUTE, ['a', 'b', 'c', 'd']);
    const arrival = { ...ROW, job: 'new', submitMs: 30_000, nodes: 4 };
    const { starts } = run({ queue: [full, waiting('old', -8 * MINUTE, { nodes: 4 })] }, [arrival]);
    expect(starts).toMatchObject({ old: MINUTE, new: 11 * MINUTE });
  });

  it('keeps nodes that are out of service out, and jobs that are held or not eligible yet waiting', () => {
    const { starts } = run({
      nodesOut: ['a', 'b', 'c'],
      queue: [
        waiting('held', -3 * MINUTE, { isHeld: true }),
        waiting('later', -2 * MINUTE, { eligibleMs: 5 * MINUTE, runMs: MINUTE }),
        waiting('now', -MINUTE, { runMs: MINUTE }),
        waiting('next', -MINUTE, { runMs: MINUTE, after: [{ condition: 'afterok', job: 'now' }] }),
      ],
    });
    expect(starts).toEqual({ now: 0, next: MINUTE, later: 5 * MINUTE });
  });

  it('lets the controller that it takes over make no pass before somebody asks for one, with nobody waiting', () => {
    const startOf = (mainAgeSeconds: number, queue: readonly QueueRow[]) => {
      const cadence = { ...PLAIN_CADENCE, mainAgeSeconds, fullAgeSeconds: 30 };
      const policy: SchedulerOptions = { backfillType: 'conservative', bfIntervalSeconds: 300, cadence };
      return run({ queue }, [{ ...ROW, job: 'next', submitMs: 1200 }], policy).starts['next'];
    };
    // The next tick of a loop whose last pass was 10 s ago; one that has just been made keeps the next one waiting.
    expect(startOf(10, [running('old', -MINUTE, ['a'])])).toBe(2018);
    expect(startOf(1, [])).toBe(2005);
    expect(startOf(0, [])).toBe(3005);
  });

  it('counts what was used before, and takes over the factors in force until they are worked out anew', () => {
    const priority = { type: 'multifactor', calcPeriodSeconds: 120, calcAgeSeconds: 60 } as const;
    const weights = { age: 0, fairshare: 1000, jobSize: 0, partition: 0, qos: 0 };
    const policy: SchedulerOptions = {
      priority: { ...priority, weights },
      users: [
        { name: 'ada', account: 'vision' },
        { name: 'eve', account: 'vision' },
      ],
      accounts: [{ name: 'vision' }],
    };
    const order = (usage: Snapshot['usage']) =>
      Object.entries(
        run(
          {
            queue: [
              running('full', -9 * MINUTE, ['a', 'b', 'c', 'd'], { user: 'bob', runMs: 9.5 * MINUTE }),
              waiting('of ada', -3 * MINUTE, { nodes: 4, runMs: 10_000 }),
              waiting('of eve', -2 * MINUTE, { nodes: 4, user: 'eve', runMs: 10_000 }),
            ],
            usage,
          },
          [],
          policy,
        ).starts,
      )
        .filter(([name]) => name !== 'full')
        .sort(([, a], [, b]) => a - b)
        .map(([name]) => name);
    expect(order([])).toEqual(['of ada', 'of eve']);
    expect(order([{ account: 'vision', user: 'ada', billingSeconds: 1e6 }])).toEqual(['of eve', 'of ada']);
    // The factor of eve is lower until the next calculation, which both have started before.
    expect(
      order([
        { account: 'vision', user: 'ada', billingSeconds: 1e6, factor: 1 },
        { account: 'vision', user: 'eve', billingSeconds: 0, factor: 0.5 },
      ]),
    ).toEqual(['of ada', 'of eve']);
  });

  it('goes on from what was used of limits on minutes, and what runs has used since it started counts too', () => {
    const weights = { age: 0, fairshare: 0, jobSize: 0, partition: 0, qos: 0 };
    const policy: SchedulerOptions = {
      priority: { type: 'multifactor', calcPeriodSeconds: 60, decayHalfLifeSeconds: 0, weights },
      qos: [{ name: 'normal', groupWallSeconds: 8 * 60 }],
    };
    const startsWith = (usedMinutes: number) => {
      const whole = { jobs: usedMinutes * MINUTE, nodes: 0, gpus: 0, cpus: 0, memoryBytes: 0 };
      const used = { account: 'vision', user: 'ada', qos: 'normal', partition: null, faded: whole, whole };
      const queue = [
        running('runs', -4 * MINUTE, ['a', 'b', 'c', 'd'], { runMs: 6 * MINUTE }),
        waiting('waits', -MINUTE, { runMs: 1000 }),
      ];
      return Object.keys(run({ queue, minutes: [used] }, [], policy).starts);
    };
    expect(startsWith(0)).toEqual(['runs', 'waits']);
    expect(startsWith(3)).toEqual(['runs']);
  });

  it('counts at once what runs has used of limits on minutes by the last calculation', () => {
    const weights = { age: 0, fairshare: 0, jobSize: 0, partition: 0, qos: 0 };
    const runWith = (calcAgeSeconds: number) => {
      const policy: SchedulerOptions = {
        priority: { type: 'multifactor', calcPeriodSeconds: 300, calcAgeSeconds, decayHalfLifeSeconds: 0, weights },
        qos: [{ name: 'normal', groupWallSeconds: 4 * 60 }],
      };
      const { starts, ends } = run(
        { queue: [running('runs', -4 * MINUTE, ['a']), waiting('waits', -MINUTE)] },
        [],
        policy,
      );
      return [ends['runs'], starts['waits']];
    };
    expect(runWith(0)).toEqual([0, undefined]);
    // Then it is ended at the next one, and there was as much left as that for others.
    expect(runWith(60)).toEqual([4 * MINUTE, 0]);
  });

  it('gives a job that runs what it has, where that is reckoned to be more than there is', () => {
    const { jobs, summary } = run({
      queue: [running('one', -MINUTE, ['a']), running('two', -MINUTE, ['a']), running('lost', -MINUTE, ['z'])],
    });
    expect(summary.jobsEnded).toBe(2);
    expect(jobs.refused).toEqual([{ line: 1, job: 'lost', reason: 'it runs on nodes that the cluster does not have' }]);
  });
});
