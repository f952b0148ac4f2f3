import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { assert } from '../lib/assert.ts';
import type { JobRequest } from './types.ts';
import { World } from './world.test-support.ts';

const nodeShape = fc.record({
  gpus: fc.constantFrom(8, 8, 8, 4),
  gpuType: fc.constantFrom('a100-80', 'a100-80', 'v100'),
  leaf: fc.constantFrom('a', 'b'),
});

const jobShape = fc.record({
  nodes: fc.constantFrom(1, 1, 1, 2, 2, 3, 4),
  gpus: fc.constantFrom(1, 1, 2, 3, 4, 5, 6, 8),
  priority: fc.constantFrom(0, 0, 0, 0, 0, 0, 1, 2),
  gpuType: fc.constantFrom(null, null, 'a100-80', 'v100'),
  exclusive: fc.constantFrom(false, false, false, false, true),
  excludedNodes: fc.constantFrom([], [], [], [], ['n0']),
  timeLimitMs: fc.constantFrom(5, 10, 10, 20, 40, 1500, 3000, null),
  /** After the submission before it. */
  gapMs: fc.constantFrom(0, 0, 0, 1, 3, 12),
  /** How much of its time limit it uses. */
  used: fc.constantFrom(0.1, 0.5, 1, 1, 1),
});

const policy = fc.record({
  bfMaxJobTest: fc.constantFrom(2, 6, 500),
});

/** Plays the jobs to the end, on a cluster without faults. Calls `seen` with each job that starts while one ahead of it waits. */
function play(
  world: World,
  jobs: readonly (typeof jobShape extends fc.Arbitrary<infer T> ? T : never)[],
  seen: () => void,
) {
  const submissions = new Map<number, JobRequest>();
  const runMs = new Map<number, number>();
  let submitMs = 0;
  for (const [index, { gapMs, used, gpus, ...shape }] of jobs.entries()) {
    const jobId = index + 1;
    submitMs += gapMs;
    runMs.set(jobId, Math.ceil((shape.timeLimitMs ?? 30) * used));
    const perNode = { cpus: gpus, memoryBytes: gpus, gpus };
    const request = {
      ...shape,
      jobId,
      submitMs,
      perNode,
      priority: 0,
      maxRequeues: 0,
      dependencies: [],
      isHeld: false,
    };
    submissions.set(jobId, request);
  }
  const ends = new Map<number, number>();
  const promises = new Map<number, number>();
  const waiting = [...submissions.values()];
  // Whoever comes later with a higher priority goes first: then nothing was promised.
  const hasPriorities = jobs.some(({ priority }) => priority > 0);
  while (waiting.length > 0 || ends.size > 0) {
    world.nowMs = Math.min(waiting[0]?.submitMs ?? Infinity, ...ends.values());
    const atMs = world.nowMs;
    for (const [jobId, endMs] of ends) {
      if (endMs > atMs) continue;
      ends.delete(jobId);
      world.tell({ kind: 'AttemptEnded', atMs, jobId, attempt: 1, state: 'COMPLETED', exitCode: 0 });
    }
    // One at a time: what a decision found out is then of use for the next.
    const job = waiting[0]?.submitMs === atMs ? waiting.shift() : undefined;
    if (job !== undefined && world.scheduler.admission(job).isAdmissible)
      world.tell({ kind: 'JobSubmitted', atMs, job });
    for (const decision of world.decide()) {
      if (decision.kind !== 'StartAttempt') continue;
      const { jobId } = decision;
      world.tell({ kind: 'AttemptStarted', atMs, jobId, attempt: 1 });
      ends.set(jobId, atMs + (runMs.get(jobId) ?? 0));
      if ([...world.pending].some((other) => other < jobId)) seen();
    }
    if (!hasPriorities) checkPromises(world, promises);
  }
  assert(world.pending.size === 0, 'every admissible job has run');
}

/** The first job that waits is never told a later start than before, and never starts later than it was told. */
function checkPromises(world: World, promises: Map<number, number>): void {
  for (const [jobId, promisedMs] of promises) {
    assert(!world.pending.has(jobId) || world.nowMs <= promisedMs, `job ${jobId} starts by ${promisedMs}`);
  }
  for (const jobId of world.pending) {
    if (world.scheduler.job(jobId)?.reason !== 'Resources') continue;
    const expectedMs = world.scheduler.expectedStartMs(jobId, world.nowMs) ?? Infinity;
    const promisedMs = promises.get(jobId) ?? Infinity;
    assert(expectedMs <= promisedMs, `job ${jobId} was to start by ${promisedMs}, now by ${expectedMs}`);
    if (expectedMs < Infinity) promises.set(jobId, expectedMs);
  }
}

it('never makes the first job that waits start later than it was promised, decides as the reference does, and runs all jobs', () => {
  let backfilled = 0;
  fc.assert(
    fc.property(
      fc.array(nodeShape, { minLength: 2, maxLength: 6 }),
      fc.array(jobShape, { minLength: 20, maxLength: 60, size: 'max' }),
      policy,
      fc.boolean(),
      (nodes, jobs, options, isInOrder) => {
        const world = new World({ ...options, schedulerType: 'backfill' }, true);
        for (const [index, { gpus, ...shape }] of nodes.entries()) {
          const node = { ...shape, name: `n${index}`, resources: { cpus: gpus, memoryBytes: gpus, gpus } };
          world.tell({ kind: 'NodeAdded', atMs: 0, node });
        }
        play(world, isInOrder ? jobs.map((job) => ({ ...job, priority: 0 })) : jobs, () => (backfilled += 1));
      },
    ),
    { numRuns: 300 },
  );
  expect(backfilled).toBeGreaterThan(400);
}, 240_000);
