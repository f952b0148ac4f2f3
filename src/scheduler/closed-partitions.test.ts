import { expect, it } from 'vitest';
import { PLAIN_CADENCE } from './cadence.test-support.ts';
import { ConservativePasses } from './conservative.ts';
import { gangRequest } from './job-request.test-support.ts';
import { Ledger } from './ledger.ts';
import { holdNodes } from './placement.ts';
import { completePolicy, type SchedulerOptions } from './policy.ts';

/** Nodes 0 and 1 have GPUs and are in both partitions; the other two are in `any` alone. */
const PARTITIONS = [{ name: 'left', nodes: ['n0', 'n1'] }, { name: 'any' }];
const GPUS = [8, 8, 0, 0];

/** Of jobs by their turns those that the main scheduler starts, while a job holds all GPUs of `left`. */
function startedOf(...asked: readonly Asked[]): number[] {
  return startedUnder({}, asked);
}

type Asked = readonly [partition: string, nodes: number, gpus: number];

function startedUnder(options: SchedulerOptions, asked: readonly Asked[]): number[] {
  const passes = { backfillType: 'conservative', cadence: PLAIN_CADENCE, partitions: PARTITIONS } as const;
  const policy = completePolicy({ ...passes, ...options });
  const ledger = new Ledger(policy);
  for (const [index, gpus] of GPUS.entries())
    ledger.pool.add({ name: `n${index}`, resources: { cpus: 64, memoryBytes: 0, gpus }, gpuType: null, leaf: null });
  const before = ledger.submit(gangRequest(100, 2, 8, { partition: 'left' }), 0, 0);
  ledger.start(before, 1, holdNodes(ledger.pool, before, [0, 1]), 0);
  for (const [place, [partition, nodes, gpus]] of asked.entries())
    ledger.submit(gangRequest(place + 1, nodes, gpus, { partition, priority: 10 - place }), 0, 0);
  const started: number[] = [];
  new ConservativePasses(ledger, policy, () => true).main(1000, true, (job, nodeIndices) => {
    ledger.start(job, 1, holdNodes(ledger.pool, job, nodeIndices), 1000);
    started.push(job.request.jobId);
  });
  return started;
}

it('closes a partition after the first of its jobs that does not fit, and the nodes that it shares with others', () => {
  expect(startedOf(['left', 1, 1], ['left', 1, 0], ['any', 2, 0])).toEqual([3]);
  expect(startedOf(['left', 1, 1], ['any', 3, 0], ['any', 1, 0])).toEqual([]);
});

it('does not close one after a job for which the nodes that are left open are the wrong ones', () => {
  // Slurm says of it that its nodes are not available, not that they are busy.
  expect(startedOf(['left', 1, 1], ['any', 1, 1], ['any', 2, 0])).toEqual([3]);
  expect(startedOf(['any', 1, 1], ['any', 1, 0])).toEqual([]);
});

it('goes on in other partitions without backfill as well, past more than one job', () => {
  const asked: Asked[] = [
    ['left', 1, 1],
    ['any', 1, 0],
    ['any', 1, 0],
  ];
  expect(startedUnder({ schedulerType: 'builtin' }, asked)).toEqual([2, 3]);
});
