import { beforeEach, describe, expect, it } from 'vitest';
import type { NodeSpec } from '../cluster/node.ts';
import { createScheduler } from './scheduler.ts';
import type { Decision, EndState, JobRequest, Scheduler, SchedulerEvent } from './types.ts';

type WithoutTime<Event> = Event extends { atMs: number } ? Omit<Event, 'atMs'> : never;
/** The tests' clock is added by `tell`. */
type Untimed = WithoutTime<SchedulerEvent>;

const GIB = 1024 ** 3;

const dgx = (name: string, leaf: string | null = null): NodeSpec => ({
  name,
  resources: { cpus: 128, memoryBytes: 1024 * GIB, gpus: 8 },
  gpuType: 'a100-80',
  leaf,
});

const job = (jobId: number, fields: Partial<JobRequest> & { gpus?: number } = {}): JobRequest => {
  const { gpus = 8, ...rest } = fields;
  return {
    jobId,
    submitMs: jobId,
    priority: 0,
    nodes: 1,
    perNode: { cpus: gpus, memoryBytes: GIB, gpus },
    gpuType: null,
    exclusive: false,
    timeLimitMs: null,
    excludedNodes: [],
    maxRequeues: 1,
    dependencies: [],
    isHeld: false,
    ...rest,
  };
};

let scheduler: Scheduler;
let nowMs = 0;

const tell = (event: Untimed) => scheduler.apply({ ...event, atMs: nowMs });
const submit = (...jobs: JobRequest[]) => {
  for (const one of jobs) tell({ kind: 'JobSubmitted', job: one });
};
const decide = () => scheduler.decide(nowMs).decisions;
const end = (jobId: number, state: EndState = 'COMPLETED', attempt = 1) =>
  tell({ kind: 'AttemptEnded', jobId, attempt, state, exitCode: state === 'COMPLETED' ? 0 : 1 });
const started = (decisions: Decision[]) =>
  decisions.flatMap((decision) =>
    decision.kind === 'StartAttempt'
      ? [[decision.jobId, decision.placement.map(({ nodeName }) => nodeName).join()]]
      : [],
  );
const reason = (jobId: number) => scheduler.job(jobId)?.reason;

beforeEach(() => {
  nowMs = 1000;
  scheduler = createScheduler({ schedulerType: 'builtin' });
  for (const [name, leaf] of [
    ['n1', 'a'],
    ['n2', 'a'],
    ['n3', 'b'],
  ] as const)
    tell({ kind: 'NodeAdded', node: dgx(name, leaf) });
});

describe('who runs, and where', () => {
  it('starts the highest priority first and equals in order of submission', () => {
    submit(job(1), job(2, { priority: 5 }), job(3), job(4));
    expect(started(decide())).toEqual([
      [2, 'n1'],
      [1, 'n2'],
      [3, 'n3'],
    ]);
    expect(reason(4)).toBe('Resources');
  });

  it('lets the first job that does not fit block all behind it, even those that would fit', () => {
    submit(job(1), job(2, { nodes: 3 }), job(3, { gpus: 1 }));
    expect(started(decide())).toEqual([[1, 'n1']]);
    expect([reason(2), reason(3)]).toEqual(['Resources', 'Priority']);
  });

  it('starts a gang whole or not at all', () => {
    submit(job(1, { nodes: 2 }), job(2, { nodes: 2 }));
    expect(started(decide())).toEqual([[1, 'n1,n2']]);
    end(1);
    expect(started(decide())).toEqual([[2, 'n1,n2']]);
  });

  it('packs small jobs onto nodes in use, lowest GPUs first', () => {
    submit(job(1, { gpus: 2 }), job(2, { gpus: 3 }));
    const placements = decide().flatMap((decision) => (decision.kind === 'StartAttempt' ? decision.placement : []));
    expect(placements.map(({ nodeName, gpuIndices }) => [nodeName, gpuIndices])).toEqual([
      ['n1', [0, 1]],
      ['n1', [2, 3, 4]],
    ]);
    expect(scheduler.node('n1')).toMatchObject({ state: 'mixed', free: { gpus: 3 }, jobIds: [1, 2] });
  });

  it('spreads a gang over the fewest leaves', () => {
    submit(job(1));
    decide();
    tell({ kind: 'NodeAdded', node: dgx('n4', 'b') });
    submit(job(2, { nodes: 2 }));
    expect(started(decide())).toEqual([[2, 'n3,n4']]);
  });

  it('gives an exclusive job the whole node', () => {
    submit(job(1, { gpus: 1, exclusive: true }));
    decide();
    expect(scheduler.node('n1')).toMatchObject({ state: 'allocated', free: { cpus: 0, memoryBytes: 0, gpus: 0 } });
  });

  it('starts no more in a cycle than its depth and asks to be woken at once for the rest', () => {
    scheduler = createScheduler({ schedulerType: 'builtin', defaultQueueDepth: 2 });
    tell({ kind: 'NodeAdded', node: dgx('n1') });
    submit(job(1, { gpus: 1 }), job(2, { gpus: 1 }), job(3, { gpus: 1 }));
    expect(scheduler.decide(nowMs)).toMatchObject({ decisions: { length: 2 }, wakeAtMs: nowMs });
    expect(scheduler.decide(nowMs)).toMatchObject({ decisions: { length: 1 }, wakeAtMs: null });
  });
});

describe('nodes that fail', () => {
  it('cost the gang its attempt; it is requeued once all of it has ended, and only as often as it may be', () => {
    submit(job(1, { nodes: 2 }));
    decide();
    tell({ kind: 'NodeFailed', nodeName: 'n2', reason: 'drill' });
    expect(decide()).toEqual([{ kind: 'EndAttempt', jobId: 1, attempt: 1, cause: 'NODE_FAIL' }]);
    expect(scheduler.job(1)?.state).toBe('COMPLETING');
    expect(scheduler.node('n2')).toMatchObject({ state: 'down', reason: 'drill', free: { gpus: 0 } });
    end(1, 'FAILED');
    const [requeue, start] = decide();
    expect(requeue).toEqual({ kind: 'Requeue', jobId: 1, requeues: 1, isHeld: false });
    expect(started([start!])).toEqual([[1, 'n1,n3']]);
    tell({ kind: 'NodeFailed', nodeName: 'n3', reason: 'drill' });
    decide();
    end(1, 'FAILED', 2);
    expect(decide()).toEqual([{ kind: 'EndJob', jobId: 1, state: 'NODE_FAIL', exitCode: 1 }]);
  });

  it('do not take away that a job had completed', () => {
    submit(job(1));
    decide();
    tell({ kind: 'NodeFailed', nodeName: 'n1', reason: 'drill' });
    end(1, 'COMPLETED');
    expect(decide()).toEqual([{ kind: 'EndJob', jobId: 1, state: 'COMPLETED', exitCode: 0 }]);
  });

  it('do not count while the job is being ended for another reason', () => {
    submit(job(1));
    decide();
    tell({ kind: 'JobCancelRequested', jobId: 1 });
    expect(decide()).toMatchObject([{ kind: 'EndAttempt', cause: 'CANCELLED' }]);
    tell({ kind: 'NodeFailed', nodeName: 'n1', reason: 'drill' });
    expect(decide()).toEqual([]);
    end(1, 'FAILED');
    expect(decide()).toMatchObject([{ kind: 'EndJob', state: 'CANCELLED' }]);
  });

  it('take nothing while drained, finish what runs, and come back when resumed', () => {
    submit(job(1));
    decide();
    for (const nodeName of ['n1', 'n2', 'n3']) tell({ kind: 'NodeDrained', nodeName, reason: 'disk' });
    submit(job(2));
    expect(decide()).toEqual([]);
    expect([scheduler.node('n1')?.state, scheduler.node('n2')?.state]).toEqual(['draining', 'drained']);
    expect(reason(2)).toBe('ReqNodeNotAvail');
    expect(scheduler.explain(2, nowMs).join(' ')).toContain('n2 drained (disk)');
    tell({ kind: 'NodeResumed', nodeName: 'n3' });
    expect(started(decide())).toEqual([[2, 'n3']]);
  });

  it('may fail twice, and be resumed while idle, without effect', () => {
    tell({ kind: 'NodeFailed', nodeName: 'n1', reason: 'first' });
    tell({ kind: 'NodeFailed', nodeName: 'n1', reason: 'second' });
    expect(scheduler.node('n1')?.reason).toBe('first');
    tell({ kind: 'NodeResumed', nodeName: 'n2' });
    expect(scheduler.node('n2')?.state).toBe('idle');
  });

  it('may be removed once nothing runs on them, and their name given to another node', () => {
    submit(job(1));
    decide();
    expect(() => tell({ kind: 'NodeRemoved', nodeName: 'n1' })).toThrow('no job holds');
    end(1);
    tell({ kind: 'NodeRemoved', nodeName: 'n1' });
    tell({ kind: 'NodeRemoved', nodeName: 'n2' });
    tell({ kind: 'NodeAdded', node: { ...dgx('n1'), gpuType: 'h100' } });
    expect(scheduler.nodes().map(({ spec }) => `${spec.name} ${spec.gpuType}`)).toEqual(['n3 a100-80', 'n1 h100']);
    expect(scheduler.admission(job(2, { nodes: 2, gpuType: 'a100-80' })).isAdmissible).toBe(false);
    submit(job(3, { nodes: 2 }));
    expect(started(decide())).toEqual([[3, 'n3,n1']]);
  });

  it('do not block jobs that other nodes can hold', () => {
    tell({ kind: 'NodeFailed', nodeName: 'n1', reason: 'drill' });
    submit(job(1, { nodes: 3, priority: 9 }), job(2));
    expect(started(decide())).toEqual([[2, 'n2']]);
    expect(reason(1)).toBe('ReqNodeNotAvail');
  });
});

describe('time limits', () => {
  it('run from the start of the tasks and end the attempt as TIMEOUT', () => {
    submit(job(1, { timeLimitMs: 60_000 }));
    expect(scheduler.decide(nowMs).wakeAtMs).toBeNull();
    nowMs = 5000;
    tell({ kind: 'AttemptStarted', jobId: 1, attempt: 1 });
    expect(scheduler.decide(64_999)).toEqual({ decisions: [], wakeAtMs: 65_000 });
    expect(scheduler.decide(65_000)).toEqual({
      decisions: [{ kind: 'EndAttempt', jobId: 1, attempt: 1, cause: 'TIMEOUT' }],
      wakeAtMs: null,
    });
    end(1, 'COMPLETED');
    expect(decide()).toMatchObject([{ kind: 'EndJob', state: 'TIMEOUT' }]);
  });
});

describe('launches that fail', () => {
  beforeEach(() => {
    submit(job(1));
    decide();
  });

  it('are tried again for nothing where that may help', () => {
    tell({ kind: 'LaunchFailed', jobId: 1, attempt: 1, isRetryable: true, message: 'port taken' });
    expect(decide()).toMatchObject([
      { kind: 'Requeue', requeues: 0, isHeld: false },
      { kind: 'StartAttempt', attempt: 2 },
    ]);
  });

  it('hold the job where it would not, until it is released', () => {
    tell({ kind: 'LaunchFailed', jobId: 1, attempt: 1, isRetryable: false, message: 'no such program' });
    expect(decide()).toEqual([{ kind: 'Requeue', jobId: 1, requeues: 0, isHeld: true }]);
    expect(reason(1)).toBe('launch failed requeued held');
    expect(scheduler.explain(1, nowMs)[0]).toContain('orrery release 1');
    tell({ kind: 'JobReleased', jobId: 1 });
    expect(decide()).toMatchObject([{ kind: 'StartAttempt', attempt: 2 }]);
  });

  it('end the job that was cancelled meanwhile', () => {
    tell({ kind: 'JobCancelRequested', jobId: 1 });
    expect(decide()).toMatchObject([{ kind: 'EndAttempt', attempt: 1, cause: 'CANCELLED' }]);
    tell({ kind: 'LaunchFailed', jobId: 1, attempt: 1, isRetryable: true, message: 'killed' });
    expect(decide()).toMatchObject([{ kind: 'EndJob', state: 'CANCELLED' }]);
  });
});

describe('what users ask for', () => {
  it('holds a job until it is released', () => {
    submit(job(1, { isHeld: true }), job(2));
    expect(started(decide())).toEqual([[2, 'n1']]);
    expect(reason(1)).toBe('JobHeldUser');
    tell({ kind: 'JobReleased', jobId: 1 });
    expect(started(decide())).toEqual([[1, 'n2']]);
  });

  it('cancels a pending job', () => {
    submit(job(1, { isHeld: true }));
    tell({ kind: 'JobCancelRequested', jobId: 1 });
    expect(decide()).toEqual([{ kind: 'EndJob', jobId: 1, state: 'CANCELLED', exitCode: 0 }]);
  });

  it('requeues a running job at no cost, and lets a later cancel win', () => {
    submit(job(1, { maxRequeues: 0 }));
    decide();
    tell({ kind: 'JobRequeueRequested', jobId: 1 });
    decide();
    end(1, 'FAILED');
    expect(decide()).toMatchObject([
      { kind: 'Requeue', requeues: 0 },
      { kind: 'StartAttempt', attempt: 2 },
    ]);
    tell({ kind: 'JobRequeueRequested', jobId: 1 });
    expect(decide()).toMatchObject([{ kind: 'EndAttempt', cause: 'REQUEUE' }]);
    tell({ kind: 'JobCancelRequested', jobId: 1 });
    end(1, 'FAILED', 2);
    expect(decide()).toMatchObject([{ kind: 'EndJob', state: 'CANCELLED' }]);
  });

  it('runs an ended job again when it is told the request again; attempts go on counting', () => {
    submit(job(1));
    decide();
    end(1, 'FAILED');
    decide();
    expect(() => tell({ kind: 'JobRequeueRequested', jobId: 1 })).toThrow('submit its request');
    submit(job(1));
    expect(decide()).toMatchObject([{ kind: 'StartAttempt', jobId: 1, attempt: 2 }]);
  });

  it('counts on from the attempts of a job whose journal was pruned', () => {
    tell({ kind: 'JobEnded', jobId: 7, state: 'FAILED', exitCode: 1 });
    tell({ kind: 'JobSubmitted', job: job(7), attemptsBefore: 3 });
    expect(decide()).toMatchObject([{ kind: 'StartAttempt', jobId: 7, attempt: 4 }]);
  });
});

describe('dependencies', () => {
  it('afterok waits for success', () => {
    submit(job(1), job(2, { dependencies: [{ condition: 'afterok', jobId: 1 }] }));
    expect(started(decide())).toEqual([[1, 'n1']]);
    expect(reason(2)).toBe('Dependency');
    expect(scheduler.explain(2, nowMs)).toEqual(['afterok:1 waits for job 1 to complete; it is running.']);
    end(1);
    expect(started(decide())).toEqual([[2, 'n1']]);
  });

  it('afterok of a job that failed is never satisfied, unless that job is requeued and completes', () => {
    submit(job(1), job(2, { dependencies: [{ condition: 'afterok', jobId: 1 }] }));
    decide();
    end(1, 'FAILED');
    decide();
    expect(reason(2)).toBe('DependencyNeverSatisfied');
    submit(job(1));
    decide();
    expect(reason(2)).toBe('Dependency');
    end(1, 'COMPLETED', 2);
    expect(started(decide())).toEqual([[2, 'n1']]);
  });

  it('afterany takes any end, also of a job that ended before a restart', () => {
    tell({ kind: 'JobEnded', jobId: 1, state: 'TIMEOUT', exitCode: 1 });
    submit(job(2, { dependencies: [{ condition: 'afterany', jobId: 1 }] }));
    expect(started(decide())).toEqual([[2, 'n1']]);
  });

  it('let a job age from when the last it waited for has ended', () => {
    const weights = { age: 1000, fairshare: 0, jobSize: 0, partition: 0, qos: 0 };
    scheduler = createScheduler({
      priority: { type: 'multifactor', weights, maxAgeSeconds: 1000, calcPeriodSeconds: 1 },
    });
    tell({ kind: 'NodeAdded', node: dgx('n1') });
    submit(job(1, { gpus: 4 }), job(2, { gpus: 4 }));
    submit(job(3, { dependencies: [{ condition: 'afterok', jobId: 1 }] }), job(4));
    decide();
    nowMs = 101_000;
    end(1);
    decide();
    nowMs = 301_000;
    decide();
    expect(scheduler.priorityOf(3)?.age).toBeCloseTo(200);
    expect(scheduler.priorityOf(4)?.age).toBeCloseTo(300);
  });
});

describe('what it says', () => {
  it.each<[string, Partial<JobRequest> & { gpus?: number }, string]>([
    ['too many nodes', { nodes: 4 }, 'the job asks for 4 nodes, the cluster has 3'],
    ['too many GPUs', { gpus: 9 }, 'the job asks for 9 GPUs on a node, the largest has 8'],
    [
      'too much memory',
      { perNode: { cpus: 1, memoryBytes: 2048 * GIB, gpus: 0 } },
      'the job asks for 2T of memory on a node, the largest has 1T',
    ],
    ['a GPU type nobody has', { gpuType: 'h100' }, 'the job asks for GPU type h100, no node has it'],
    [
      'too many exclusions',
      { excludedNodes: ['n1', 'n2', 'n3'] },
      'the job asks for 1 node with 8 GPUs, 8 CPUs and 1G, the cluster has 0 such, 3 excluded',
    ],
  ])('of a job with %s', (_, fields, message) => {
    expect(scheduler.admission(job(1, fields))).toEqual({ isAdmissible: false, message });
    submit(job(1, fields));
    decide();
    expect(reason(1)).toBe('BadConstraints');
    expect(scheduler.explain(1, nowMs)).toEqual([`Job 1 can never start: ${message}.`]);
  });

  it('of a job behind another, with numbers', () => {
    submit(job(1, { timeLimitMs: 60_000 }), job(2, { nodes: 3, priority: -1 }), job(3, { priority: -2 }));
    decide();
    tell({ kind: 'AttemptStarted', jobId: 1, attempt: 1 });
    expect(scheduler.explain(3, nowMs)).toEqual([
      'Job 3 with priority -2 waits its turn: 1 job ahead of it, the first is job 2 with priority -1.',
      'Job 2 asks for 3 nodes with 8 GPUs, 8 CPUs and 1G each; 2 nodes with that much free now.',
      'The rest is held by 1 running job: 1.',
      'The first of all time limits is that of job 1, in 00:01:00.',
    ]);
    expect(scheduler.explain(1, nowMs)).toEqual(['Job 1 runs on n1 as attempt 1; its time limit is in 00:01:00.']);
    expect(scheduler.explain(9, nowMs)).toEqual(['Job 9 is unknown.']);
  });
});

describe('events that contradict what is known are refused', () => {
  beforeEach(() => {
    submit(job(1));
    decide();
  });

  const placement = [
    { nodeName: 'n2', resources: { cpus: 8, memoryBytes: GIB, gpus: 8 }, gpuIndices: [0, 1, 2, 3, 4, 5, 6, 7] },
  ];

  it.each<[string, Untimed, string]>([
    ['an unknown job', { kind: 'JobHeld', jobId: 9 }, 'job 9 is unknown'],
    ['an unknown node', { kind: 'NodeFailed', nodeName: 'n9', reason: '' }, 'node n9 is unknown'],
    ['a job submitted twice', { kind: 'JobSubmitted', job: job(1) }, 'job 1 was submitted before'],
    [
      'another attempt',
      { kind: 'AttemptEnded', jobId: 1, attempt: 2, state: 'FAILED', exitCode: 1 },
      'job 1 has no attempt 2',
    ],
    ['a node changed under its name', { kind: 'NodeAdded', node: { ...dgx('n1'), gpuType: 'v100' } }, 'node n1'],
    [
      'an echo of something not decided',
      { kind: 'JobEnded', jobId: 1, state: 'FAILED', exitCode: 1 },
      'is not the echo',
    ],
  ])('%s', (_, event, message) => {
    expect(() => tell(event)).toThrow(message);
  });

  it('an attempt that starts twice', () => {
    tell({ kind: 'AttemptStarted', jobId: 1, attempt: 1 });
    expect(() => tell({ kind: 'AttemptStarted', jobId: 1, attempt: 1 })).toThrow('started twice');
  });

  it.each<[string, typeof placement, string]>([
    ['taken GPUs', [{ ...placement[0]!, nodeName: 'n1' }], 'n1, which has no room'],
    ['fewer GPUs than counted', [{ ...placement[0]!, gpuIndices: [0] }], 'for a count of 8'],
    ['a GPU the node has not', [{ ...placement[0]!, gpuIndices: [0, 1, 2, 3, 4, 5, 6, 8] }], 'GPU 8 is not free'],
    ['the same node twice', [placement[0]!, placement[0]!], 'holds already'],
  ])('a replayed placement with %s', (_, faulty, message) => {
    submit(job(2));
    expect(() => tell({ kind: 'AttemptStarting', jobId: 2, attempt: 1, placement: faulty })).toThrow(message);
  });
});
