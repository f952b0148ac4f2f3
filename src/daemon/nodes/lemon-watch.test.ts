import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OrreryError } from '../../contract/errors.ts';
import { jobSpecSchema } from '../../contract/job.ts';
import { toJobRequest } from '../../contract/job-request.ts';
import type { JournalRecord } from '../../contract/journal.ts';
import type { NodeView } from '../../scheduler/types.ts';
import { Store } from '../../store/store.ts';
import { LemonWatch } from './lemon-watch.ts';

const resources = { cpus: 4, memoryBytes: 1, gpus: 0 };
const spec = (name: string) => ({ name, resources, gpuType: null, leaf: null });
const NOW_MS = Date.UTC(2026, 4, 6, 12);
const WORDS = 'lemon node: 2 kinds of XID errors, 2 jobs of its own lost, 100 % of its own jobs lost';

let home = '';
let store: Store;
let watch: LemonWatch | undefined;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'orrery-lemons-'));
  store = new Store(join(home, 'orrery.db'));
});
afterEach(() => {
  watch?.close();
  store.close();
  rmSync(home, { recursive: true });
});

/** The journal of two nodes, of which n1 has seen two XID errors and failed twice under a job of its own. */
async function history(): Promise<void> {
  const accepted = { spec: jobSpecSchema.parse({ command: ['true'] }), environment: {}, code: null };
  const job = toJobRequest(1, accepted.spec, NOW_MS);
  const placement = [{ nodeName: 'n1', resources, gpuIndices: [] }];
  const failures = [1, 2].flatMap((attempt): JournalRecord[] => [
    { event: { kind: 'AttemptStarting', atMs: NOW_MS, jobId: 1, attempt, placement } },
    { event: { kind: 'NodeFailed', atMs: NOW_MS, nodeName: 'n1', reason: 'power' } },
    { event: { kind: 'XidSeen', atMs: NOW_MS, nodeName: 'n1', xid: 30 + attempt } },
    { event: { kind: 'AttemptEnded', atMs: NOW_MS, jobId: 1, attempt, state: 'NODE_FAIL', exitCode: 1 } },
    { event: { kind: 'JobRequeued', atMs: NOW_MS, jobId: 1, requeues: attempt, isHeld: false } },
    { event: { kind: 'NodeResumed', atMs: NOW_MS, nodeName: 'n1' } },
  ]);
  await store.append([
    ...['n1', 'n2'].map((name) => ({ event: { kind: 'NodeAdded' as const, atMs: NOW_MS, node: spec(name) } })),
    { event: { kind: 'JobSubmitted', atMs: NOW_MS, job }, accepted },
    ...failures,
  ]);
}

/** A watch over a cluster that answers drains with these, in turn, and then takes them; gives what was asked of the cluster. */
async function begin(answers: Error[], node: Pick<NodeView, 'state' | 'reason'> = { state: 'idle', reason: null }) {
  await history();
  const asked: string[] = [];
  const begun = new LemonWatch(
    {
      store,
      backend: {
        nodes: () => ['n1', 'n2'].map((name) => ({ spec: spec(name), free: resources, jobIds: [], ...node })),
        drain: (nodeName, reason) => {
          asked.push(`drain ${nodeName} ${reason}`);
          const answer = answers.shift();
          return answer === undefined ? Promise.resolve() : Promise.reject(answer);
        },
        avoidNode: (nodeName, reason) => {
          asked.push(`avoid ${nodeName} ${reason}`);
          return Promise.resolve();
        },
      },
      isDraining: true,
      sourceOfXids: () => ({ source: 'none' }),
      log: { info: () => undefined, error: () => undefined },
    },
    NOW_MS,
  );
  watch = begun;
  return async () => {
    begun.review(NOW_MS);
    await new Promise(setImmediate);
    return asked.splice(0);
  };
}

describe('a lemon', () => {
  it('is drained once', async () => {
    const review = await begin([]);
    expect(await review()).toEqual([`drain n1 ${WORDS}`]);
    expect(await review()).toEqual([]);
  });

  it('that may not be drained is kept off by jobs', async () => {
    const review = await begin([new OrreryError('ORR_REFUSED', 'Slurm does not let me drain nodes')]);
    expect(await review()).toEqual([`drain n1 ${WORDS}`, `avoid n1 ${WORDS}`]);
    expect(await review()).toEqual([]);
  });

  it('is tried again where the cluster does not answer, and given up where it is gone', async () => {
    const away = new OrreryError('ORR_UNREACHABLE', 'scontrol: no answer');
    const review = await begin([away, away, new OrreryError('ORR_NOT_FOUND', 'no node "n1"')]);
    for (let times = 0; times < 3; times += 1) expect(await review()).toEqual([`drain n1 ${WORDS}`]);
    expect(await review()).toEqual([]);
  });

  it('that is out already keeps its reason behind the new one', async () => {
    const review = await begin([], { state: 'drained', reason: 'health: gpu-ecc: rows' });
    expect(await review()).toEqual([`drain n1 ${WORDS}; out before: health: gpu-ecc: rows`]);
  });
});
