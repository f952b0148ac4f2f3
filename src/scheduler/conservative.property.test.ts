import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCore } from './core.ts';
import type { CoreJob, DecisionSink } from './core-types.ts';
import { naivePasses, type PlannedJob } from './naive-planner.test-support.ts';
import type { JobRequest } from './types.ts';

const GPUS = 8;
const NOW = 100_000;

const size = fc.record({
  isPart: fc.boolean(),
  nodes: fc.integer({ min: 1, max: 5 }),
  gpus: fc.constantFrom(1, 2, 4),
  cpus: fc.constantFrom(1, 1, 2),
  limit: fc.integer({ min: 1, max: 8 }).map((minutes) => minutes * 60),
  age: fc.integer({ min: 1, max: 500 }),
  user: fc.constantFrom('ada', 'ben'),
  partition: fc.constantFrom('long', 'long', 'short', 'short', 'long,short', 'short,long'),
});
/** 0 for none. */
const bound = fc.constantFrom(0, 0, 0, 1, 2, 3);
const limits = fc.record({
  bfMaxJobUser: bound,
  bfMaxJobPart: bound,
  bfMaxJobUserPart: bound,
  bfJobPartCountReserve: bound,
  bfMinAgeReserveSeconds: fc.constantFrom(0, 0, 250),
  bfMaxJobStart: bound,
  partitionJobDepth: bound,
  schedMaxJobStart: bound,
});
const NO_LIMITS: typeof limits extends fc.Arbitrary<infer T> ? T : never = {
  bfMaxJobUser: 0,
  bfMaxJobPart: 0,
  bfMaxJobUserPart: 0,
  bfJobPartCountReserve: 0,
  bfMinAgeReserveSeconds: 0,
  bfMaxJobStart: 0,
  partitionJobDepth: 0,
  schedMaxJobStart: 0,
};
const runs = fc.record({
  nodeCount: fc.integer({ min: 1, max: 8 }),
  weights: fc.oneof(fc.constant([1, 1]), fc.array(fc.constantFrom(1, 1, 2, 30), { minLength: 2, maxLength: 8 })),
  resolution: fc.constantFrom(1, 60),
  limits: fc.oneof(fc.constant(NO_LIMITS), limits),
  /** Of a node to the jobs of a partition. */
  cpusOf: fc.constantFrom<Record<string, number>>({}, {}, { short: 2 }, { long: 3, short: 2 }),
  before: fc.array(size, { maxLength: 12 }),
  pending: fc.array(size, { minLength: 1, maxLength: 15 }),
});

function request(
  jobId: number,
  { isPart, nodes, gpus, cpus, limit, user, partition }: typeof size extends fc.Arbitrary<infer T> ? T : never,
) {
  const perNode = { cpus, memoryBytes: 0, gpus: isPart ? gpus : GPUS };
  const made: JobRequest = {
    jobId,
    submitMs: 0,
    priority: 0,
    nodes: isPart ? 1 : nodes,
    perNode,
    gpuType: null,
    exclusive: false,
    timeLimitMs: limit * 1000,
    excludedNodes: [],
    maxRequeues: 0,
    dependencies: [],
    isHeld: false,
    user,
    partition,
  };
  return made;
}

class Starts implements DecisionSink {
  readonly on = new Map<number, readonly number[]>();
  startAttempt(job: CoreJob): void {
    this.on.set(job.request.jobId, job.allocation?.nodeIndices ?? []);
  }
  endAttempt(): void {}
  requeueJob(): void {}
  endJob(): void {}
}

describe('a pass of conservative backfill', () => {
  it('starts the jobs that the naive planner starts, on the same nodes', () => {
    let starts = 0;
    let backfilled = 0;
    let capped = 0;
    let inOneOfSeveral = 0;
    fc.assert(
      fc.property(runs, ({ nodeCount, weights: some, resolution, limits: bounds, cpusOf, before, pending }) => {
        const weights = Array.from({ length: nodeCount }, (_, index) => some[index % some.length] ?? 1);
        const core = createCore({
          backfillType: 'conservative',
          bfResolutionSeconds: resolution,
          bfIntervalSeconds: 1,
          partitions: ['long', 'short'].map((name) => {
            const maxCpusPerNode = cpusOf[name];
            return maxCpusPerNode === undefined ? { name } : { name, maxCpusPerNode };
          }),
          ...bounds,
        });
        for (let index = 0; index < nodeCount; index++) {
          const resources = { cpus: 64, memoryBytes: 0, gpus: GPUS };
          core.addNode({ name: `n${index}`, resources, gpuType: null, leaf: null, weight: weights[index] ?? 1 });
        }
        // What runs was started one job at a time, in the order of their ages, so that it lies as scheduling leaves it.
        const running: PlannedJob[] = [];
        const jobs = before.filter(({ age, limit }) => age < limit).toSorted((a, b) => b.age - a.age);
        for (const [index, job] of jobs.entries()) {
          const sink = new Starts();
          const atMs = (NOW - job.age) * 1000;
          const record = core.submit(request(index + 1, job), atMs);
          core.decide(atMs, sink);
          const on = sink.on.get(index + 1);
          if (on === undefined) {
            core.cancel(record, atMs);
            core.decide(atMs, sink);
            continue;
          }
          const { nodes, perNode } = record.request;
          running.push({
            id: index + 1,
            nodes,
            gpus: perNode.gpus,
            cpus: perNode.cpus,
            limit: job.limit,
            user: job.user,
            partition: record.request.partition ?? '',
            waited: 0,
            on: [...on],
            start: NOW - job.age,
          });
        }
        const waiting = pending
          .map((job, index) => ({ made: request(100 + index, job), age: job.age }))
          .filter(({ made }) => made.nodes <= nodeCount);
        for (const { made, age } of waiting) core.submit(made, (NOW - age) * 1000);
        const expected = naivePasses({
          perUser: bounds.bfMaxJobUser,
          perPartition: bounds.bfMaxJobPart,
          perUserPartition: bounds.bfMaxJobUserPart,
          reservedPerPartition: bounds.bfJobPartCountReserve,
          waitedMin: bounds.bfMinAgeReserveSeconds,
          startsMax: bounds.bfMaxJobStart,
          mainDepth: bounds.partitionJobDepth,
          mainStartsMax: bounds.schedMaxJobStart,
          gpusPerNode: GPUS,
          cpusOf,
          nodeCount,
          weights,
          now: NOW,
          resolution,
          window: 86_400,
          running,
          pending: waiting.flatMap(({ made: { jobId, nodes, perNode, timeLimitMs, user, partition }, age }) =>
            (partition ?? '').split(',').map((name) => ({
              id: jobId,
              nodes,
              gpus: perNode.gpus,
              cpus: perNode.cpus,
              limit: (timeLimitMs ?? 0) / 1000,
              user: user ?? '',
              partition: name,
              waited: age,
              on: null,
              start: 0,
            })),
          ),
        });
        const sink = new Starts();
        core.decide(NOW * 1000, sink);
        expect(Object.fromEntries([...sink.on].map(([id, on]) => [id, [...on]]))).toEqual(Object.fromEntries(expected));
        starts += expected.size;
        if (
          [...expected.keys()].some(
            (id) => waiting.find(({ made }) => made.jobId === id)?.made.partition?.includes(',') === true,
          )
        )
          inOneOfSeveral += 1;
        if (expected.size > 0 && Object.keys(cpusOf).length > 0) capped += 1;
        if ([...expected.keys()].some((id, index) => id !== waiting[index]?.made.jobId)) backfilled += 1;
      }),
      { numRuns: 3000 },
    );
    expect(starts).toBeGreaterThan(1000);
    expect(backfilled).toBeGreaterThan(100);
    expect(capped).toBeGreaterThan(100);
    expect(inOneOfSeveral).toBeGreaterThan(100);
  });
});
