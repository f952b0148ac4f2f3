import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import type { JobRecord } from './job-record.ts';
import { Ledger } from './ledger.ts';
import { completePolicy } from './policy.ts';
import { PendingQueue } from './queue.ts';
import { isAhead, type QueueFront } from './queue-front.ts';

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('add' as const), nodes: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('remove' as const), pick: fc.nat(99) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('reorder' as const), salt: fc.nat(99) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('service' as const), nodes: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('retry' as const), pick: fc.nat(99), atMs: fc.nat(20) }) },
);

/** From a ledger, so that they are what the scheduler makes them; of three shapes, every other one may preempt. */
function jobMaker(): (jobId: number, nodes: number) => JobRecord {
  const qos = [{ name: 'high', preempts: ['low'] }, { name: 'low' }];
  const ledger = new Ledger(completePolicy({ qos, preempt: { type: 'qos' } }));
  return (jobId, nodes) =>
    ledger.record(
      {
        jobId,
        submitMs: 0,
        priority: 0,
        nodes,
        perNode: { cpus: 1, memoryBytes: 0, gpus: jobId % 3 },
        gpuType: null,
        exclusive: false,
        timeLimitMs: 1000 * jobId,
        excludedNodes: [],
        maxRequeues: 0,
        dependencies: [],
        isHeld: false,
        qos: jobId % 2 === 0 ? 'high' : 'low',
      },
      0,
    );
}

it('keeps the first jobs sorted in front, whatever comes, leaves or changes its priority', () => {
  let reorders = 0;
  let retriedCount = 0;
  const run = (depth: number, steps: readonly (typeof step extends fc.Arbitrary<infer T> ? T : never)[]) => {
    const makeJob = jobMaker();
    let servedNodes = 4;
    const queue = new PendingQueue(depth, (job) => job.request.nodes <= servedNodes);
    let queued: JobRecord[] = [];
    /** Not in the front when it was last asked for arrivals, or since a reorder. */
    let known = new Set<JobRecord>();
    const at = (pick: number) => queued[pick % Math.max(1, queued.length)];
    for (const [index, each] of steps.entries()) {
      if (each.do === 'add') {
        const job = makeJob(index + 1, each.nodes);
        queued.push(job);
        queue.add(job);
      } else if (each.do === 'remove') {
        const job = at(each.pick);
        if (job === undefined) continue;
        queue.remove(job);
        queued = queued.filter((other) => other !== job);
      } else if (each.do === 'reorder') {
        reorders += 1;
        queue.reorder((job) => {
          job.staticPriority = (job.request.jobId * (each.salt + 1)) % 7;
          job.priority = job.staticPriority;
        });
        known = new Set();
      } else if (each.do === 'service') {
        const isMore = each.nodes > servedNodes;
        servedNodes = each.nodes;
        if (isMore) queue.reconsider();
        else queue.doubt();
      } else {
        const job = at(each.pick);
        const { retries } = queue.front();
        if (job === undefined || !retries.has(job)) continue;
        retries.remove(job);
        job.preemptRetryMs = each.atMs;
        retries.add(job);
        retriedCount += 1;
      }
      const sorted = queued
        .filter((job) => job.request.nodes <= servedNodes)
        .sort((a, b) => (isAhead(a, b) ? -1 : 1))
        .slice(0, depth);
      const front = queue.front();
      expect(front.toArray().map(({ request }) => request.jobId)).toEqual(sorted.map(({ request }) => request.jobId));
      const preemptors = sorted.filter(({ kind }) => kind.mayPreempt);
      const retries = [...front.retries];
      expect(new Set(retries)).toEqual(new Set(preemptors));
      expect(front.retries.size).toBe(preemptors.length);
      const retriesMs = retries.map(({ preemptRetryMs }) => preemptRetryMs);
      expect(retriesMs).toEqual(retriesMs.toSorted((a, b) => a - b));
      expect(bySlot(front, front.nodes)).toEqual(sorted.map(({ request }) => request.nodes));
      expect(bySlot(front, front.shapes)).toEqual(sorted.map(({ shape }) => shape));
      expect(bySlot(front, front.limitMs)).toEqual(sorted.map(({ limitMs }) => limitMs));
      expect(front.shapeCount).toBe(new Set(sorted.map(({ shape }) => shape)).size);
      for (const { shape } of sorted) {
        const least = Math.min(...sorted.filter((job) => job.shape === shape).map(({ request }) => request.nodes));
        expect(front.isAbove(shape, 1)).toBe(true);
        expect(front.isAbove(shape, least + 1)).toBe(false);
      }
      if (index % 3 > 0) continue;
      const arrivals = queue.takeArrivals();
      expect(arrivals).toEqual(arrivals.toSorted((a, b) => (isAhead(a, b) ? -1 : 1)));
      expect(arrivals).toEqual(expect.arrayContaining(sorted.filter((job) => !known.has(job))));
      expect(sorted).toEqual(expect.arrayContaining(arrivals));
      known = new Set(sorted);
    }
  };
  fc.assert(fc.property(fc.constantFrom(1, 3, 100), fc.array(step, { minLength: 20, maxLength: 80 }), run), {
    numRuns: 200,
  });
  // What is drawn tries them, often: the numbers are chance.
  expect(reorders).toBeGreaterThan(50);
  expect(retriedCount).toBeGreaterThan(50);
});

it('has room for more than it began with', () => {
  const makeJob = jobMaker();
  const queue = new PendingQueue(1000, () => true);
  const jobs = Array.from({ length: 300 }, (_, index) => makeJob(300 - index, 1));
  for (const job of jobs) queue.add(job);
  const front = queue.front();
  const sorted = jobs.toSorted((a, b) => (isAhead(a, b) ? -1 : 1));
  expect(front.toArray()).toEqual(sorted);
  expect(bySlot(front, front.limitMs)).toEqual(sorted.map(({ limitMs }) => limitMs));
});

it('keeps no job that has come and gone while nobody asked for arrivals', async () => {
  const makeJob = jobMaker();
  const queue = new PendingQueue(1000, () => true);
  const left = [makeJob(1, 1), makeJob(2, 1)];
  for (const job of left) queue.add(job);
  const comeAndGo = (jobId: number) => {
    const job = makeJob(jobId, 1);
    queue.add(job);
    queue.remove(job);
    return new WeakRef(job);
  };
  const gone = Array.from({ length: 1000 }, (_, index) => comeAndGo(3 + index));
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  // What a WeakRef was made of lives on until the task is over.
  await setImmediate();
  collect();
  expect(gone.filter((ref) => ref.deref() !== undefined).length).toBeLessThan(200);
  expect(queue.takeArrivals()).toEqual(left);
});

/** A column, in the order of turns. */
function bySlot(front: QueueFront, column: ArrayLike<number>): (number | undefined)[] {
  return Array.from(front.slots.slice(0, front.length), (slot) => column[slot]);
}
