import { describe, expect, it } from 'vitest';
import { FreeSpace } from './free-space.ts';
import { gangRequest } from './job-request.test-support.ts';
import { Ledger } from './ledger.ts';
import { NodeMask } from './node-mask.ts';
import { holdNodes } from './placement.ts';
import { completePolicy } from './policy.ts';
import { chooseInRuns } from './victims-in-runs.ts';

const GPUS = 8;

/** Of running jobs, given as their nodes and GPUs on each, in the order in which they may be preempted: who goes, and where the gang is then. */
function choose(nodeCount: number, running: readonly [number[], number][], gang: [number, number]) {
  const ledger = new Ledger(completePolicy({ backfillType: 'conservative' }));
  const usable = new NodeMask(nodeCount);
  for (let index = 0; index < nodeCount; index++) {
    const resources = { cpus: 64, memoryBytes: 0, gpus: GPUS };
    usable.add(ledger.pool.add({ name: `n${index}`, resources, gpuType: null, leaf: null }));
  }
  const candidates = running.map(([nodeIndices, gpus], index) => {
    const job = ledger.submit(gangRequest(index + 1, nodeIndices.length, gpus), 0, 0);
    ledger.start(job, 1, holdNodes(ledger.pool, job, nodeIndices), 0);
    return { job, nodeIndices };
  });
  const job = ledger.submit(gangRequest(100, ...gang), 0, 0);
  const choice = chooseInRuns(candidates, new FreeSpace(ledger.pool), usable, job);
  return choice === null
    ? null
    : { victims: choice.victims.map((victim) => victim.job.request.jobId), nodes: choice.nodeIndices };
}

describe('victims for a gang in runs of neighbours', () => {
  it('are the candidates up to the one that makes room, without those elsewhere', () => {
    // Job 2 makes room on node 1: job 1, which went before it and is on node 0, is let be.
    expect(
      choose(
        2,
        [
          [[0], 4],
          [[1], 8],
          [[0], 4],
        ],
        [1, 8],
      ),
    ).toEqual({ victims: [2], nodes: [1] });
  });

  it('are one large job rather than the small ones that would have to go with it', () => {
    // In order 1 to 3 go before node 0 is free; then 3 alone is tried first, and frees nodes 1 and 2.
    expect(
      choose(
        3,
        [
          [[0], 2],
          [[0], 2],
          [[1, 2], 8],
          [[0], 4],
        ],
        [2, 8],
      ),
    ).toEqual({ victims: [3], nodes: [1, 2] });
  });

  it('are tried three times, each time with the one first that made room the last time', () => {
    expect(
      choose(
        1,
        [
          [[0], 1],
          [[0], 1],
          [[0], 6],
        ],
        [1, 6],
      ),
    ).toEqual({ victims: [3], nodes: [0] });
    expect(
      choose(
        1,
        [
          [[0], 2],
          [[0], 2],
          [[0], 4],
        ],
        [1, 5],
      ),
    ).toEqual({ victims: [1, 3], nodes: [0] });
  });

  it('are nobody where all together do not make room', () => {
    expect(choose(2, [[[0], 8]], [3, 8])).toBeNull();
  });
});
