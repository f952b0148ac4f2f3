import { describe, expect, it } from 'vitest';
import { PLAIN_CADENCE } from './cadence.test-support.ts';
import { ConservativePasses } from './conservative.ts';
import type { DecisionSink } from './core-types.ts';
import { gangRequest } from './job-request.test-support.ts';
import type { JobRecord } from './job-record.ts';
import { Ledger } from './ledger.ts';
import { NodeMask } from './node-mask.ts';
import { holdNodes } from './placement.ts';
import { completePolicy } from './policy.ts';
import { Preemption } from './preempting.ts';

const SECOND = 1000;
const GPUS = 8;

interface Shape {
  nodes?: number;
  gpus?: number;
  qos?: 'low' | 'high';
  limitSeconds?: number;
}

/** A scheduler at second 0, of whose passes nothing but the decisions is seen. QOS `high` preempts `low`. */
class Cluster {
  readonly ledger: Ledger;
  readonly passes: ConservativePasses;
  readonly preemption: Preemption;
  /** By job: those that it preempted, and what backfill planned for it. */
  readonly victims = new Map<number, number[]>();
  readonly planned = new Map<number, { startMs: number | null; nodes: readonly number[] }>();
  readonly started: number[] = [];
  readonly #usable: NodeMask;

  constructor(nodeCount: number, { resolutionSeconds = 1, originSeconds = 0 } = {}) {
    const policy = completePolicy({
      backfillType: 'conservative',
      bfResolutionSeconds: resolutionSeconds,
      cadence: { ...PLAIN_CADENCE, originSeconds },
      requeueDelaySeconds: 121,
      preempt: { type: 'qos', mode: 'requeue', exemptSeconds: 0, isYoungestFirst: false },
      qos: [{ name: 'low' }, { name: 'high', preempts: ['low'] }],
    });
    this.ledger = new Ledger(policy);
    this.#usable = new NodeMask(nodeCount);
    for (let index = 0; index < nodeCount; index++) {
      const resources = { cpus: 64, memoryBytes: 0, gpus: GPUS };
      this.#usable.add(this.ledger.pool.add({ name: `n${index}`, resources, gpuType: null, leaf: null }));
    }
    this.preemption = new Preemption(this.ledger, policy, () => true);
    const sink: DecisionSink = { startAttempt() {}, endAttempt() {}, requeueJob() {}, endJob() {} };
    this.passes = new ConservativePasses(this.ledger, policy, () => true);
    this.passes.onPlanned = (job, startMs, nodes) => this.planned.set(job.request.jobId, { startMs, nodes });
    this.passes.preempt = {
      candidates: (job, nowMs) => this.preemption.candidates(job, nowMs),
      makeRoom: (job, usable, nowMs) => {
        const victims = this.preemption.makeRoom(job, usable, nowMs, sink);
        if (victims.length > 0)
          this.victims.set(
            job.request.jobId,
            victims.map((victim) => victim.jobId),
          );
        return victims;
      },
    };
  }

  /** All nodes in service. */
  get usable(): NodeMask {
    return this.#usable.copy();
  }

  submit(jobId: number, { nodes = 1, gpus = GPUS, qos = 'low', limitSeconds = 600 }: Shape): JobRecord {
    const fields = { priority: 1000 - jobId, timeLimitMs: limitSeconds * SECOND, maxRequeues: 3, qos };
    return this.ledger.submit(gangRequest(jobId, nodes, gpus, fields), 0, 0);
  }

  run(jobId: number, nodeIndices: readonly number[], shape: Shape = {}): JobRecord {
    const job = this.submit(jobId, { ...shape, nodes: nodeIndices.length });
    this.#start(job, nodeIndices);
    return job;
  }

  main(nowMs = 0): void {
    this.passes.main(nowMs, true, (job, nodeIndices) => this.#start(job, nodeIndices));
  }

  backfill(nowMs = 0): void {
    this.passes.beginBackfill(nowMs);
    this.passes.resume(
      nowMs,
      () => false,
      (job, nodeIndices) => this.#start(job, nodeIndices),
    );
  }

  #start(job: JobRecord, nodeIndices: readonly number[]): void {
    this.ledger.start(job, job.attempt + 1, holdNodes(this.ledger.pool, job, nodeIndices), 0);
    this.started.push(job.request.jobId);
  }
}

describe('preemption in a pass', () => {
  it('does not count on nodes that are still being cleaned up', () => {
    const cluster = new Cluster(5);
    cluster.run(1, [4], { gpus: 4 });
    cluster.run(2, [0]);
    cluster.run(3, [1]);
    cluster.run(4, [2, 3]);
    cluster.submit(10, { qos: 'high' });
    cluster.submit(11, { nodes: 2, gpus: 4, qos: 'high' });
    cluster.backfill();
    // Job 10 keeps node 0 and preempts job 1 on node 4. With what is free on that node job 11 would need job 3 alone.
    expect(cluster.planned.get(10)).toEqual({ startMs: 0, nodes: [0] });
    expect(cluster.victims).toEqual(
      new Map([
        [10, [1]],
        [11, [4]],
      ]),
    );
  });

  it('waits where the job would have such a node', () => {
    const cluster = new Cluster(4);
    cluster.run(1, [2]);
    cluster.run(2, [0]);
    cluster.run(3, [1, 3]);
    cluster.submit(10, { qos: 'high' });
    cluster.submit(11, { nodes: 2, qos: 'high' });
    cluster.backfill();
    expect(cluster.victims).toEqual(new Map([[10, [1]]]));
    expect(cluster.planned.get(11)).toEqual({ startMs: SECOND, nodes: [1, 2] });
  });

  it('takes place once in forty seconds for the same job, whoever got the nodes', () => {
    const cluster = new Cluster(2);
    const first = cluster.run(1, [0]);
    cluster.run(2, [1]);
    cluster.submit(10, { qos: 'high' });
    cluster.main();
    expect(cluster.victims).toEqual(new Map([[10, [1]]]));
    cluster.ledger.endAttempt(first, 'FAILED', 1, 500);
    cluster.run(11, [0], { qos: 'high' });
    cluster.victims.clear();
    cluster.main(39_999);
    expect(cluster.victims.size).toBe(0);
    cluster.main(40_000);
    expect(cluster.victims).toEqual(new Map([[10, [2]]]));
  });

  it('that does not suffice yet still leaves the job with the starts that it makes possible', () => {
    const cluster = new Cluster(2);
    cluster.run(1, [0], { limitSeconds: 600 });
    cluster.run(2, [1], { qos: 'high', limitSeconds: 590 });
    cluster.submit(10, { nodes: 2, qos: 'high' });
    cluster.backfill();
    expect(cluster.victims.size).toBe(0);
    expect(cluster.planned.get(10)).toEqual({ startMs: 590 * SECOND, nodes: [0, 1] });
  });

  it('has its victims wait from the second in which they ended', () => {
    const cluster = new Cluster(1);
    const victim = cluster.run(1, [0]);
    cluster.submit(10, { qos: 'high' });
    cluster.main();
    cluster.ledger.endAttempt(victim, 'FAILED', 1, 6655);
    expect(victim.eligibleMs).toBe(127_000);
  });
});

describe('a node on which somebody is being ended', () => {
  it('is given to nobody, whatever else is free there', () => {
    const cluster = new Cluster(1);
    const ending = cluster.run(1, [0], { gpus: 4 });
    cluster.submit(2, { gpus: 4 });
    cluster.ledger.markEnding(ending, 'CANCELLED');
    cluster.main();
    cluster.backfill();
    expect(cluster.started).toEqual([1]);
    expect(cluster.planned.get(2)).toEqual({ startMs: SECOND, nodes: [0] });
    cluster.ledger.endAttempt(ending, 'CANCELLED', 0, SECOND);
    cluster.main();
    expect(cluster.started).toEqual([1, 2]);
  });
});

describe('a job that backfill starts', () => {
  it('gets the nodes it would get if none were being cleaned up there', () => {
    const cluster = new Cluster(5);
    cluster.run(1, [2]);
    const ending = cluster.run(2, [4]);
    cluster.ledger.markEnding(ending, 'CANCELLED');
    cluster.submit(3, {});
    cluster.backfill();
    // Nodes 3 and 4 are a run as long as 0 and 1 are; node 3 alone is a shorter one.
    expect(cluster.planned.get(3)).toEqual({ startMs: 0, nodes: [3] });
  });
});

describe('slots of backfill', () => {
  it.each([
    // The reservation that begins at second 90 begins with the slot at 60, before job 3 could be over; by the other clock that slot is at 90.
    [0, [1]],
    [30, [1, 3]],
  ])('go by the full minutes of the clock, %d s past one at second 0', (originSeconds, started) => {
    const cluster = new Cluster(1, { resolutionSeconds: 60, originSeconds });
    cluster.run(1, [0], { gpus: 4, limitSeconds: 90 });
    cluster.submit(2, { limitSeconds: 60 });
    cluster.submit(3, { gpus: 4, limitSeconds: 61 });
    cluster.backfill();
    expect(cluster.planned.get(2)).toEqual({ startMs: 90 * SECOND, nodes: [0] });
    expect(cluster.started).toEqual(started);
  });
});
