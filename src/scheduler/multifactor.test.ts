import { describe, expect, it } from 'vitest';
import type { NodeSpec } from '../cluster/node.ts';
import { gangRequest } from './job-request.test-support.ts';
import { Multifactor, type PrioritizedJob } from './multifactor.ts';
import { completePolicy, type PriorityPolicy, type SchedulerOptions } from './policy.ts';
import { createScheduler } from './scheduler.ts';

function multifactor(priority: Partial<PriorityPolicy>, rest: SchedulerOptions = {}): Multifactor {
  const result = new Multifactor(completePolicy({ ...rest, priority: { type: 'multifactor', ...priority } }));
  result.setCluster(Array.from({ length: 64 }, (_, index) => nodeOf(`n${index}`, 32)));
  return result;
}

function job(rest: Partial<PrioritizedJob> = {}): PrioritizedJob {
  return {
    nodes: 1,
    cpus: 4,
    memoryBytes: 0,
    gpus: 0,
    limitMs: Infinity,
    qos: 'normal',
    partition: null,
    base: 0,
    ...rest,
  };
}

function nodeOf(name: string, cpus: number, gpus = 0): NodeSpec {
  return { name, resources: { cpus, memoryBytes: cpus * 1000, gpus }, gpuType: null, leaf: null };
}

const NO_WEIGHTS = { age: 0, fairshare: 0, jobSize: 0, partition: 0, qos: 0 };

describe('the factors', () => {
  it('of size are the mean share of nodes and CPUs, of nodes where no CPUs are asked for', () => {
    const half = job({ nodes: 32, cpus: 512 });
    expect(multifactor({}).sizeFactor(half)).toBe((0.5 + 0.25) / 2);
    expect(multifactor({}).sizeFactor(job({ nodes: 32, cpus: 0 }))).toBe(0.5);
    expect(multifactor({ isSmallFavored: true }).sizeFactor(half)).toBe(1 - (0.5 + 0.25) / 2);
    expect(multifactor({}).sizeFactor(job({ nodes: 1000, cpus: 1e6 }))).toBe(1);
  });

  it('of size relative to time are the larger share over the minutes of the limit', () => {
    const relative = multifactor({ isSizeRelativeToTime: true });
    expect(relative.sizeFactor(job({ nodes: 32, cpus: 512, limitMs: 240_000 }))).toBe(0.5 / 4);
    expect(relative.sizeFactor(job({ nodes: 1, cpus: 512, limitMs: 600_000 }))).toBe(0.25 / 10);
    expect(relative.sizeFactor(job({ nodes: 32, cpus: 512 }))).toBe(0);
    const small = multifactor({ isSizeRelativeToTime: true, isSmallFavored: true });
    expect(small.sizeFactor(job({ nodes: 32, cpus: 512, limitMs: 240_000 }))).toBe(1 - 0.5 / 4);
  });

  it('of size relative to time take a job that asks for no time for as long as its partition lets it run', () => {
    const weights = { ...NO_WEIGHTS, jobSize: 1000 };
    const scheduler = createScheduler({
      priority: { type: 'multifactor', isSizeRelativeToTime: true, weights },
      partitions: [
        { name: 'long', maxTimeSeconds: 600 },
        { name: 'short', maxTimeSeconds: 600, defaultTimeSeconds: 240 },
      ],
    });
    scheduler.apply({ kind: 'NodeAdded', atMs: 0, node: nodeOf('n1', 4) });
    const sizeIn = (jobId: number, partition: string, timeLimitMs: number | null) => {
      const request = gangRequest(jobId, 1, 0, {
        partition,
        timeLimitMs,
        perNode: { cpus: 2, memoryBytes: 0, gpus: 0 },
      });
      scheduler.apply({ kind: 'JobSubmitted', atMs: 0, job: { ...request, isHeld: true } });
      scheduler.decide(0);
      return scheduler.priorityOf(jobId)?.jobSize;
    };
    expect(sizeIn(1, 'long', null)).toBe(1000 / 10);
    expect(sizeIn(2, 'short', null)).toBe(1000 / 4);
    expect(sizeIn(3, 'long', 120_000)).toBe(1000 / 2);
  });

  it('of age rise from the instant of eligibility to the cap', () => {
    const factors = multifactor({ maxAgeSeconds: 100 });
    expect([0, 1000, 26_000, 101_000, 500_000].map((now) => factors.ageFactor(1000, now))).toEqual([0, 0, 0.25, 1, 1]);
  });

  it('of QOS and partition are relative to the largest', () => {
    const weights = { ...NO_WEIGHTS, qos: 1000, partition: 100 };
    const qos = [{ name: 'normal' }, { name: 'high', priority: 50 }, { name: 'top', priority: 200 }];
    const partitions = [
      { name: 'batch', priorityJobFactor: 5 },
      { name: 'debug', priorityJobFactor: 10 },
      { name: 'main', isDefault: true },
    ];
    const factors = multifactor({ weights }, { qos, partitions });
    const parts = (name: string, partition: string | null) => factors.staticPriority(job({ qos: name, partition }));
    expect([parts('normal', null), parts('high', 'debug'), parts('top', 'batch')]).toEqual([10, 350, 1050]);
    expect(parts('unknown', 'unknown')).toBe(0);
  });
});

describe('a priority', () => {
  const weights = { age: 1000, fairshare: 2000, jobSize: 500, partition: 0, qos: 0 };

  it('is the weighted sum, cut to an integer of at least 1', () => {
    const factors = multifactor({ weights, maxAgeSeconds: 1000 });
    const part = factors.staticPriority(job({ nodes: 32, cpus: 512 }));
    expect(factors.priorityOf(part, 0, 0.25, 333_300)).toBe(Math.floor(333.3 + 500 + 187.5));
    expect(factors.priorityOf(factors.staticPriority(job({ base: -5000 })), 0, 0, 0)).toBe(1);
    expect(factors.priorityOf(factors.staticPriority(job({ base: 1e12 })), 0, 0, 0)).toBe(0xffff_ffff);
  });

  it('is the job’s own where it is basic', () => {
    const factors = multifactor({ type: 'basic', weights });
    const part = factors.staticPriority(job({ nodes: 64, base: -7 }));
    expect(factors.priorityOf(part, 0, 1, 1e9)).toBe(-7);
  });

  it('of resources are what a job asks for over what its partition has, as sprio of Slurm 22.05 shows them', () => {
    // 4 nodes of 8 CPUs, 6,026 MiB and 4 GPUs; PriorityWeightTRES=CPU=1000,Mem=2000,GRES/gpu=4000,Node=500.
    const MEBI = 1024 ** 2;
    const tres = { cpu: 1000, memory: 2000, gpu: 4000, node: 500 };
    const partitions = [
      { name: 'main', isDefault: true },
      { name: 'half', nodes: ['s1', 's2'] },
    ];
    const policy = { partitions, priority: { type: 'multifactor', weights: { ...NO_WEIGHTS, tres } } } as const;
    const factors = new Multifactor(completePolicy(policy));
    const resources = { cpus: 8, memoryBytes: 6026 * MEBI, gpus: 4 };
    factors.setCluster(['s1', 's2', 's3', 's4'].map((name) => ({ name, resources, gpuType: null, leaf: null })));
    const of = (fields: Partial<PrioritizedJob>) => factors.priorityOf(factors.staticPriority(job(fields)), 0, 0, 0);
    expect(of({ cpus: 1, memoryBytes: 128 * MEBI })).toBe(166);
    expect(of({ cpus: 4, memoryBytes: 100 * MEBI })).toBe(258);
    expect(of({ nodes: 2, cpus: 2, memoryBytes: 256 * MEBI, gpus: 4 })).toBe(1333);
    expect(of({ cpus: 2, memoryBytes: 64 * MEBI, partition: 'half' })).toBe(385);
    expect(of({ cpus: 1, memoryBytes: 6026 * MEBI })).toBe(656);
    expect(factors.parts(job({ cpus: 4 }), 0, 0, 0)?.tres).toBe(250);
    // Without weights nothing is counted.
    expect(multifactor({ weights: NO_WEIGHTS }).staticPriority(job({ cpus: 8 }))).toBe(0);
  });
});
