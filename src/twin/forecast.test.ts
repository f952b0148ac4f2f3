import { describe, expect, it } from 'vitest';
import type { NodeSpec } from '../cluster/node.ts';
import { Random, streamOf } from '../lib/random.ts';
import type { SchedulerOptions } from '../scheduler/policy.ts';
import { runTwin } from './engine.ts';
import { forecastStarts, type ForecastOptions, type StartForecast } from './forecast.ts';
import { PastArrivals } from './past-arrivals.ts';
import { RunTimes } from './run-times.ts';
import { INSTANT } from './scenario.ts';
import { type QueueRow, runTimesOf, type Snapshot } from './snapshot.ts';
import { soonerStarts } from './sooner.ts';
import { traceRow } from './trace-row.test-support.ts';
import type { TraceRow } from './trace-row.ts';
import { traceJobs } from './trace-source.ts';

const MINUTE = 60_000;
const NODES: readonly NodeSpec[] = Array.from({ length: 16 }, (_, index) => ({
  name: `n${index + 1}`,
  resources: { cpus: 8, memoryBytes: 2 ** 33, gpus: 4 },
  gpuType: null,
  leaf: null,
}));
const POLICY: SchedulerOptions = { schedulerType: 'backfill' };

function row(fields: Partial<TraceRow> & Pick<TraceRow, 'job'>): TraceRow {
  const asked = { gpusPerNode: 4, cpusPerNode: 8, memoryBytesPerNode: 2 ** 33, limitMs: 20 * MINUTE, user: 'ada' };
  return traceRow({ ...asked, runMs: 10 * MINUTE, ...fields });
}

const waiting = (fields: Partial<QueueRow> & Pick<QueueRow, 'job'>): QueueRow => ({
  nodeNames: null,
  isHeld: false,
  ...row(fields),
});
const running = (job: string, startMs: number, nodeNames: readonly string[]): QueueRow =>
  waiting({ job, submitMs: startMs, actualStartMs: startMs, nodes: nodeNames.length, nodeNames });

function snapshotOf(queue: readonly QueueRow[]): Snapshot {
  return { nodes: NODES, policy: POLICY, rules: {}, queue, nodesOut: [], usage: [] };
}

function forecast(
  queue: readonly QueueRow[],
  fields: Partial<ForecastOptions> & Pick<ForecastOptions, 'jobs'>,
): StartForecast[] {
  return forecastStarts(snapshotOf(queue), {
    runTimes: new RunTimes([]),
    arrivals: null,
    timing: INSTANT,
    draws: 20,
    seed: 1,
    horizonMs: 1000 * MINUTE,
    ...fields,
  });
}

const ALL_DRAWS = { draws: 20, horizonMs: 1000 * MINUTE };
const ALL = NODES.map(({ name }) => name);

describe('when a job will start', () => {
  it('is by the time limits where nothing is known of run times', () => {
    const queue = [running('1', -5 * MINUTE, ALL), waiting({ job: '2', submitMs: -MINUTE })];
    expect(forecast(queue, { jobs: ['2'] })).toEqual([
      { job: '2', lowMs: 15 * MINUTE, medianMs: 15 * MINUTE, highMs: 15 * MINUTE, startedShare: 1, ...ALL_DRAWS },
    ]);
  });

  it('is sooner, and less sure, where jobs of that kind ended before their limits', () => {
    const runTimes = new RunTimes(
      Array.from({ length: 100 }, (_, index) => ({
        user: 'ada',
        partition: null,
        limitMs: 100,
        runMs: 30 + index / 2,
      })),
    );
    const queue = [running('1', -5 * MINUTE, ALL), waiting({ job: '2', submitMs: -MINUTE })];
    const [start] = forecast(queue, { jobs: ['2'], runTimes, draws: 400 });
    // Of those that ran for more than a quarter of their limit: uniform between 0.30 and 0.80 of 20 minutes.
    expect(start?.lowMs).toBeCloseTo(2 * MINUTE, -4.6);
    expect(start?.medianMs).toBeCloseTo(6 * MINUTE, -4.6);
    expect(start?.highMs).toBeCloseTo(10 * MINUTE, -4.6);
  });

  it('is never for one that is held, and not told of one that runs or is not there', () => {
    const queue = [running('1', 0, ['n1']), waiting({ job: '2', isHeld: true })];
    expect(forecast(queue, { jobs: ['1', '2', '3'] })).toEqual([
      { job: '2', lowMs: Infinity, medianMs: Infinity, highMs: Infinity, startedShare: 0, ...ALL_DRAWS },
    ]);
  });

  it('counts on those that will come before it', () => {
    const past = new PastArrivals(
      Array.from({ length: 300 }, (_, index) =>
        row({ job: `old ${index}`, submitMs: index * MINUTE, priority: 10, nodes: 8, runMs: 5 * MINUTE }),
      ),
    );
    const queue = [running('1', -MINUTE, ALL.slice(0, 8)), waiting({ job: '2', submitMs: -MINUTE, nodes: 16 })];
    const [alone] = forecast(queue, { jobs: ['2'] });
    const [among] = forecast(queue, { jobs: ['2'], arrivals: past });
    expect(alone?.medianMs).toBe(19 * MINUTE);
    expect(among?.medianMs).toBeGreaterThan(alone?.medianMs ?? 0);
  });

  it('is drawn as often as there is time for, as the first of more draws are', () => {
    const runTimes = new RunTimes(
      Array.from({ length: 100 }, (_, index) => ({ user: 'ada', partition: null, limitMs: 100, runMs: 1 + index })),
    );
    const queue = [running('1', -5 * MINUTE, ALL), waiting({ job: '2', submitMs: -MINUTE })];
    const [few] = forecast(queue, { jobs: ['2'], runTimes, isEnough: (drawn) => drawn === 3 });
    expect(few).toEqual(forecast(queue, { jobs: ['2'], runTimes, draws: 3 })[0]);
    expect(few?.lowMs).toBeLessThan(few?.highMs ?? 0);
  });

  it('says how far the first future was followed where nobody waits for its end, and leaves a later one out', () => {
    const queue = [running('1', 0, ALL), waiting({ job: '2', nodes: 16 }), waiting({ job: '3', nodes: 16 })];
    const [cutOff] = forecast(queue, { jobs: ['3'], isLate: () => true });
    expect(cutOff).toMatchObject({ draws: 1, startedShare: 0, medianMs: Infinity });
    expect(cutOff?.horizonMs).toBeLessThan(20 * MINUTE);
    let asked = 0;
    const [whole] = forecast(queue, { jobs: ['3'], isLate: () => (asked += 1) > 8 });
    expect(whole).toMatchObject({ startedShare: 1, medianMs: 40 * MINUTE, horizonMs: 1000 * MINUTE });
    expect(whole?.draws).toBeLessThan(20);
  });

  it('is the same each time it is asked', () => {
    const queue = [
      running('1', -5 * MINUTE, ALL),
      ...Array.from({ length: 30 }, (_, index) => waiting({ job: `${index + 2}` })),
    ];
    const jobs = ['20', '31'];
    expect(forecast(queue, { jobs })).toEqual(forecast(queue, { jobs }));
  });
});

describe('what would make a job start sooner', () => {
  const options = {
    runTimes: new RunTimes([]),
    arrivals: null,
    timing: INSTANT,
    draws: 8,
    seed: 1,
    horizonMs: 1000 * MINUTE,
  };
  // One node is free until the other fifteen are, for job 2, which needs all; job 3 would have to end before that.
  const queue = [
    running('1', -5 * MINUTE, ALL.slice(1)),
    waiting({ job: '2', submitMs: -MINUTE, nodes: 16 }),
    waiting({ job: '3', submitMs: -MINUTE, limitMs: 60 * MINUTE }),
  ];

  it('is a time limit that its like would keep to', () => {
    const runTimes = new RunTimes(
      Array.from({ length: 50 }, () => ({ user: 'ada', partition: null, limitMs: 100, runMs: 10 })),
    );
    expect(soonerStarts(snapshotOf(queue), '3', 35 * MINUTE, { ...options, runTimes })).toEqual([
      { kind: 'time', limitMs: 7 * MINUTE, medianMs: 0 },
    ]);
    // Nothing is known: the limit may be needed.
    expect(soonerStarts(snapshotOf(queue), '3', 35 * MINUTE, options)).toEqual([]);
  });

  it('is another partition, if the job fits it', () => {
    const partitions = [
      { name: 'all', isDefault: true },
      { name: 'idle', nodes: ['n1'] },
      { name: 'brief', nodes: ['n1'], maxTimeSeconds: 60 },
      { name: 'busy', nodes: ['n2', 'n3'] },
    ];
    const snapshot = {
      ...snapshotOf([...queue.slice(0, 1), waiting({ job: '3', nodes: 1, partition: 'busy' })]),
      policy: { ...POLICY, partitions },
    };
    expect(soonerStarts(snapshot, '3', 15 * MINUTE, options)).toEqual([
      { kind: 'partition', partition: 'all', medianMs: 0 },
      { kind: 'partition', partition: 'idle', medianMs: 0 },
    ]);
  });
});

describe('jobs to come', () => {
  it('come at the rate of the past, however far one looks, and begin anywhere in it', () => {
    const past = new PastArrivals(
      Array.from({ length: 50 }, (_, index) =>
        row({ job: String(index), submitMs: index * MINUTE, nodes: (index % 16) + 1 }),
      ),
    );
    const firsts = new Set<number>();
    for (let seed = 1; seed <= 40; seed += 1) {
      const drawn = past.draw(new Random(seed), 200 * MINUTE);
      expect(Math.abs(drawn.length - 200)).toBeLessThanOrEqual(1);
      expect(new Set(drawn.map(({ job }) => job)).size).toBe(drawn.length);
      for (const [index, { submitMs }] of drawn.entries())
        expect(submitMs).toBeGreaterThanOrEqual(drawn[index - 1]?.submitMs ?? 0);
      firsts.add(drawn[0]?.nodes ?? 0);
    }
    expect(firsts.size).toBeGreaterThan(8);
    expect(new PastArrivals([]).draw(new Random(1), MINUTE)).toEqual([]);
  });
});

/** A cluster that is watched for `pastMs` and asked about at the end of it; what really happened is known from the same run, gone on with. */
function world(seed: number, pastMs: number) {
  const random = streamOf(seed, 'world');
  const rows: TraceRow[] = [];
  for (let atMs = 0; atMs < 2 * pastMs; atMs += random.nextExponential(1.2 * MINUTE)) {
    const limitMs = Math.ceil(2 + random.nextExponential(20)) * MINUTE;
    const share = Math.min(1, 0.02 + random.nextUniform() ** 2);
    rows.push(
      row({
        job: String(rows.length + 1),
        submitMs: Math.round(atMs),
        nodes: 2 ** Math.floor(random.nextUniform() * 4),
        limitMs,
        runMs: Math.max(1000, Math.round(share * limitMs)),
        outcome: share === 1 ? 'TIMEOUT' : 'COMPLETED',
      }),
    );
  }
  const starts = new Map<string, { startMs: number; nodeNames: string[] }>();
  const ends = new Map<string, number>();
  const jobs = traceJobs(rows, { nodes: NODES, policy: POLICY });
  runTwin({
    nodes: NODES,
    policy: POLICY,
    timing: INSTANT,
    jobs: jobs.source,
    incidents: null,
    operator: null,
    observers: [
      {
        attemptStarted: ({ request }, _attempt, { nodeIndices }, _queuedMs, startMs) =>
          void starts.set(jobs.nameOf(request.jobId), {
            startMs,
            nodeNames: [...nodeIndices].map((index) => ALL[index] ?? ''),
          }),
        jobEnded: ({ job: { request }, endMs }) => void ends.set(jobs.nameOf(request.jobId), endMs),
      },
    ],
    untilMs: null,
  });
  const before = rows.filter(({ submitMs }) => submitMs <= pastMs);
  const history = before.filter(({ job }) => (ends.get(job) ?? Infinity) <= pastMs);
  const queue = before
    .filter((one) => !history.includes(one))
    .map((one): QueueRow => {
      const start = starts.get(one.job);
      const isRunning = start !== undefined && start.startMs <= pastMs;
      return {
        ...one,
        submitMs: one.submitMs - pastMs,
        actualStartMs: isRunning ? start.startMs - pastMs : null,
        nodeNames: isRunning ? start.nodeNames : null,
        isHeld: false,
      };
    });
  return { before, history, queue, startOf: (job: string) => (starts.get(job)?.startMs ?? Infinity) - pastMs };
}

it('is what comes true in eight of ten cases, on clusters that go on as they were', () => {
  let inside = 0;
  let above = 0;
  let asked = 0;
  for (let seed = 1; seed <= 30; seed += 1) {
    const { before, history, queue, startOf } = world(seed, 12 * 60 * MINUTE);
    const jobs = queue.filter(({ nodeNames }) => nodeNames === null).map(({ job }) => job);
    const starts = forecastStarts(snapshotOf(queue), {
      jobs,
      runTimes: runTimesOf(history, queue),
      arrivals: new PastArrivals(before),
      timing: INSTANT,
      draws: 40,
      seed,
      horizonMs: 24 * 60 * MINUTE,
    });
    for (const { job, lowMs, medianMs, highMs } of starts) {
      const startMs = startOf(job);
      asked += 1;
      if (startMs >= lowMs && startMs <= highMs) inside += 1;
      if (startMs > medianMs) above += 1;
    }
  }
  expect(asked).toBeGreaterThan(100);
  expect(inside / asked).toBeGreaterThan(0.65);
  expect(inside / asked).toBeLessThan(0.95);
  expect(above / asked).toBeGreaterThan(0.25);
  expect(above / asked).toBeLessThan(0.75);
});
