import { describe, expect, it } from 'vitest';
import { PLAIN_CADENCE } from './cadence.test-support.ts';
import { ConservativePasses } from './conservative.ts';
import { GpuWeights } from './gpu-weights.ts';
import type { JobRecord } from './job-record.ts';
import { gangRequest } from './job-request.test-support.ts';
import { Ledger } from './ledger.ts';
import { NodeMask } from './node-mask.ts';
import { holdNodes } from './placement.ts';
import { completePolicy } from './policy.ts';

/** Four nodes with GPUs on one leaf switch, two without on another. */
const GPUS = [8, 8, 8, 8, 0, 0];
const CPUS = 64;

function world(): Ledger {
  const ledger = new Ledger(completePolicy({ backfillType: 'conservative', cadence: PLAIN_CADENCE }));
  for (const [index, gpus] of GPUS.entries()) {
    const resources = { cpus: CPUS, memoryBytes: 0, gpus };
    ledger.pool.add({ name: `n${index}`, resources, gpuType: null, leaf: gpus > 0 ? 'a' : 'b' });
  }
  return ledger;
}

/** Nodes that backfill plans for jobs of a whole node's CPUs and so many GPUs, in their turn, while all nodes are busy until the same instant. */
function planned(...gpus: readonly number[]): Record<number, string> {
  return plannedOf(gpus, (jobs) => jobs);
}

/** `arrivals`: in which order they come to the front of the queue. */
function plannedOf(
  gpus: readonly number[],
  arrivals: (jobs: readonly JobRecord[]) => readonly JobRecord[],
): Record<number, string> {
  const ledger = world();
  const full = { cpus: CPUS, memoryBytes: 0, gpus: 0 };
  const busy = ledger.submit(gangRequest(100, 6, 0, { perNode: full, timeLimitMs: 600_000 }), 0, 0);
  ledger.start(busy, 1, holdNodes(ledger.pool, busy, [0, 1, 2, 3, 4, 5]), 0);
  const passes = new ConservativePasses(ledger, ledger.policy, () => true);
  const jobs = gpus.map((count, place) => {
    const request = { perNode: { ...full, gpus: count }, priority: 10 - place };
    return ledger.submit(gangRequest(place + 1, 1, count, request), 0, 0);
  });
  for (const job of arrivals(jobs)) passes.arrived(job);
  const nodes: Record<number, string> = {};
  passes.onPlanned = (job, _startMs, nodeIndices) => (nodes[job.request.jobId] = nodeIndices.join());
  passes.beginBackfill(1000);
  passes.resume(
    1000,
    () => false,
    () => {},
  );
  return nodes;
}

describe('weights by GPUs', () => {
  it('lead backfill to plan a job without GPUs where it has just looked for a job with some', () => {
    // The leaf with fewer nodes, where no job with GPUs comes first.
    expect(planned(0)).toEqual({ 1: '4' });
    expect(planned(4, 0)).toEqual({ 1: '0', 2: '1' });
    // A submission is such a look as well.
    expect(planned(0, 4)).toEqual({ 1: '0', 2: '1' });
  });

  it('are of a submission, and not of each time at which the queue is put in order anew', () => {
    const submitted = (jobs: readonly JobRecord[]) =>
      [...jobs].sort((a, b) => a.request.perNode.gpus - b.request.perNode.gpus);
    expect(plannedOf([0, 4, 0], submitted)[1]).toBe('0');
    expect(plannedOf([0, 4, 0], (jobs) => [...submitted(jobs), ...jobs])[1]).toBe('0');
  });

  it('are of the last look, and forgotten one by one', () => {
    const { pool } = world();
    const weights = new GpuWeights(pool);
    const maskOf = (...indices: number[]) => {
      const mask = new NodeMask(GPUS.length);
      for (const index of indices) mask.add(index);
      return mask;
    };
    const order = () => [...(weights.weightOf ?? [])].map((weight) => Math.max(...(weights.weightOf ?? [])) - weight);
    expect(weights.weightOf).toBeNull();
    weights.note(maskOf(0, 1, 2), 4);
    weights.note(maskOf(1), 1);
    expect(order()).toEqual([4, 1, 4, 0, 0, 0]);
    weights.forget(maskOf(0, 1, 5));
    expect(order()).toEqual([0, 0, 4, 0, 0, 0]);
    // One that comes weighs what it weighs.
    pool.add({ name: 'n6', resources: { cpus: CPUS, memoryBytes: 0, gpus: 0 }, gpuType: null, leaf: 'b' });
    expect(order()).toEqual([0, 0, 4, 0, 0, 0, 0]);
    weights.forget(maskOf(2));
    expect(weights.weightOf).toBeNull();
  });
});
