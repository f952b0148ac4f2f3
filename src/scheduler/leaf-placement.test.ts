import { describe, expect, it } from 'vitest';
import { FreeSpace, placeInRuns } from './free-space.ts';
import { gangRequest } from './job-request.test-support.ts';
import { Ledger } from './ledger.ts';
import { NodeMask } from './node-mask.ts';
import { holdNodes } from './placement.ts';
import { completePolicy } from './policy.ts';

const LEAVES = { one: 4, two: 3, three: 4 };

/** Nodes 0 to 3, 4 to 6 and 7 to 10 below a leaf each; `busy` are taken. */
function place(nodes: number, gpus: number, busy: readonly number[] = []): number[] | null {
  const ledger = new Ledger(completePolicy({ backfillType: 'conservative' }));
  for (const [leaf, count] of Object.entries(LEAVES)) {
    for (let index = 0; index < count; index += 1) {
      const resources = { cpus: 64, memoryBytes: 1e9, gpus: 8 };
      ledger.pool.add({ name: `${leaf}${index}`, resources, gpuType: null, leaf });
    }
  }
  for (const [order, index] of busy.entries()) {
    const job = ledger.submit(gangRequest(order + 1, 1, 8), 0, 0);
    ledger.start(job, 1, holdNodes(ledger.pool, job, [index]), 0);
  }
  const usable = new NodeMask(ledger.pool.nodes.length);
  for (const node of ledger.pool.nodes) usable.add(node.index);
  const job = ledger.submit(gangRequest(100, nodes, gpus), 0, 0);
  return placeInRuns(new FreeSpace(ledger.pool), usable, job);
}

it('takes the leaf with the fewest nodes that suffice, the first of equals, from its lowest node on', () => {
  expect(place(1, 2)).toEqual([4]);
  expect(place(3, 8)).toEqual([4, 5, 6]);
  expect(place(4, 8)).toEqual([0, 1, 2, 3]);
  expect(place(1, 8, [0, 1, 7])).toEqual([2]);
  expect(place(2, 8, [4, 5, 8])).toEqual([7, 9]);
});

it('where none suffices, takes the largest whole, and then the tightest for what is left', () => {
  expect(place(5, 8)).toEqual([0, 1, 2, 3, 4]);
  expect(place(6, 8, [0, 8, 9])).toEqual([1, 2, 3, 4, 5, 6]);
  expect(place(11, 8)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect(place(9, 8, [0, 4, 7])).toBeNull();
});

/** Twelve nodes of four GPUs of these weights, below three leaves or none; the jobs come one after the other and stay. */
function placeInTurn(isFlat: boolean, weights: readonly number[], jobs: readonly [number, number][]): number[][] {
  const ledger = new Ledger(completePolicy({ backfillType: 'conservative' }));
  for (const [index, weight] of weights.entries()) {
    const resources = { cpus: 8, memoryBytes: 1e9, gpus: 4 };
    const leaf = isFlat ? null : `leaf${Math.floor(index / 4)}`;
    ledger.pool.add({ name: `n${index}`, resources, gpuType: null, leaf, weight });
  }
  const usable = new NodeMask(weights.length);
  for (const { index } of ledger.pool.nodes) usable.add(index);
  return jobs.map(([nodes, gpus], order) => {
    const job = ledger.submit(gangRequest(order + 1, nodes, gpus), 0, 0);
    const chosen = placeInRuns(new FreeSpace(ledger.pool), usable, job) ?? [];
    ledger.start(job, 1, holdNodes(ledger.pool, job, chosen), 0);
    return chosen;
  });
}

describe('of nodes that differ in weight', () => {
  const weights = [1, 1, 5, 5, 1, 1, 9, 9, 5, 5, 1, 1];
  const jobs: [number, number][] = [
    [1, 1],
    [3, 4],
    [1, 2],
    [5, 4],
    [2, 1],
    [1, 4],
  ];

  // What a Slurm 22.05 with the same nodes and `scontrol update NodeName=... Weight=...` gave the same jobs.
  it('takes the lightest that suffice, in runs of one weight', () => {
    expect(placeInTurn(true, weights, jobs)).toEqual([[0], [1, 4, 5], [0], [2, 3, 8, 10, 11], [0, 9], [6]]);
  });

  it('takes all of the lighter ones and then the next on the same leaves, as a Slurm 22.05 with a topology did', () => {
    expect(placeInTurn(false, weights, jobs)).toEqual([[0], [1, 4, 5], [0], [2, 8, 9, 10, 11], [0, 3], [6]]);
  });
});
