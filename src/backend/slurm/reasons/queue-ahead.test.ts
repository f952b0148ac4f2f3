import { describe, expect, it } from 'vitest';
import { aheadSentences, type QueuedJob } from './queue-ahead.ts';
import type { SlurmPartition } from '../output/scontrol-text.ts';

const NOW = 1_000_000;

function waits(slurmJobId: number, fields: Partial<QueuedJob> = {}): QueuedJob {
  return {
    slurmJobId,
    tasks: 1,
    user: 'ann',
    partitions: ['gpu'],
    isRunning: false,
    reason: 'Priority',
    priority: 100,
    nodeCount: 2,
    nodeList: '',
    endMs: null,
    ...fields,
  };
}

const runs = (slurmJobId: number, fields: Partial<QueuedJob>) => waits(slurmJobId, { isRunning: true, ...fields });

function partition(name: string, nodeNames: string[], priorityTier = 1): SlurmPartition {
  return {
    name,
    isDefault: false,
    isUp: true,
    nodeNames,
    priorityTier,
    maxTimeSeconds: null,
    defaultTimeSeconds: null,
  };
}

const PARTITIONS = [
  partition('gpu', ['n1', 'n2', 'n3']),
  partition('urgent', ['n3', 'n4'], 10),
  partition('spare', ['n3'], 0),
  partition('apart', ['n9'], 20),
];
const ahead = (queue: readonly QueuedJob[], id = 50) =>
  aheadSentences(id, [waits(50, { user: 'me' }), ...queue], PARTITIONS, NOW);

describe('what is ahead of a pending job', () => {
  it('is nothing where it is first', () => {
    expect(ahead([waits(51), waits(7, { priority: 99 }), waits(8, { priority: 0 })])).toEqual([]);
    expect(ahead([], 77)).toEqual([]);
  });

  it('are those of a higher priority, and of the same one with a lower number, first come first', () => {
    expect(ahead([waits(49), waits(90, { priority: 101, user: 'bob', nodeCount: 1, reason: 'Resources' })])).toEqual([
      'Ahead of it: 2 jobs for 3 nodes: 90 (bob, 1 node), 49 (ann, 2 nodes).',
    ]);
  });

  it('counts the tasks of an array, and names no more than three', () => {
    const queue = [41, 42, 43, 44].map((id) => waits(id));
    expect(ahead([...queue, waits(40, { tasks: 5 })])).toEqual([
      'Ahead of it: 9 jobs for 18 nodes: 40 (ann, 5 times 2 nodes), 41 (ann, 2 nodes), 42 (ann, 2 nodes) and 2 more.',
    ]);
  });

  it('goes by the tier of partitions that share its nodes, and leaves out the others', () => {
    const queue = [
      waits(91, { partitions: ['urgent'], priority: 1 }),
      waits(2, { partitions: ['spare'], priority: 1000 }),
      waits(3, { partitions: ['apart'], priority: 1000 }),
      waits(4, { partitions: ['spare', 'urgent'], priority: 2 }),
    ];
    expect(ahead(queue)).toEqual(['Ahead of it: 2 jobs for 4 nodes: 4 (ann, 2 nodes), 91 (ann, 2 nodes).']);
  });

  it('tells those apart that would not start though they had nodes', () => {
    expect(ahead([waits(1, { reason: 'Dependency' })])).toEqual([
      '1 job has a higher priority and waits for something else than nodes.',
    ]);
    expect(
      ahead([waits(1), waits(2, { reason: 'QOSMaxJobsPerUserLimit' }), waits(3, { reason: 'BeginTime' })]),
    ).toEqual([
      'Ahead of it: 1 job for 2 nodes: 1 (ann, 2 nodes).',
      '2 other jobs have a higher priority and wait for something else than nodes.',
    ]);
  });

  it('says what runs there and whose time limit is the first', () => {
    const queue = [
      runs(1, { nodeList: 'n[1-2]', endMs: NOW + 7_200_000 }),
      runs(2, { nodeList: 'n2', endMs: NOW + 600_000, partitions: ['urgent'] }),
      runs(3, { nodeList: 'n9', endMs: NOW + 1000, partitions: ['apart'] }),
    ];
    expect(ahead(queue)).toEqual(['2 jobs run there, on 2 nodes; the first of their time limits is in 00:10:00.']);
    expect(ahead([runs(1, { nodeList: 'n1' })])).toEqual(['1 job runs there, on 1 node.']);
  });
});
