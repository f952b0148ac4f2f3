import { describe, expect, it, vi } from 'vitest';
import type { JournalRecord } from '../../contract/journal.ts';
import { gangRequest } from '../../scheduler/job-request.test-support.ts';
import { createScheduler } from '../../scheduler/scheduler.ts';
import type { SchedulerEvent } from '../../scheduler/types.ts';
import { SchedulingLoop } from './scheduling-loop.ts';

const ADDED: SchedulerEvent = {
  kind: 'NodeAdded',
  atMs: 0,
  node: {
    name: 'n1',
    resources: { cpus: 4, memoryBytes: 0, gpus: 0 },
    gpuType: null,
    leaf: null,
  },
};
const submitted = (jobId: number): JournalRecord => ({
  event: { kind: 'JobSubmitted', atMs: 0, job: gangRequest(jobId, 1, 0) },
});

/** A loop with a scheduler of its own on a disk that can be full: what was written, applied and carried out, in order. */
function begin() {
  const done: string[] = [];
  const disk = { isFullFor: (_kind: string): boolean => false };
  const scheduler = createScheduler();
  scheduler.apply(ADDED);
  const loop = new SchedulingLoop({
    scheduler,
    journal: {
      append: async (records) => {
        const kinds = records.map(({ event }) => event.kind);
        const isFull = kinds.some((kind) => disk.isFullFor(kind));
        done.push(`${isFull ? 'refuse' : 'write'} ${kinds.join(' ')}`);
        if (isFull) throw new Error('disk full');
      },
    },
    onCommitted: ({ kind }) => done.push(`apply ${kind}`),
    carryOut: async (decisions, failedNodes) => {
      if (decisions.length + failedNodes.length === 0) return;
      done.push(`carry out ${[...failedNodes, ...decisions.map(({ kind }) => kind)].join(' ')}`);
    },
    now: () => 0,
    log: { info: () => undefined, error: () => undefined },
  });
  return { loop, done, disk };
}

const START = [
  'write JobSubmitted',
  'apply JobSubmitted',
  'write AttemptStarting',
  'apply AttemptStarting',
  'carry out StartAttempt',
];

describe('the scheduling loop', () => {
  it('has decisions on the disk before they are carried out', async () => {
    const { loop, done } = begin();
    await loop.begin();
    await loop.request(submitted(1));
    await vi.waitFor(() => expect(done).toEqual(START), 30_000);
    await loop.stop();
  });

  it('decides nothing before it has begun: what was found again is reported first', async () => {
    const { loop, done } = begin();
    loop.report(submitted(1));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(done).toEqual([]);
    await loop.begin();
    expect(done).toEqual(START);
    await loop.stop();
  });

  it('tells once which nodes failed', async () => {
    const { loop, done } = begin();
    await loop.begin();
    await loop.request({ event: { kind: 'NodeFailed', atMs: 0, nodeName: 'n1', reason: 'a drill' } });
    await loop.request(submitted(1));
    await loop.stop();
    expect(done).toEqual([
      'write NodeFailed',
      'apply NodeFailed',
      'carry out n1',
      'write JobSubmitted',
      'apply JobSubmitted',
    ]);
  });

  it('refuses what the disk refuses, and the scheduler never hears of it', async () => {
    const { loop, done, disk } = begin();
    await loop.begin();
    disk.isFullFor = () => true;
    await expect(loop.request(submitted(1))).rejects.toThrow('disk full');
    await loop.stop();
    expect(done).toEqual(['refuse JobSubmitted']);
  });

  it('carries nothing out that is not on the disk, and tries again until it is', async () => {
    const { loop, done, disk } = begin();
    await loop.begin();
    let refusals = 0;
    disk.isFullFor = (kind) => kind === 'AttemptStarting' && (refusals += 1) === 1;
    await loop.request(submitted(1));
    const [write, apply, ...decided] = START;
    await vi.waitFor(() => expect(done).toEqual([write, apply, 'refuse AttemptStarting', ...decided]), 30_000);
    await loop.stop();
  });

  it('takes nothing once it is stopped', async () => {
    const { loop, done } = begin();
    await loop.begin();
    await loop.stop();
    expect(() => loop.request(submitted(1))).toThrow('the daemon is stopping');
    loop.report(submitted(2));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(done).toEqual([]);
  });
});
