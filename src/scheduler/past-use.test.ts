import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { gangRequest } from './job-request.test-support.ts';
import { createScheduler } from './scheduler.ts';
import { isPastUseHeeded, type PastAttempt, pastUse, pastUseSinceMs } from './past-use.ts';
import { completePolicy, type SchedulerOptions } from './policy.ts';
import type { Scheduler, SchedulerEvent } from './types.ts';

const HOUR_MS = 3_600_000;
const GIB = 1024 ** 3;

const options: SchedulerOptions = {
  priority: {
    type: 'multifactor',
    weights: { age: 0, fairshare: 1000, jobSize: 0, partition: 0, qos: 0 },
    decayHalfLifeSeconds: 86_400,
    billingWeights: { cpu: 1, gpu: 4 },
  },
  partitions: [{ name: 'plain' }, { name: 'billed', billingWeights: { cpu: 0, gpu: 9, gibibyte: 2, node: 1 } }],
  qos: [
    { name: 'normal', groupMinutes: { cpus: 60, memoryBytes: 90 * GIB } },
    { name: 'half', usageFactor: 0.5, groupWallSeconds: 7200, isUseKept: true },
  ],
  accounts: [{ name: 'a' }, { name: 'b' }],
  users: [{ name: 'u', account: 'a', groupMinutes: { gpus: 30, nodes: 100 } }],
};

/** The life of an attempt as the scheduler is told of it. */
function eventsOf(attempt: PastAttempt, jobId: number): SchedulerEvent[] {
  const { account, user, qos, partition, nodes, perNode, startMs, endMs } = attempt;
  const placement = Array.from({ length: nodes }, (_, index) => ({
    nodeName: `n${jobId}-${index}`,
    resources: perNode,
    gpuIndices: Array.from({ length: perNode.gpus }, (__, gpu) => gpu),
  }));
  const job = {
    jobId,
    submitMs: startMs,
    priority: 0,
    nodes,
    perNode,
    gpuType: null,
    exclusive: false,
    timeLimitMs: null,
    excludedNodes: [],
    maxRequeues: 0,
    dependencies: [],
    isHeld: false,
    user,
    account,
    qos,
    ...(partition !== null && { partition }),
  };
  return [
    ...placement.map(
      ({ nodeName }): SchedulerEvent => ({
        kind: 'NodeAdded',
        atMs: 0,
        node: { name: nodeName, resources: perNode, gpuType: null, leaf: null },
      }),
    ),
    { kind: 'JobSubmitted', atMs: startMs, job },
    { kind: 'AttemptStarting', atMs: startMs, jobId, attempt: 1, placement },
    { kind: 'AttemptStarted', atMs: startMs, jobId, attempt: 1 },
    { kind: 'AttemptEnded', atMs: endMs, jobId, attempt: 1, state: 'COMPLETED', exitCode: 0 },
    { kind: 'JobEnded', atMs: endMs, jobId, state: 'COMPLETED', exitCode: 0 },
  ];
}

it('is what the scheduler would know had it been told of every attempt', () => {
  const attempt = fc
    .record({
      account: fc.constantFrom('a', 'b'),
      user: fc.constantFrom('u', 'v'),
      qos: fc.constantFrom('normal', 'half', 'unknown'),
      partition: fc.constantFrom(null, 'plain', 'billed'),
      nodes: fc.integer({ min: 1, max: 3 }),
      perNode: fc.record({
        cpus: fc.integer({ min: 1, max: 4 }),
        memoryBytes: fc.constantFrom(0, GIB, 3 * GIB),
        gpus: fc.nat(2),
      }),
      startMs: fc.nat(50 * HOUR_MS),
      lengthMs: fc.nat(50 * HOUR_MS),
    })
    .map(({ lengthMs, ...rest }) => ({ ...rest, endMs: rest.startMs + lengthMs }));
  const nowMs = 110 * HOUR_MS;
  fc.assert(
    fc.property(fc.array(attempt, { minLength: 1, maxLength: 8 }), (attempts) => {
      const told = createScheduler(options);
      const events = attempts.flatMap((one, index) => eventsOf(one, index + 1));
      for (const event of events.toSorted((a, b) => a.atMs - b.atMs)) told.apply(event);
      const carried = createScheduler(options);
      carried.apply({ kind: 'UseCarried', atMs: nowMs, ...pastUse(completePolicy(options), attempts, nowMs) });
      for (const scheduler of [told, carried]) scheduler.decide(nowMs);
      const order = (a: { account: string; user: string }, b: { account: string; user: string }) =>
        `${a.account} ${a.user}` < `${b.account} ${b.user}` ? -1 : 1;
      const expected = told.shares().toSorted(order);
      const actual = carried.shares().toSorted(order);
      expect(actual.map(({ account, user }) => `${account} ${user}`)).toEqual(
        expected.map(({ account, user }) => `${account} ${user}`),
      );
      for (const [index, share] of actual.entries()) {
        expect(share.billingSeconds).toBeCloseTo(expected[index]?.billingSeconds ?? Number.NaN, 3);
      }
      expect(budgetsOf(carried, nowMs)).toEqual(budgetsOf(told, nowMs));
    }),
  );
});

/** What is said of jobs that ask for as much as may be used at all: how much of that was used, where it was any. */
function budgetsOf(scheduler: Scheduler, nowMs: number): string[] {
  const kinds = ['normal', 'half'].flatMap((qos) => [
    { qos, user: 'u', account: 'a' },
    { qos, user: 'v', account: 'b' },
  ]);
  const resources = { cpus: 64, memoryBytes: 64 * GIB, gpus: 8 };
  scheduler.apply({ kind: 'NodeAdded', atMs: nowMs, node: { name: 'large', resources, gpuType: null, leaf: null } });
  return kinds.flatMap((kind, index) => {
    const jobId = 1000 + index;
    const perNode = { cpus: 1, memoryBytes: GIB, gpus: 1 };
    scheduler.apply({ kind: 'JobSubmitted', atMs: nowMs, job: gangRequest(jobId, 1, nowMs, { ...kind, perNode }) });
    return scheduler.explain(jobId, nowMs);
  });
}

it('leaves out what has faded to nothing', () => {
  const { qos: _, ...fading } = options;
  expect(pastUseSinceMs(completePolicy(fading), 30 * 24 * HOUR_MS)).toBe(10 * 24 * HOUR_MS);
  // A QOS whose use is kept wants all of it.
  expect(pastUseSinceMs(completePolicy(options), 30 * 24 * HOUR_MS)).toBe(0);
  const unlimited = [{ name: 'normal', isUseKept: true, groupMinutes: {} }];
  expect(pastUseSinceMs(completePolicy({ ...fading, qos: unlimited }), 30 * 24 * HOUR_MS)).toBe(10 * 24 * HOUR_MS);
  expect(pastUseSinceMs(completePolicy({ priority: { decayHalfLifeSeconds: 0 } }), 30 * 24 * HOUR_MS)).toBe(0);
});

it('is heeded where fair-share or a limit on used minutes goes by it', () => {
  const isHeeded = (rest: SchedulerOptions) => isPastUseHeeded(completePolicy(rest));
  const priority = { type: 'multifactor' } as const;
  expect(isHeeded(options)).toBe(true);
  const weights = { age: 0, fairshare: 0, jobSize: 0, partition: 0, qos: 0 };
  expect(isHeeded({ priority: { ...priority, weights: { ...weights, fairshare: 1 } } })).toBe(true);
  expect(isHeeded({ priority: { ...priority, weights } })).toBe(false);
  const qos = [{ name: 'normal', groupWallSeconds: 60 }];
  expect(isHeeded({ priority: { ...priority, weights }, qos })).toBe(true);
  // A limit that says nothing limits nothing.
  const unlimited = { groupMinutes: { cpus: null }, groupWallSeconds: null };
  const saysNothing = [
    { name: 'normal', groupMinutes: {} },
    { name: 'low', ...unlimited },
  ];
  expect(isHeeded({ priority: { ...priority, weights }, qos: saysNothing })).toBe(false);
  // Nothing is counted then.
  expect(isHeeded({ qos })).toBe(false);
});
