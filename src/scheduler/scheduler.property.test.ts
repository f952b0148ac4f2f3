import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import type { NodeSpec } from '../cluster/node.ts';
import { assert } from '../lib/assert.ts';
import type { PartitionPolicy, SchedulerType } from './policy.ts';
import { World } from './world.test-support.ts';
import type { Dependency, EndState, JobRequest } from './types.ts';

const GIB = 1024 ** 3;

const resources = (cpus: number, gib: number, gpus: number) => ({ cpus, memoryBytes: gib * GIB, gpus });

const nodeShape = fc.record({
  resources: fc.constantFrom(resources(4, 8, 4), resources(4, 8, 4), resources(8, 4, 2), resources(2, 16, 0)),
  gpuType: fc.constantFrom('a100-80', 'a100-80', 'v100'),
  leaf: fc.constantFrom('a', 'a', 'b', 'c', null),
});

const weighted = fc
  .tuple(nodeShape, fc.constantFrom(1, 1, 2, 5))
  .map(([shape, weight]) => (weight === 1 ? shape : { ...shape, weight }));

/** Mixed, or all alike as on most clusters (where whole nodes have a fast path); some nodes are to be given out before others. */
const clusterShape = fc.oneof(
  fc.array(nodeShape, { minLength: 1, maxLength: 6 }),
  fc.array(weighted, { minLength: 1, maxLength: 7 }),
  fc
    .tuple(nodeShape, fc.array(nodeShape, { minLength: 2, maxLength: 8 }))
    .map(([{ resources, gpuType }, shapes]) => shapes.map(({ leaf }) => ({ resources, gpuType, leaf }))),
);

/** Tasks of an array ask for the same, but for what is done to them later. */
const ARRAYS: Record<string, Omit<JobRequest, 'jobId' | 'submitMs' | 'maxRequeues' | 'dependencies' | 'isHeld'>> = {
  one: {
    priority: 0,
    nodes: 1,
    perNode: resources(1, 1, 1),
    gpuType: null,
    exclusive: false,
    timeLimitMs: 50,
    excludedNodes: [],
    array: { id: 1001, runningMax: 1 },
  },
  two: {
    priority: 1,
    nodes: 2,
    perNode: resources(2, 1, 0),
    gpuType: null,
    exclusive: false,
    timeLimitMs: null,
    excludedNodes: ['n1'],
    array: { id: 1002, runningMax: 2 },
  },
  free: {
    priority: 0,
    nodes: 1,
    perNode: resources(1, 1, 0),
    gpuType: null,
    exclusive: true,
    timeLimitMs: 20,
    excludedNodes: [],
    array: { id: 1003, runningMax: null },
  },
};

const jobShape = fc.record({
  priority: fc.nat(2),
  nodes: fc.constantFrom(1, 1, 1, 2, 2, 3),
  perNode: fc.record({
    cpus: fc.integer({ min: 1, max: 5 }),
    memoryBytes: fc.constantFrom(GIB, 2 * GIB, 5 * GIB),
    gpus: fc.constantFrom(0, 0, 1, 2, 4, 4),
  }),
  gpuType: fc.constantFrom(null, null, null, 'a100-80', 'v100'),
  exclusive: fc.constantFrom(false, false, false, true),
  timeLimitMs: fc.constantFrom(null, 20, 50, 50, 2000),
  excluded: fc.constantFrom([], [], [], ['n0'], ['n1', 'n2', 'nowhere']),
  maxRequeues: fc.nat(2),
  dependencies: fc.constantFrom<(readonly [Dependency['condition'], number, Partial<Dependency>?])[]>(
    [],
    [],
    [],
    [],
    [],
    [['afterok', 1]],
    [['afternotok', 2]],
    [
      ['afterany', 1],
      ['afterok', 2],
    ],
    [['after', 1]],
    [['after', 1, { delayMs: 30 }]],
    [
      ['after', 2, { delayMs: 5 }],
      ['afterok', 1],
      ['after', 3],
    ],
    [
      ['afternotok', 1, { set: 0 }],
      ['afternotok', 2, { set: 0 }],
      ['afterany', 3],
    ],
    [
      ['afterok', 1, { set: 0 }],
      ['afterok', 2, { set: 0 }],
      ['after', 4, { delayMs: 40 }],
    ],
  ),
  isAnyEnough: fc.constantFrom(undefined, undefined, true),
  isHeld: fc.constantFrom(false, false, false, false, true),
  partition: fc.constantFrom(undefined, undefined, 'other', 'main,other', 'other,main'),
  account: fc.constantFrom(undefined, 'vision'),
  qos: fc.constantFrom(undefined, undefined, 'high'),
  array: fc.constantFrom(null, null, null, ...Object.keys(ARRAYS)),
});

const policy = fc.record({
  schedulerType: fc.constantFrom<SchedulerType>('builtin', 'backfill', 'backfill'),
  defaultQueueDepth: fc.constantFrom(1, 2, 100),
  bfMaxJobTest: fc.constantFrom(1, 3, 500),
  overTimeSeconds: fc.constantFrom(0, 0, 0.02, null),
  partitions: fc.constantFrom<PartitionPolicy[]>(
    [],
    [],
    [
      { name: 'main', maxNodes: 2 },
      { name: 'other', minNodes: 2, overTimeSeconds: 0.05 },
    ],
    [
      { name: 'main', maxCpusPerNode: 3 },
      { name: 'other', maxCpusPerNode: 5 },
    ],
    [
      { name: 'main', nodes: ['n0', 'n1', 'n2'] },
      { name: 'other', nodes: ['n2', 'n3', 'n4', 'n5'], maxNodes: 2 },
    ],
    [
      { name: 'main', nodes: ['n0', 'n1', 'n3'], maxCpusPerNode: 5 },
      { name: 'other', priorityTier: 2, overTimeSeconds: 0.05 },
    ],
    [
      { name: 'main', denyQos: ['high'], allowAccounts: ['default', 'vision'], denyAccounts: ['vision'] },
      { name: 'other', denyAccounts: ['vision'], allowQos: ['normal', 'high'], denyQos: ['normal'] },
    ],
  ),
});

const pick = fc.nat(30);
const END_STATES: EndState[] = ['COMPLETED', 'COMPLETED', 'COMPLETED', 'FAILED', 'OUT_OF_MEMORY', 'NODE_FAIL'];

const command = fc.oneof(
  { weight: 12, arbitrary: fc.record({ do: fc.constant('submit' as const), shape: jobShape }) },
  { weight: 10, arbitrary: fc.record({ do: fc.constant('decide' as const) }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('start' as const), pick }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('hang' as const), pick }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('end' as const), pick, state: fc.constantFrom(...END_STATES) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('failLaunch' as const), pick, isRetryable: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 30 }) }) },
  {
    weight: 7,
    arbitrary: fc.record({ do: fc.constantFrom('cancel', 'requeue', 'hold', 'release'), pick }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom('failNode', 'drainNode', 'resumeNode', 'resumeNode', 'removeNode'),
      pick,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('addNode' as const), shape: nodeShape }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('restart', 'restartPruned') }) },
);

type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

const choose = <T>(from: Iterable<T>, index: number): T | undefined => {
  const all = [...from];
  return all[index % all.length];
};

function addNode(
  world: World,
  shape: { resources: NodeSpec['resources']; gpuType: string; leaf: string | null },
): void {
  const gpuType = shape.resources.gpus > 0 ? shape.gpuType : null;
  // The lowest name that is free: sometimes one that a removed node had.
  let number = 0;
  while (world.nodes.has(`n${number}`)) number += 1;
  const node = { ...shape, gpuType, name: `n${number}` };
  world.tell({ kind: 'NodeAdded', atMs: world.nowMs, node });
}

function perform(world: World, step: Command): void {
  const atMs = world.nowMs;
  if ('shape' in step) {
    if (step.do === 'addNode') return addNode(world, step.shape);
    const { dependencies, isAnyEnough, excluded, array, partition, account, qos, ...shape } = step.shape;
    const jobId = world.requests.size + 1;
    // Names an earlier job, or (with the first few) itself or a later one.
    const waits = dependencies.map(([condition, back, others = {}]): Dependency => {
      return { condition, jobId: Math.abs(jobId - back), ...others };
    });
    const job: JobRequest = {
      ...shape,
      jobId,
      submitMs: atMs,
      excludedNodes: excluded,
      dependencies: world.withStarts(waits),
    };
    if (isAnyEnough !== undefined) job.isAnyEnough = isAnyEnough;
    if (partition !== undefined) job.partition = partition;
    if (account !== undefined) job.account = account;
    if (qos !== undefined) job.qos = qos;
    // Which jobs a short list of candidates has room for depends on whether a task was found throttled before: said of no order.
    if (array !== null && world.isTryingAll) {
      Object.assign(job, ARRAYS[array]);
      // In one partition, too: those of others may leave its tasks other CPUs.
      delete job.partition;
    }
    return world.tell({ kind: 'JobSubmitted', atMs, job });
  }
  if (step.do === 'decide') return void world.decide();
  if (step.do === 'restart') return world.restart();
  if (step.do === 'restartPruned') return world.restartPruned();
  if ('ms' in step) return void (world.nowMs += step.ms);
  if (!('pick' in step)) return;
  if (step.do === 'failNode' || step.do === 'drainNode' || step.do === 'resumeNode' || step.do === 'removeNode') {
    const nodeName = choose(world.nodes.keys(), step.pick);
    if (nodeName === undefined) return;
    if (step.do === 'removeNode') {
      if (world.isIdle(nodeName)) world.tell({ kind: 'NodeRemoved', atMs, nodeName });
      return;
    }
    const kind = ({ failNode: 'NodeFailed', drainNode: 'NodeDrained', resumeNode: 'NodeResumed' } as const)[step.do];
    return world.tell({ kind, atMs, nodeName, reason: 'drill' });
  }
  if (step.do === 'start' || step.do === 'hang' || step.do === 'end' || step.do === 'failLaunch') {
    const fitting = [...world.holdings].filter(([, { isStarted }]) =>
      step.do === 'start' ? !isStarted : step.do !== 'hang' || isStarted,
    );
    const [jobId, holding] = choose(fitting, step.pick) ?? [];
    if (jobId === undefined || holding === undefined) return;
    const { attempt } = holding;
    if (step.do === 'start') return world.tell({ kind: 'AttemptStarted', atMs, jobId, attempt });
    if (step.do === 'hang') return world.tell({ kind: 'AttemptHung', atMs, jobId, attempt });
    if (step.do === 'failLaunch')
      return world.tell({ kind: 'LaunchFailed', atMs, jobId, attempt, isRetryable: step.isRetryable, message: 'x' });
    const exitCode = step.state === 'COMPLETED' ? 0 : 1;
    return world.tell({ kind: 'AttemptEnded', atMs, jobId, attempt, state: step.state, exitCode });
  }
  const jobId = choose(world.requests.keys(), step.pick);
  if (jobId === undefined) return;
  const request = world.requests.get(jobId);
  if (step.do === 'requeue' && world.ended.has(jobId) && request !== undefined) {
    return world.resubmit(request);
  }
  const kind = (
    {
      cancel: 'JobCancelRequested',
      requeue: 'JobRequeueRequested',
      hold: 'JobHeld',
      release: 'JobReleased',
    } as const
  )[step.do];
  world.tell({ kind, atMs, jobId });
}

/** Reasons for which a job waits for ever. */
const STUCK = [
  'BadConstraints',
  'Dependency',
  'DependencyNeverSatisfied',
  'PartitionNodeLimit',
  'QOSNotAllowed',
  'AccountNotAllowed',
];

/** Everything is mended and no new work comes: what can run must run. */
function runToTheEnd(world: World): void {
  for (const nodeName of world.nodes.keys()) world.tell({ kind: 'NodeResumed', atMs: world.nowMs, nodeName });
  for (const jobId of world.requests.keys()) world.tell({ kind: 'JobReleased', atMs: world.nowMs, jobId });
  const limit = 10 + 4 * world.requests.size;
  for (let round = 0; ; round++) {
    assert(round < limit, 'what can run ends in bounded time');
    world.nowMs += 50;
    world.decide();
    if (world.holdings.size === 0) break;
    for (const [jobId, { attempt }] of world.holdings) {
      world.tell({ kind: 'AttemptEnded', atMs: world.nowMs, jobId, attempt, state: 'COMPLETED', exitCode: 0 });
    }
    for (const jobId of world.pending) world.tell({ kind: 'JobReleased', atMs: world.nowMs, jobId });
  }
  for (const jobId of world.pending) {
    const reason = world.scheduler.job(jobId)?.reason ?? 'lost';
    assert(STUCK.includes(reason), `job ${jobId}: ${reason}`);
    const request = world.requests.get(jobId);
    const isAdmissible = request !== undefined && world.scheduler.admission(request).isAdmissible;
    if (reason === 'BadConstraints') assert(!isAdmissible, `job ${jobId} is admissible`);
    // Of an admissible job nothing but the end of another one may be missing.
    const waitsForNothing = request?.dependencies.every(({ jobId: other }) => world.ended.has(other)) ?? true;
    assert(reason !== 'Dependency' || !waitsForNothing, `job ${jobId} waits for nothing`);
  }
}

/** True where a job ahead of it was passed over. */
function isBackfilled(world: World, jobId: number): boolean {
  return [...world.pending].some(
    (other) => world.scheduler.job(other)?.reason === 'Resources' && isAhead(world, other, jobId),
  );
}

/** True where a task ahead of it waits for another of its array. */
function isThrottledAhead(world: World, jobId: number): boolean {
  return [...world.pending].some(
    (other) => world.scheduler.job(other)?.reason === 'JobArrayTaskLimit' && isAhead(world, other, jobId),
  );
}

function isAhead(world: World, jobId: number, thanId: number): boolean {
  const [one, other] = [world.requests.get(jobId), world.requests.get(thanId)];
  if (one === undefined || other === undefined || one.priority < other.priority) return false;
  return (
    one.priority > other.priority ||
    one.submitMs < other.submitMs ||
    (one.submitMs === other.submitMs && jobId < thanId)
  );
}

/** What it had to wait for, besides ends. */
function waitsOf(world: World, jobId: number): string[] {
  const { dependencies = [], isAnyEnough = false } = world.requests.get(jobId) ?? {};
  const starts = dependencies.filter(({ condition }) => condition === 'after');
  return [
    ...(starts.some(({ delayMs = 0 }) => delayMs === 0) ? ['after a start'] : []),
    ...(starts.some(({ delayMs = 0 }) => delayMs > 0) ? ['a while after a start'] : []),
    ...(isAnyEnough && dependencies.length > 1 ? ['after one of several'] : []),
    ...(dependencies.some(({ set }) => set !== undefined) ? ['after an array as one'] : []),
  ];
}

/** What the runs must have met for their silence to mean something. */
const REHEARSED = [
  'start',
  'start gang',
  'backfill',
  'start past a throttle',
  'start in one of several partitions',
  'start after a start',
  'start a while after a start',
  'start after one of several',
  'start after an array as one',
  'requeue 0',
  'requeue 1',
  'requeue 2',
  'requeue held',
  'CANCELLED',
  'TIMEOUT',
  'NODE_FAIL',
  'REQUEUE',
  'end COMPLETED',
  'end FAILED',
  'end CANCELLED',
  'end TIMEOUT',
  'end NODE_FAIL',
  'end OUT_OF_MEMORY',
];

it('decides as the reference does, keeps every promise through faults and restarts, and runs all that can run once healed', () => {
  const met = new Map<string, number>();
  const meet = (what: string) => void met.set(what, (met.get(what) ?? 0) + 1);
  fc.assert(
    fc.property(
      clusterShape,
      fc.array(command, { maxLength: 200, size: 'max' }),
      policy,
      fc.boolean(),
      (nodes, commands, options, areEchoesApplied) => {
        const world = new World(options, areEchoesApplied);
        world.onDecision = (decision) => {
          if (decision.kind === 'EndAttempt') meet(decision.cause);
          else if (decision.kind === 'EndJob') meet(`end ${decision.state}`);
          else if (decision.kind === 'Requeue') meet(decision.isHeld ? 'requeue held' : `requeue ${decision.requeues}`);
          else {
            meet(decision.placement.length === 1 ? 'start' : 'start gang');
            if (isBackfilled(world, decision.jobId)) meet('backfill');
            for (const wait of waitsOf(world, decision.jobId)) meet(`start ${wait}`);
            if (decision.partition !== undefined) meet('start in one of several partitions');
            if (isThrottledAhead(world, decision.jobId)) meet('start past a throttle');
          }
        };
        for (const shape of nodes) addNode(world, shape);
        for (const step of commands) perform(world, step);
        world.decide();
        world.restart();
        runToTheEnd(world);
      },
    ),
    { numRuns: 2000 },
  );
  expect(REHEARSED.filter((what) => (met.get(what) ?? 0) < 20)).toEqual([]);
}, 240_000);
