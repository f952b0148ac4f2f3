import { describe, expect, it } from 'vitest';
import type { NodeView } from '../../../scheduler/types.ts';
import type { BackendReservation } from '../../port.ts';
import { blockedSentences, type Blockers, parseLicenses } from './blocked-words.ts';
import { NOW, slurm } from '../mirror/mirror.test-support.ts';
import type { SlurmPartition } from '../output/scontrol-text.ts';
import type { SlurmJob } from '../output/slurm-job.ts';

const MINUTE = 60_000;
const partition: SlurmPartition = {
  name: 'main',
  isDefault: true,
  isUp: true,
  nodeNames: ['n1', 'n2', 'n3'],
  priorityTier: 1,
  maxTimeSeconds: 86_400,
  defaultTimeSeconds: null,
  maxNodes: 2,
};
const node = (name: string, state: NodeView['state'], reason: string | null): Blockers['nodes'][number] => ({
  spec: { name, resources: { cpus: 1, memoryBytes: 1, gpus: 0 }, gpuType: null, leaf: null },
  state,
  reason,
});
const nodes = [node('n1', 'idle', null), node('n2', 'drained', 'psu swap'), node('n3', 'down', null)];
const window = (fields: Partial<BackendReservation>): BackendReservation => ({
  name: 'win',
  nodes: ['n1', 'n2', 'x9'],
  startMs: NOW + 30 * MINUTE,
  endMs: NOW + 90 * MINUTE,
  users: [],
  accounts: [],
  flags: ['MAINT'],
  ...fields,
});
const tell = (fields: Partial<SlurmJob>, known: Partial<Blockers> = {}) =>
  blockedSentences(slurm({ timeLimitMs: 120 * MINUTE, ...fields }), {
    partitions: [partition],
    nodes,
    reservations: [],
    licenses: new Map(),
    nowMs: NOW,
    ...known,
  });

describe('what a pending job waits for, by name', () => {
  it('is the accounts and the QOS that its partition takes, where it is of others', () => {
    const own = { account: 'research', qos: 'low' };
    const takes = (rules: Partial<SlurmPartition>) => ({ partitions: [{ ...partition, ...rules }] });
    expect(tell({ reason: 'AccountNotAllowed', ...own }, takes({ allowAccounts: ['vip', 'ops'] }))).toEqual([
      'It is of account research, and partition main takes vip, ops only. It never starts like this: cancel it and submit it with another --account, or to another partition.',
    ]);
    expect(tell({ reason: 'QOSNotAllowed', ...own }, takes({ denyQos: ['low'] }))).toEqual([
      'It is of QOS low, and partition main does not take low. It never starts like this: cancel it and submit it with another --qos, or to another partition.',
    ]);
    expect(tell({ reason: 'AccountNotAllowed', ...own })).toBeNull();
  });

  it('is the nodes that are out, and why', () => {
    const reasonDetail = 'ReqNodeNotAvail, UnavailableNodes:n[2-3]';
    expect(tell({ reason: 'ReqNodeNotAvail', reasonDetail })).toEqual([
      'Nodes that it could have are out of service: n2 (drained: psu swap), n3 (down).',
    ]);
    expect(tell({ reason: 'ReqNodeNotAvail', reasonDetail, requiredNodes: 'n2' })).toEqual([
      'It names nodes that are out of service: n2 (drained: psu swap).',
    ]);
  });

  it('is jobs that come before it, where Slurm calls nodes unavailable that are all in service', () => {
    const nodes = ['n1', 'n2', 'n3'].map((name) => node(name, 'allocated', null));
    expect(tell({ reason: 'ReqNodeNotAvail', nodeCount: 1 }, { nodes })).toEqual([
      'Jobs that come before it, also of other partitions, have the nodes it needs, or get them next: none is out of service.',
    ]);
    expect(tell({ reason: 'ReqNodeNotAvail', nodeCount: 1 })).toBeNull();
    expect(tell({ reason: 'ReqNodeNotAvail', nodeCount: 1 }, { nodes: [] })).toBeNull();
  });

  it('is nodes that come back, where fewer than it asks for are in service: none that come free let it start', () => {
    expect(tell({ reason: 'Resources', nodeCount: 1 })).toBeNull();
    expect(tell({ reason: 'Resources', nodeCount: 3 })).toEqual([
      'It asks for 3 nodes, and only 1 of 3 in partition main is in service. Out are n2 (drained: psu swap), n3 (down).',
    ]);
    const wide = { ...partition, name: 'wide', nodeNames: ['n1', 'n4', 'n5', 'n6'] };
    const more = [...nodes, node('n4', 'mixed', null), node('n5', 'idle', null), node('n6', 'idle', null)];
    const both = { partitions: [partition, wide], nodes: more };
    expect(tell({ reason: 'Resources', nodeCount: 3, partition: 'main,wide' }, both)).toBeNull();
    // So it is called while nodes are rebooted: `ReqNodeNotAvail, May be reserved for other job`.
    expect(tell({ reason: 'ReqNodeNotAvail', nodeCount: 3 })?.[0]).toMatch(/^It asks for 3 nodes, and only 1 of 3 /);
    // Of nodes that Slurm does not show nothing is known.
    expect(tell({ reason: 'Resources', nodeCount: 3 }, { nodes: [] })).toBeNull();
    expect(tell({ reason: 'Resources', nodeCount: 4 }, { nodes: [node('n1', 'idle', null)] })).toBeNull();
  });

  it('is a maintenance window that its time limit reaches into, and which limit does not', () => {
    const maintenance = { reason: 'ReqNodeNotAvail', reasonDetail: 'ReqNodeNotAvail, Reserved for maintenance' };
    expect(tell(maintenance, { reservations: [window({})] })).toEqual([
      'Its time limit reaches into reservation win (maintenance), which begins in 00:30:00 on 2 of 3 nodes of its partition. With a time limit of 00:29:00 or less it can end before that: scontrol update JobId=50 TimeLimit= lowers it.',
    ]);
    expect(tell({ ...maintenance, timeLimitMs: null }, { reservations: [window({})] })).toHaveLength(1);
    expect(tell(maintenance, { reservations: [window({ startMs: NOW - MINUTE, flags: [] })] })).toEqual([
      'Reservation win has 2 of 3 nodes of its partition for another 01:30:00.',
    ]);
    const elsewhere = [window({ nodes: ['x9'] }), window({ startMs: NOW + 121 * MINUTE }), window({ endMs: NOW })];
    expect(tell({ ...maintenance, nodeCount: 1 }, { reservations: elsewhere })).toBeNull();
  });

  it('is its own reservation', () => {
    const job = { reason: 'Reservation', reservation: 'win' };
    expect(tell(job, { reservations: [window({})] })).toEqual(['Its reservation win begins in 00:30:00.']);
    expect(tell(job)).toBeNull();
  });

  it('is licenses, of which so many are in use', () => {
    const licenses = parseLicenses('LicenseName=matlab Total=4 Used=3 Free=1 Reserved=0 Remote=no\nNo licenses\n');
    expect(tell({ reason: 'Licenses', licenses: 'matlab:2,other' }, { licenses })).toEqual([
      'It waits for licenses: 2 of matlab, of which 3 of 4 are in use.',
    ]);
    expect(tell({ reason: 'Licenses', licenses: 'matlab:2' })).toBeNull();
  });

  it('is a time that somebody set with scontrol, and not one that Slurm sets when it puts a job back', () => {
    const job = { reason: 'BeginTime', eligibleMs: NOW + 180 * MINUTE };
    expect(tell(job)?.[0]).toMatch(/^Slurm is told not to begin it for another 03:00:00: .*JobId=50 StartTime=now/);
    expect(tell({ ...job, restarts: 1 })).toBeNull();
    expect(tell({ ...job, eligibleMs: NOW })).toBeNull();
  });

  it('is a partition that is closed, or that gives one job fewer nodes', () => {
    expect(tell({ reason: 'PartitionDown' })?.[0]).toMatch(/^Partition main starts no jobs now/);
    expect(tell({ reason: 'PartitionNodeLimit', nodeCount: 3 })).toEqual([
      'It asks for 3 nodes: partition main gives one job 2 at most. It never starts like this.',
    ]);
  });
});
