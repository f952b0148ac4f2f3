import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { FreeSpace, placeInRuns } from './free-space.ts';
import { gangRequest } from './job-request.test-support.ts';
import type { JobRecord } from './job-record.ts';
import { Ledger } from './ledger.ts';
import type { NodeMask } from './node-mask.ts';
import { holdNodes, placeGang } from './placement.ts';
import { completePolicy } from './policy.ts';
import { GpuWeights } from './gpu-weights.ts';
import { StartPrediction } from './start-prediction.ts';
import { usableNodes } from './usable-nodes.ts';

const MINUTE = 60_000;

const gang = fc.record({
  nodes: fc.integer({ min: 1, max: 4 }),
  ask: fc.constantFrom(
    { gpus: 0, cpus: 8, isExclusive: false },
    { gpus: 1, cpus: 1, isExclusive: false },
    { gpus: 4, cpus: 40, isExclusive: false },
    { gpus: 8, cpus: 64, isExclusive: true },
  ),
  minutes: fc.integer({ min: 1, max: 300 }),
});
type Gang = typeof gang extends fc.Arbitrary<infer T> ? T : never;

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('start' as const), gang }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('end' as const), pick: fc.nat(99) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('kill' as const), pick: fc.nat(99) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('drain' as const), node: fc.nat(20) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('ask' as const), gang, missing: fc.array(fc.nat(20)) }) },
);

class World {
  readonly ledger: Ledger;
  readonly running: JobRecord[] = [];
  nowMs = 0;
  #lastId = 0;

  constructor(leaves: readonly number[], isFlat: boolean, overTimeSeconds: number | null) {
    this.ledger = new Ledger(completePolicy({ backfillType: 'conservative', overTimeSeconds }));
    for (const [leaf, count] of leaves.entries()) {
      for (let index = 0; index < count; index += 1) {
        const resources = { cpus: 64, memoryBytes: 0, gpus: 8 };
        this.ledger.pool.add({
          name: `n${leaf}-${index}`,
          resources,
          gpuType: null,
          leaf: isFlat ? null : `leaf${leaf}`,
        });
      }
    }
  }

  job({ nodes, ask: { gpus, cpus, isExclusive }, minutes }: Gang): JobRecord {
    this.#lastId += 1;
    const perNode = { cpus, memoryBytes: 0, gpus };
    const fields = { perNode, exclusive: isExclusive, timeLimitMs: minutes * MINUTE };
    return this.ledger.submit(gangRequest(this.#lastId, nodes, gpus, fields), this.nowMs, 0);
  }

  start(job: JobRecord): void {
    const indices = placeGang(this.ledger.pool, job);
    if (indices === null) return;
    this.ledger.start(job, job.attempt + 1, holdNodes(this.ledger.pool, job, indices), this.nowMs);
    this.ledger.markStarted(job, this.nowMs);
    this.running.push(job);
  }

  end(pick: number): void {
    const [job] = this.running.splice(pick % Math.max(1, this.running.length), 1);
    if (job !== undefined) this.ledger.endAttempt(job, 'COMPLETED', 0, this.nowMs);
  }

  kill(pick: number): void {
    const job = this.running[pick % Math.max(1, this.running.length)];
    if (job !== undefined && !job.isEnding) this.ledger.markEnding(job, 'CANCELLED');
  }

  drain(node: number): void {
    this.ledger.pool.drain(this.ledger.pool.at(node % this.ledger.pool.nodes.length), 'a test');
  }
}

/** The same told in the plainest way there is: everything is looked at anew for each job, and after each batch of ends each node is. */
function plainly(ledger: Ledger, job: JobRecord, available: NodeMask, secondMs: number) {
  const space = new FreeSpace(ledger.pool);
  for (const one of ledger.ending) space.vacate(one, one.held?.nodeIndices ?? []);
  const running = ledger.ends
    .sorted()
    .filter((one) => !ledger.ending.has(one))
    .map((one) => ({ one, endMs: Math.floor(one.startMs / 1000) * 1000 + one.limitMs }))
    .sort((a, b) => a.endMs - b.endMs || a.one.request.jobId - b.one.request.jobId);
  let tests = 0;
  const place = () => {
    tests += available.count();
    return placeInRuns(space, available, job);
  };
  const now = place();
  if (now !== null) return { startMs: secondMs, nodeIndices: now, tests };
  let batchMs = 30_000;
  let baseMs: number | null = null;
  for (let at = 0; at < running.length; ) {
    let last: (typeof running)[number] | null = null;
    for (; at < running.length; at++) {
      const next = running[at];
      if (next === undefined) break;
      if (last !== null && running[at - 1] === last && next.endMs > (baseMs ?? 0) + batchMs) break;
      const indices = next.one.held?.nodeIndices ?? [];
      if (!indices.some((index) => available.has(index))) continue;
      baseMs ??= Math.floor(next.endMs / 30_000) * 30_000 + 30_000;
      space.vacate(next.one, indices);
      last = next;
    }
    if (last === null) return { startMs: null, nodeIndices: [], tests };
    const reachMs = (running[at]?.endMs ?? 0) - (baseMs ?? 0);
    for (batchMs *= 2; batchMs < reachMs; ) batchMs *= 2;
    const nodeIndices = place();
    if (nodeIndices === null) continue;
    const { overMs, limitMs } = last.one;
    const guessMs = overMs === Infinity ? secondMs + limitMs : last.endMs + overMs + 30_000;
    const startMs = last.endMs <= secondMs ? Math.max(guessMs, secondMs + 1000) : last.endMs;
    return { startMs, nodeIndices, tests };
  }
  return { startMs: null, nodeIndices: [], tests };
}

it('predicts from what it keeps from look to look what it would find by looking at every node anew', () => {
  const counts = { now: 0, later: 0, never: 0 };
  const leaves = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 });
  const over = fc.constantFrom(0, 0, 60, null);
  fc.assert(
    fc.property(
      leaves,
      fc.boolean(),
      over,
      fc.array(step, { minLength: 40, maxLength: 80 }),
      (sizes, isFlat, overSeconds, steps) => {
        const world = new World(sizes, isFlat, overSeconds);
        const { ledger } = world;
        const prediction = new StartPrediction(
          ledger,
          { originMs: 0, killWaitMs: 30_000 },
          new GpuWeights(ledger.pool),
        );
        const answers: { found: object; expected: object }[] = [];
        for (const one of steps) {
          world.nowMs += 7_300;
          if (one.do === 'start') world.start(world.job(one.gang));
          else if (one.do === 'end') world.end(one.pick);
          else if (one.do === 'kill') world.kill(one.pick);
          else if (one.do === 'drain') world.drain(one.node);
          else {
            const job = world.job(one.gang);
            const available = usableNodes(ledger.pool, job);
            for (const index of one.missing) if (index < ledger.pool.nodes.length) available.delete(index);
            const secondMs = Math.floor(world.nowMs / 1000) * 1000;
            prediction.look();
            const prospect = prediction.predict(job, available, [], secondMs);
            const found = {
              startMs: prospect?.startMs ?? null,
              nodeIndices: prospect?.choose() ?? [],
              tests: prediction.takeNodeTests(),
            };
            answers.push({ found, expected: plainly(ledger, job, available, secondMs) });
            counts[prospect === null ? 'never' : prospect.startMs === secondMs ? 'now' : 'later'] += 1;
          }
        }
        expect(answers.map(({ found }) => found)).toEqual(answers.map(({ expected }) => expected));
      },
    ),
    { numRuns: 200 },
  );
  expect(Math.min(...Object.values(counts))).toBeGreaterThan(100);
});
