import { expect, it } from 'vitest';
import { billingRate } from './billing.ts';
import { gangRequest } from './job-request.test-support.ts';
import { completePolicy } from './policy.ts';
import { createScheduler } from './scheduler.ts';

const MEBI = 1024 ** 2;
const MIX = { name: 'mix', billingWeights: { cpu: 1, gpu: 5, gibibyte: 1.5 } };
const NODE = { name: 'node', billingWeights: { cpu: 1, gpu: 0, node: 7 } };

/** Of a job with so much on each of its nodes, as `scontrol show job` shows it: cut to an integer. */
function billingOf(
  partition: typeof MIX | typeof NODE,
  isMostBilled: boolean,
  nodes: number,
  cpus: number,
  mebi: number,
  gpus = 0,
) {
  const policy = completePolicy({ priority: { isMostBilled } });
  return Math.floor(nodes * billingRate(policy, partition, { cpus, memoryBytes: mebi * MEBI, gpus }));
}

/** What a controller of Slurm 22.05 billed for such jobs (`billing=` of `scontrol show job`). */
it('is the sum of what a job has, or what weighs most', () => {
  const jobs: [typeof MIX | typeof NODE, number, number, number][] = [
    [MIX, 1, 3, 1500],
    [MIX, 2, 2, 1024],
    [NODE, 1, 3, 1500],
    [NODE, 2, 2, 1024],
  ];
  expect(jobs.map(([partition, nodes, cpus, mebi]) => billingOf(partition, false, nodes, cpus, mebi))).toEqual([
    5, 7, 10, 18,
  ]);
  expect(jobs.map(([partition, nodes, cpus, mebi]) => billingOf(partition, true, nodes, cpus, mebi))).toEqual([
    3, 4, 7, 14,
  ]);
  expect([false, true].map((isMost) => billingOf(MIX, isMost, 1, 1, 700, 2))).toEqual([12, 10]);
});

it('is of all CPUs and GPUs of whole nodes, and of the memory that was asked for', () => {
  const weights = { age: 0, fairshare: 1000, jobSize: 0, partition: 0, qos: 0 };
  const scheduler = createScheduler({
    priority: { type: 'multifactor', weights, calcPeriodSeconds: 1 },
    partitions: [MIX],
  });
  const resources = { cpus: 16, memoryBytes: 8035 * MEBI, gpus: 4 };
  scheduler.apply({ kind: 'NodeAdded', atMs: 0, node: { name: 'n1', resources, gpuType: null, leaf: null } });
  const perNode = { cpus: 3, memoryBytes: 1500 * MEBI, gpus: 0 };
  const job = gangRequest(1, 1, 0, { perNode, exclusive: true, partition: 'mix' });
  scheduler.apply({ kind: 'JobSubmitted', atMs: 0, job });
  scheduler.decide(0);
  scheduler.apply({ kind: 'AttemptStarted', atMs: 0, jobId: 1, attempt: 1 });
  scheduler.decide(1000);
  expect(Math.floor(scheduler.shares()[0]?.billingSeconds ?? 0)).toBe(38);
});
