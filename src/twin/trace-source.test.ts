import { describe, expect, it } from 'vitest';
import type { NodeSpec } from '../cluster/node.ts';
import { PLAIN_CADENCE } from '../scheduler/cadence.test-support.ts';
import { attemptMs } from './attempt-progress.ts';
import { traceRow } from './trace-row.test-support.ts';
import type { TraceOptions } from './trace-options.ts';
import type { TraceRow } from './trace-row.ts';
import { traceJobs } from './trace-source.ts';
import type { TwinJob } from './types.ts';

const GIB = 1024 ** 3;

function nodes(count: number, gpus = 8, cpus = 64, memoryGib = 512, gpuType: string | null = 'a100'): NodeSpec[] {
  const resources = { cpus, memoryBytes: memoryGib * GIB, gpus };
  return Array.from({ length: count }, (_, index) => ({ name: `g${gpus}-${index}`, resources, gpuType, leaf: null }));
}

let line = 1;
function row(fields: Partial<TraceRow>): TraceRow {
  line += 1;
  return traceRow({ line, job: String(line), ...fields });
}

function all(rows: TraceRow[], options: Partial<TraceOptions> = {}): TwinJob[] {
  const { source } = traceJobs(rows, { nodes: nodes(4), policy: {}, ...options });
  const jobs: TwinJob[] = [];
  for (let job = source.next(); job !== null; job = source.next()) jobs.push(job);
  return jobs;
}

describe('jobs of a trace', () => {
  it('are tasks of arrays where their rows say so', () => {
    const jobs = all([
      row({ array: { name: 'sweep', runningMax: 2 } }),
      row({}),
      row({ array: { name: '12', runningMax: null } }),
      row({ array: { name: 'sweep', runningMax: 2 } }),
    ]);
    expect(jobs.map(({ request }) => request.array)).toEqual([
      { id: 1, runningMax: 2 },
      undefined,
      { id: 2, runningMax: null },
      { id: 1, runningMax: 2 },
    ]);
  });

  it('are counted from 1 and keep what their rows say', () => {
    const policy = { qos: [{ name: 'high' }], partitions: [{ name: 'learn' }] };
    const rows = [
      row({
        job: 'first',
        submitMs: 5000,
        user: 'ada',
        account: 'vision',
        qos: 'high',
        partition: 'learn',
        priority: 3,
      }),
      row({ job: 'second', submitMs: 6000, eligibleMs: 9000, limitMs: 30_000, outcome: 'FAILED', qos: 'low' }),
    ];
    const { source, nameOf, count, leftOut } = traceJobs(rows, { nodes: nodes(4), policy, maxRequeues: 2 });
    expect(source).toMatchObject({ countEstimate: 2, endMsEstimate: 6000 });
    expect(source.next()).toEqual({
      request: {
        jobId: 1,
        submitMs: 5000,
        priority: 3,
        nodes: 1,
        perNode: { cpus: 64, memoryBytes: 512 * GIB, gpus: 8 },
        gpuType: null,
        exclusive: false,
        timeLimitMs: null,
        excludedNodes: [],
        maxRequeues: 2,
        dependencies: [],
        isHeld: false,
        user: 'ada',
        account: 'vision',
        qos: 'high',
        partition: 'learn',
      },
      workMs: 60_000,
      outcome: 'COMPLETED',
      cancelAfterMs: null,
      checkpointing: null,
    });
    const second = source.next();
    expect(second).toMatchObject({
      workMs: 60_000,
      outcome: 'FAILED',
      request: { timeLimitMs: 30_000, beginMs: 9000 },
    });
    expect(second?.request).not.toHaveProperty('qos');
    expect(source.next()).toBeNull();
    expect([count, nameOf(1), nameOf(2)]).toEqual([2, 'first', 'second']);
    expect([...leftOut]).toEqual([['QOS low: the policy has none of this name', 1]]);
  });

  it('belong to a partition, whose nodes and times are all there are for them', () => {
    const mixed = [...nodes(2), ...nodes(3, 0, 16, 64, null)];
    const policy = {
      partitions: [
        { name: 'gpu', nodes: ['g8-0', 'g8-1'], maxTimeSeconds: 60 },
        { name: 'cpu', nodes: ['g0-0', 'g0-1', 'g0-2'] },
      ],
    };
    const rows = [
      row({ gpusPerNode: 8, nodes: 2, limitMs: 60_000 }),
      row({ gpusPerNode: 8, nodes: 3 }),
      row({ gpusPerNode: 0, nodes: 3, partition: 'cpu' }),
      row({ gpusPerNode: 1, nodes: 1, partition: 'cpu' }),
      row({ job: 'long', gpusPerNode: 8, limitMs: 120_000 }),
    ];
    const { count, refused, beyond } = traceJobs(rows, { nodes: mixed, policy });
    expect(count).toBe(3);
    expect(refused.map(({ reason }) => reason)).toEqual([
      'it asks for 3 nodes with 8 GPUs; there are 2 of partition gpu',
      'no node of partition cpu has GPUs',
    ]);
    expect(beyond.map(({ job, reason }) => [job, reason])).toEqual([
      ['long', 'it asks for 00:02:00, and partition gpu gives 00:01:00 at most'],
    ]);
  });

  it('are refused beyond the limits of their partition where those are enforced', () => {
    const rows = [row({ nodes: 2 }), row({ job: 'small' }), row({ job: 'large', nodes: 4 })];
    const partitions = [{ name: 'gpu', minNodes: 2, maxNodes: 3 }];
    const jobsUnder = (enforcePartLimits: boolean) => {
      const { count, refused, beyond } = traceJobs(rows, {
        nodes: nodes(4),
        policy: { partitions, enforcePartLimits },
      });
      return { count, refused: refused.map(({ reason }) => reason), beyond: beyond.map(({ job }) => job) };
    };
    expect(jobsUnder(false)).toEqual({ count: 3, refused: [], beyond: ['small', 'large'] });
    expect(jobsUnder(true)).toEqual({
      count: 1,
      refused: [
        'it asks for 1 node, and jobs of partition gpu have 2 at least',
        'it asks for 4 nodes, and jobs of partition gpu have 3 at most',
      ],
      beyond: [],
    });
  });

  it('may run in several partitions, and are what the first is that they fit', () => {
    const partitions = [
      { name: 'gpu', nodes: ['g8-0', 'g8-1'], maxTimeSeconds: 60 },
      { name: 'cpu', nodes: ['g8-2', 'g8-3'], maxNodes: 1 },
    ];
    const rows = [
      row({ job: 'both', partition: 'cpu,gpu', limitMs: 60_000 }),
      row({ job: 'left', partition: 'gone,gpu', limitMs: 60_000 }),
      row({ job: 'long', partition: 'gpu,cpu', limitMs: 120_000 }),
      row({ job: 'beyond', partition: 'gpu,cpu', nodes: 2, limitMs: 120_000 }),
      row({ job: 'large', partition: 'gpu,cpu', nodes: 3, limitMs: 60_000 }),
    ];
    const read = (enforcePartLimits: boolean | 'any') => {
      const { refused, beyond, leftOut } = traceJobs(rows, {
        nodes: nodes(4),
        policy: { partitions, enforcePartLimits },
      });
      return [refused.map(({ job }) => job), beyond.map(({ job }) => job), [...leftOut.keys()]];
    };
    const isGone = 'partition gone: the policy has none of this name';
    expect(read(false)).toEqual([['large'], ['beyond'], [isGone]]);
    expect(read('any')).toEqual([['beyond', 'large'], [], [isGone]]);
    expect(read(true)).toEqual([['long', 'beyond', 'large'], [], [isGone]]);
    const names = all(rows, { policy: { partitions } }).map(({ request }) => request.partition);
    expect(names).toEqual(['cpu,gpu', 'gpu', 'gpu,cpu', 'gpu,cpu']);
  });

  it('are held to whose jobs their partition takes, unless they run already', () => {
    const partitions = [{ name: 'gpu', allowAccounts: ['vision'], denyQos: ['low'] }];
    const rows = [
      row({ job: 'in', account: 'vision', qos: 'other' }),
      row({ job: 'unsaid' }),
      row({ job: 'other', account: 'speech' }),
      row({ job: 'low', account: 'vision', qos: 'low' }),
      row({ job: 'runs', account: 'speech' }),
    ];
    const isRunning = ({ job }: TraceRow) => job === 'runs';
    const jobs = traceJobs(rows, { nodes: nodes(4), policy: { partitions }, isRunning });
    expect(jobs.beyond.map(({ job, reason }) => `${job}: ${reason}`)).toEqual([
      'unsaid: it is of account default, and partition gpu takes vision only',
      'other: it is of account speech, and partition gpu takes vision only',
      'low: it has QOS low, and partition gpu does not take low',
    ]);
    const requests = all(rows, { policy: { partitions } }).map(({ request }) => [request.account, request.qos]);
    expect(requests).toEqual([
      ['vision', undefined],
      [undefined, undefined],
      ['speech', undefined],
      ['vision', 'low'],
      ['speech', undefined],
    ]);
  });

  it('have no more CPUs of a node than their partition gives', () => {
    const partitions = [{ name: 'some', maxCpusPerNode: 8 }];
    const rows = [
      row({ job: 'some', gpusPerNode: 0, cpusPerNode: 8 }),
      row({ job: 'many', gpusPerNode: 0, cpusPerNode: 9 }),
      row({ job: 'whole', gpusPerNode: 0, cpusPerNode: 1, isExclusive: true }),
    ];
    const { count, refused } = traceJobs(rows, { nodes: nodes(4), policy: { partitions } });
    expect([count, ...refused.map(({ job, reason }) => `${job}: ${reason}`)]).toEqual([
      1,
      'many: it has 9 CPUs of a node, and partition some gives 8 of each at most',
      'whole: it has 64 CPUs of a node, and partition some gives 8 of each at most',
    ]);
  });

  it('have what their partition gives those that do not say, and whole cores', () => {
    const defaultAsk = (_gpus: number, partition: string | null) => ({
      cpus: 3,
      memoryBytes: partition === 'a' ? GIB : null,
    });
    const policy = { partitions: [{ name: 'a' }, { name: 'b' }] };
    const rows = [row({ gpusPerNode: 1 }), row({ gpusPerNode: 1, partition: 'b' })];
    const options = { nodes: nodes(4), policy, defaultAsk, cpusStep: 2 };
    expect(all(rows, options).map(({ request }) => request.perNode)).toEqual([
      { cpus: 4, memoryBytes: GIB, gpus: 1 },
      { cpus: 4, memoryBytes: 512 * GIB, gpus: 1 },
    ]);
    expect(traceJobs(rows, options).allMemoryCount).toBe(1);
  });

  it('have limits of whole steps', () => {
    const limit = (limitMs: number | null) =>
      all([row({ limitMs })], { limitStepMs: 60_000 }).map(({ request }) => request.timeLimitMs)[0];
    expect([limit(1), limit(60_000), limit(60_001), limit(null)]).toEqual([60_000, 60_000, 120_000, null]);
  });

  it("have their GPUs' share of a node where the trace says no more", () => {
    const perNode = (fields: Partial<TraceRow>, options: Partial<TraceOptions> = {}) =>
      all([row(fields)], options).map(({ request }) => [request.perNode, request.exclusive])[0];
    expect(perNode({ gpusPerNode: 3 })).toEqual([{ cpus: 24, memoryBytes: 192 * GIB, gpus: 3 }, false]);
    expect(perNode({ gpusPerNode: 3, cpusPerNode: 5, memoryBytesPerNode: GIB })).toEqual([
      { cpus: 5, memoryBytes: GIB, gpus: 3 },
      false,
    ]);
    expect(perNode({ gpusPerNode: 0 })).toEqual([{ cpus: 1, memoryBytes: 8 * GIB, gpus: 0 }, false]);
    const whole = { cpus: 64, memoryBytes: 512 * GIB, gpus: 8 };
    expect(perNode({ gpusPerNode: null })).toEqual([whole, true]);
    expect(perNode({ gpusPerNode: 1, isExclusive: true })).toEqual([whole, true]);
    expect(perNode({ gpusPerNode: 1 }, { isExclusive: true })).toEqual([whole, true]);
    const memory = { gpusPerNode: 8, memoryBytesPerNode: 600 * GIB };
    expect(perNode(memory, { isMemoryConsumed: false })).toEqual([{ ...whole, memoryBytes: 0 }, false]);
    for (const gpusPerNode of [0, 2])
      expect(perNode({ gpusPerNode }, { isMemoryConsumed: false })?.[0]).toMatchObject({ memoryBytes: 0 });
    const ask = { defaultAsk: (gpus: number) => ({ cpus: 2 * gpus, memoryBytes: gpus === 1 ? GIB : null }) };
    expect(perNode({ gpusPerNode: 1 }, ask)).toEqual([{ cpus: 2, memoryBytes: GIB, gpus: 1 }, false]);
    expect(perNode({ gpusPerNode: 2 }, ask)).toEqual([{ cpus: 4, memoryBytes: 512 * GIB, gpus: 2 }, false]);
    expect(perNode({ gpusPerNode: 2, cpusPerNode: 7 }, ask)?.[0]).toMatchObject({ cpus: 7 });
    const partitions = [{ name: 'shared' }, { name: 'whole', isDefault: true }];
    const exclusive = { policy: { partitions }, exclusivePartitions: ['whole'] };
    expect(perNode({ gpusPerNode: 1 }, exclusive)).toEqual([whole, true]);
    expect(perNode({ gpusPerNode: 1, partition: 'shared' }, exclusive)?.[1]).toBe(false);
  });

  it('are shared out by the smallest node that holds them', () => {
    const mixed = [...nodes(2), ...nodes(2, 4, 32, 128, 'v100'), ...nodes(1, 0, 16, 64, null)];
    const shares = all([row({ gpusPerNode: 4 }), row({ gpusPerNode: 4, gpuType: 'a100' }), row({ gpusPerNode: 0 })], {
      nodes: mixed,
    }).map(({ request: { perNode, gpuType } }) => [perNode.cpus, perNode.memoryBytes / GIB, gpuType]);
    expect(shares).toEqual([
      [32, 128, null],
      [32, 256, 'a100'],
      [1, 4, null],
    ]);
    // Whoever asks for all of a node means one like the first.
    expect(all([row({ gpusPerNode: null, nodes: 2 })], { nodes: mixed })).toMatchObject([
      { request: { perNode: { gpus: 8 } } },
    ]);
  });

  it('run on until their limit is looked at where they were cut off at it', () => {
    const cut = row({ outcome: 'TIMEOUT', runMs: 61_000, limitMs: 60_000 });
    const policy = { cadence: PLAIN_CADENCE };
    expect(all([cut]).map(({ workMs }) => workMs)).toEqual([62_000]);
    expect(all([cut], { policy }).map(({ workMs }) => workMs)).toEqual([92_000]);
  });

  it('that ran into their limit do so again', () => {
    const [timedOut, unknown] = all([
      row({ outcome: 'TIMEOUT', runMs: 60_000, limitMs: 60_000 }),
      row({ outcome: 'TIMEOUT', runMs: 60_000 }),
    ]);
    expect(timedOut).toMatchObject({ workMs: 61_000, outcome: 'COMPLETED' });
    expect(unknown).toMatchObject({ workMs: 61_000 });
  });

  it('take no longer for their checkpoints than recorded, left alone', () => {
    const checkpointing = { intervalMs: 3_600_000, writeMs: 60_000, isBlocking: false, restartMs: 600_000 };
    const [long, short] = all([row({ runMs: 36_000_000, limitMs: 36_000_000 }), row({ runMs: 1_000_000 })], {
      checkpointing,
    });
    expect(long).toMatchObject({ workMs: 35_400_000, checkpointing });
    expect(attemptMs(long?.workMs ?? 0, checkpointing)).toBe(36_000_000);
    expect(short).toMatchObject({ workMs: 1_000_000, checkpointing: null });
  });

  it('that ran longer than they asked for are told, since their limit ends them here', () => {
    const rows = [
      row({ job: 'over', runMs: 100_000, limitMs: 60_000 }),
      row({ job: 'cut off', runMs: 100_000, limitMs: 60_000, outcome: 'TIMEOUT' }),
      row({ job: 'within', runMs: 60_000, limitMs: 60_000 }),
      row({ job: 'free', runMs: 100_000 }),
    ];
    const told = (options: Partial<TraceOptions>) =>
      traceJobs(rows, { nodes: nodes(4), policy: {}, ...options }).overRun.map(({ job }) => job);
    expect(told({})).toEqual(['over']);
    // Within the minutes that Slurm counts in, and the time until it looks.
    expect(told({ limitStepMs: 60_000, policy: { cadence: { ...PLAIN_CADENCE, timeLimitCheckSeconds: 40 } } })).toEqual(
      [],
    );
  });

  it('wait for the jobs of the rows they name', () => {
    const rows = [
      row({ job: 'too large', nodes: 9 }),
      row({ job: 'a' }),
      row({ job: 'b', after: [{ condition: 'afterok', job: 'a' }] }),
    ];
    expect(all(rows).map(({ request }) => request.dependencies)).toEqual([[], [{ condition: 'afterok', jobId: 1 }]]);
  });

  it('wait for any one of several, and for an array as one', () => {
    const array = { name: 'sweep', runningMax: null };
    const after = [
      { condition: 'after' as const, job: 'a', delayMs: 60_000 },
      { condition: 'afternotok' as const, job: 'sweep' },
      { condition: 'afterok' as const, job: 'nowhere' },
    ];
    const jobs = all([
      row({ job: 'a' }),
      row({ job: 'sweep_1', array }),
      row({ job: 'sweep_2', array }),
      row({ job: 'b', isAnyEnough: true, after }),
    ]);
    expect(jobs[3]?.request).toMatchObject({
      isAnyEnough: true,
      dependencies: [
        { condition: 'after', jobId: 1, delayMs: 60_000 },
        { condition: 'afternotok', jobId: 2, set: 4 },
        { condition: 'afternotok', jobId: 3, set: 4 },
      ],
    });
    // Others may come that wait for it to lie back.
    expect(jobs.map(({ isStartKept = false }) => isStartKept)).toEqual([true, false, false, false]);
    const { refused } = traceJobs([row({ job: 'a' }), row({ job: 'b', after })], { nodes: nodes(4), policy: {} });
    expect(refused.map(({ reason }) => reason)).toEqual(['it waits for job sweep, which is not there before it']);
  });

  it('that the empty cluster could not run are refused with the reason', () => {
    const { refused, count } = traceJobs(
      [
        row({ line: 2, job: 'a', nodes: 5 }),
        row({ line: 3, job: 'b', gpusPerNode: 9 }),
        row({ line: 4, job: 'c', memoryBytesPerNode: 513 * GIB }),
        row({ line: 5, job: 'd', after: [{ condition: 'afterany', job: 'a' }] }),
        row({ line: 6, job: 'e', after: [{ condition: 'afterany', job: 'e' }] }),
        row({ line: 7, job: 'f', nodes: 4 }),
        row({ line: 8, job: 'g', nodes: 6, gpusPerNode: null }),
      ],
      { nodes: nodes(4), policy: {} },
    );
    expect(count).toBe(1);
    expect(refused).toEqual([
      { line: 2, job: 'a', reason: 'it asks for 5 nodes with 8 GPUs; there are 4' },
      { line: 3, job: 'b', reason: 'no node has 9 GPUs (at most 8)' },
      { line: 4, job: 'c', reason: 'no node has 525312 MiB of memory (at most 524288 MiB)' },
      { line: 5, job: 'd', reason: 'it waits for job a, which is not there before it' },
      { line: 6, job: 'e', reason: 'it waits for job e, which is not there before it' },
      { line: 8, job: 'g', reason: 'it asks for 6 nodes; there are 4' },
    ]);
  });

  it('may ask for a type of GPU that the cluster does not have: any counts, and it is said', () => {
    const { source, leftOut } = traceJobs([row({ gpuType: 'T4', gpusPerNode: 1 })], { nodes: nodes(1), policy: {} });
    expect(source.next()?.request.gpuType).toBeNull();
    expect([...leftOut]).toEqual([['GPU type T4: the cluster has none', 1]]);
  });
});
