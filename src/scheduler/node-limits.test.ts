import { describe, expect, it } from 'vitest';
import { PLAIN_CADENCE } from './cadence.test-support.ts';
import { ConservativePasses } from './conservative.ts';
import { gangRequest } from './job-request.test-support.ts';
import type { JobRecord } from './job-record.ts';
import { Ledger } from './ledger.ts';
import { holdNodes } from './placement.ts';
import { completePolicy } from './policy.ts';

/** Two nodes of 8 GPUs, where a user may have one, and what passes start and plan after ann's job on a node of hers. */
class Cluster {
  readonly #policy = completePolicy({
    backfillType: 'conservative',
    cadence: PLAIN_CADENCE,
    qos: [{ name: 'normal', perUser: { nodes: 1 } }],
  });
  readonly #ledger = new Ledger(this.#policy);
  readonly #passes = new ConservativePasses(this.#ledger, this.#policy, () => true);
  readonly planned = new Map<number, number | null>();

  constructor(annsNode: number, annsGpus: number) {
    for (let index = 0; index < 2; index++) {
      const resources = { cpus: 64, memoryBytes: 0, gpus: 8 };
      this.#ledger.pool.add({ name: `n${index}`, resources, gpuType: null, leaf: null });
    }
    this.#start(this.submit(1, 'ann', annsGpus), [annsNode]);
    this.#passes.onPlanned = (job, startMs) => this.planned.set(job.request.jobId, startMs);
  }

  submit(jobId: number, user: string, gpus: number): JobRecord {
    return this.#ledger.submit(gangRequest(jobId, 1, gpus, { user, priority: 10 - jobId }), 0, 0);
  }

  main(): number[] {
    const started: number[] = [];
    this.#passes.main(1000, true, (job, nodeIndices) => {
      this.#start(job, nodeIndices);
      started.push(job.request.jobId);
    });
    return started;
  }

  backfill(): number[] {
    const started: number[] = [];
    this.#passes.beginBackfill(1000);
    this.#passes.resume(
      1000,
      () => false,
      (job, nodeIndices) => {
        this.#start(job, nodeIndices);
        started.push(job.request.jobId);
      },
    );
    return started;
  }

  #start(job: JobRecord, nodeIndices: readonly number[]): void {
    this.#ledger.start(job, 1, holdNodes(this.#ledger.pool, job, nodeIndices), 0);
  }
}

describe.each(['main', 'backfill'] as const)('the %s scheduler, where a user may have one node', (pass) => {
  it('starts a job on a node that the user has already', () => {
    const cluster = new Cluster(0, 4);
    cluster.submit(2, 'ann', 4);
    expect(cluster[pass]()).toEqual([2]);
  });

  it('starts none on another, though it has chosen that by itself, and nobody waits for it', () => {
    const cluster = new Cluster(1, 4);
    cluster.submit(2, 'ann', 4);
    cluster.submit(3, 'bob', 4);
    expect(cluster[pass]()).toEqual([3]);
  });
});

it('backfill reserves nothing for a job that the limit holds up', () => {
  const cluster = new Cluster(0, 8);
  cluster.submit(2, 'bob', 8);
  cluster.submit(3, 'bob', 8);
  cluster.submit(4, 'cat', 8);
  expect(cluster.backfill()).toEqual([2]);
  // Job 4 has to wait for both ends, of one batch; job 3 would as well, but bob has a node already.
  expect([cluster.planned.get(3), cluster.planned.get(4)]).toEqual([null, 61_000]);
});
