import { describe, expect, it } from 'vitest';
import { readSqueueDump } from './squeue-dump.ts';

const HEADER =
  'JOBID|STATE|REASON|USER|ACCOUNT|QOS|PARTITION|NODES|CPUS|TRES_ALLOC|TRES_PER_NODE|TIME_LIMIT|TIME|SUBMIT_TIME|ELIGIBLE_TIME|START_TIME|PRIORITY|NICE|DEPENDENCY|RESERVATION|OVER_SUBSCRIBE|NODELIST|';

interface Fields {
  id: string;
  state: string;
  reason: string;
  nodes: string;
  tres: string;
  limit: string;
  used: string;
  start: string;
  priority: string;
  dependency: string;
  partition: string;
  nodeList: string;
}

function line(fields: Partial<Fields>): string {
  const of = {
    id: '1',
    state: 'PENDING',
    reason: 'Priority',
    nodes: '2',
    tres: 'cpu=8,mem=2G,node=2,billing=8,gres/gpu=16',
    limit: '1-00:00:00',
    used: '0:00',
    start: 'N/A',
    priority: '100',
    dependency: '(null)',
    partition: 'train',
    nodeList: '',
    ...fields,
  };
  return `${of.id}|${of.state}|${of.reason}|ada|vision|normal|${of.partition}|${of.nodes}|8|${of.tres}|gres:gpu:8|${of.limit}|${of.used}|2026-11-26T10:00:00|2026-11-26T10:00:00|${of.start}|${of.priority}|0|${of.dependency}|(null)|OK|${of.nodeList}|`;
}

const RUNNING: Partial<Fields> = {
  id: '9',
  state: 'RUNNING',
  reason: 'None',
  used: '1-02:03:04',
  start: '2026-11-26T10:00:10',
  nodeList: 'n[1-2]',
};

const read = (...lines: Partial<Fields>[]) => {
  return readSqueueDump({ name: 'squeue.txt', text: [HEADER, ...lines.map(line), ''].join('\n') }, null);
};

describe('the queue of squeue -O', () => {
  it('is told from the instant at which squeue was run, which jobs that run give away', () => {
    const { nowMs, rows } = read(RUNNING, { id: '10' });
    expect(new Date(nowMs ?? 0).toISOString()).toBe('2026-11-27T12:03:14.000Z');
    const elapsedMs = ((26 * 60 + 3) * 60 + 4) * 1000;
    expect(rows.map(({ job, submitMs, actualStartMs, runMs }) => ({ job, submitMs, actualStartMs, runMs }))).toEqual([
      { job: '9', submitMs: -elapsedMs - 10_000, actualStartMs: -elapsedMs, runMs: elapsedMs },
      { job: '10', submitMs: -elapsedMs - 10_000, actualStartMs: null, runMs: 0 },
    ]);
    expect(rows[0]).toMatchObject({ nodes: 2, gpusPerNode: 8, cpusPerNode: 4, memoryBytesPerNode: 1024 ** 3 });
  });

  it('has the GPUs that are asked for on a node where accounting counts none', () => {
    const { rows } = read({ ...RUNNING, tres: 'cpu=8,mem=2G,node=2,billing=8' });
    expect(rows).toMatchObject([{ nodes: 2, gpusPerNode: 8, gpuType: null }]);
  });

  it('has as many nodes as squeue says where it asks for tasks alone, of which TRES knows one node', () => {
    const tasks = { nodes: '3', tres: 'cpu=48,mem=24G,node=1,billing=48' };
    const of = (shared: string) => readSqueueDump({ name: 'squeue.txt', text: `${HEADER}\n${shared}` }, 0).rows;
    const shared = line(tasks);
    expect(of(shared)).toMatchObject([{ nodes: 3, cpusPerNode: 16, memoryBytesPerNode: 8 * 1024 ** 3 }]);
    // All of each node's.
    expect(of(shared.replace('|OK|', '|NO|'))).toMatchObject([{ nodes: 3, memoryBytesPerNode: 24 * 1024 ** 3 }]);
    // One that runs is where it is.
    expect(of(line({ ...RUNNING, ...tasks, tres: 'cpu=48,mem=24G,node=2' }))).toMatchObject([{ nodes: 2 }]);
  });

  it('is held where somebody has to do something about it', () => {
    const reasons = [
      'JobHeldUser',
      'DependencyNeverSatisfied',
      'Resources',
      'QOSMaxJobsPerUserLimit',
      'BadConstraints',
    ];
    const { rows } = read(RUNNING, ...reasons.map((reason, index) => ({ id: String(20 + index), reason })));
    expect(rows.slice(1).map(({ isHeld }) => isHeld)).toEqual([true, true, false, false, true]);
  });

  it('knows all tasks of an array, and what waits for them', () => {
    const { rows } = read(
      { ...RUNNING, id: '30_0' },
      { id: '30_[1-3,7%4]', dependency: '(null)' },
      { id: '31', dependency: 'afterany:30_*(unfulfilled)' },
      { id: '32', dependency: 'afterok:30_2(unfulfilled),afterok:5(failed)' },
    );
    expect(rows.map(({ job }) => job).toSorted()).toEqual(['30_0', '30_1', '30_2', '30_3', '30_7', '31', '32']);
    expect(rows.find(({ job }) => job === '31')?.after.map(({ job }) => job)).toEqual([
      '30_0',
      '30_1',
      '30_2',
      '30_3',
      '30_7',
    ]);
    expect(rows.find(({ job }) => job === '32')?.after).toEqual([{ condition: 'afterok', job: '30_2' }]);
    expect(rows.filter(({ array }) => array?.runningMax === 4)).toHaveLength(5);
  });

  it('knows the throttle of an array whose last task waits for it, which squeue shows without', () => {
    const running = ['30_0', '30_1', '31_0', '32_0'].map((id) => ({ ...RUNNING, id }));
    const { rows } = read(
      ...running,
      { id: '30_2', reason: 'JobArrayTaskLimit' },
      { id: '31_1', reason: 'Resources' },
      { id: '32_[1-3%4]', reason: 'JobArrayTaskLimit' },
    );
    const throttles = new Map(rows.map(({ job, array }) => [job, array?.runningMax]));
    expect([...throttles.values()]).toHaveLength(9);
    expect(['30_0', '30_1', '30_2'].map((job) => throttles.get(job))).toEqual([2, 2, 2]);
    expect(['31_0', '31_1'].map((job) => throttles.get(job))).toEqual([null, null]);
    expect(['32_0', '32_3'].map((job) => throttles.get(job))).toEqual([4, 4]);
  });

  it('reads starts that are waited for, and lists of which one dependency is enough', () => {
    const { rows } = read(
      RUNNING,
      { id: '30_[1-2]', dependency: '(null)' },
      { id: '50', dependency: 'after:9+3(unfulfilled),afterok:30_1(unfulfilled)' },
      { id: '51', dependency: 'afterok:5(failed)?afterany:9(unfulfilled)?afterok:30_*(unfulfilled)' },
      { id: '52', dependency: 'afternotok:30_*(unfulfilled)' },
    );
    const of = (name: string) => rows.find(({ job }) => job === name);
    expect(of('50')?.after).toEqual([
      { condition: 'after', job: '9', delayMs: 180_000 },
      { condition: 'afterok', job: '30_1' },
    ]);
    expect(of('50')?.isAnyEnough).toBeUndefined();
    expect(of('51')).toMatchObject({
      isAnyEnough: true,
      after: [
        { condition: 'afterany', job: '9' },
        { condition: 'afterok', job: '30' },
      ],
    });
    expect(of('52')?.after).toEqual([{ condition: 'afternotok', job: '30' }]);
  });

  it('says what it reads differently or not at all', () => {
    const { rows, notes } = read(
      RUNNING,
      { id: '40', dependency: 'singleton' },
      { id: '41', partition: 'train,debug' },
      { id: '42', state: 'COMPLETED' },
      { id: '43', limit: 'UNLIMITED' },
    );
    expect(Object.fromEntries(notes)).toEqual({
      'dependencies of kind singleton: left out': 1,
      'jobs of state COMPLETED': 1,
    });
    expect(rows.map(({ job }) => job)).toEqual(['9', '40', '41', '43']);
    expect(rows.find(({ job }) => job === '43')?.limitMs).toBeNull();
    expect(rows.find(({ job }) => job === '41')?.partition).toBe('train,debug');
  });
});
