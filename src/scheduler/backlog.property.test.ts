import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { gangRequest } from './job-request.test-support.ts';
import type { JobRecord } from './job-record.ts';
import { Ledger } from './ledger.ts';
import { completePolicy } from './policy.ts';

const DEPTH = 3;
const CALC_MS = 300_000;
/** Age reaches its cap after four hours. */
const PRIORITY = {
  type: 'multifactor',
  weights: { age: 1000, fairshare: 2000, jobSize: 500, partition: 0, qos: 3000 },
  maxAgeSeconds: 4 * 3600,
} as const;

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('submit' as const),
      user: fc.constantFrom('ada', 'bob', 'cyd'),
      qos: fc.constantFrom('high', 'normal'),
      nodes: fc.constantFrom(1, 4),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('take' as const), pick: fc.nat(DEPTH) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('leave' as const), pick: fc.nat(99) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('return' as const), delayMs: fc.constantFrom(0, 0, 700_000) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(3_000_000) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** What a job's priority would be if it were worked out for each that waits whenever priorities are calculated. */
class EveryPriority {
  readonly of = new Map<JobRecord, number>();
  readonly #ledger: Ledger;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  calculate(job: JobRecord): void {
    const { multifactor, fairShare } = this.#ledger.kinds;
    const factor = fairShare.factor(job.kind.association);
    this.of.set(job, multifactor.priorityOf(job.staticPriority, job.eligibleMs, factor, fairShare.calculatedMs));
  }
}

it('brings jobs to the front in the order that their priorities give, were each calculated whenever that is due', () => {
  let behindCount = 0;
  let outdatedCount = 0;
  const run = (steps: readonly Step[]) => {
    const qos = [{ name: 'high', priority: 10 }, { name: 'normal' }];
    const ledger = new Ledger(
      completePolicy({ schedulerType: 'backfill', bfMaxJobTest: DEPTH, priority: PRIORITY, qos }),
    );
    for (let index = 0; index < 4; index++) {
      const resources = { cpus: 8, memoryBytes: 0, gpus: 8 };
      ledger.pool.add({ name: `n${index}`, resources, gpuType: null, leaf: null });
    }
    ledger.priorities.setCluster(ledger.pool.present().map(({ spec }) => spec));
    const priorities = new EveryPriority(ledger);
    let nowMs = 0;
    let period = 0;
    const waiting = new Set<JobRecord>();
    const away: JobRecord[] = [];
    const leave = (job: JobRecord | undefined) => {
      if (job === undefined) return;
      ledger.queue.remove(job);
      waiting.delete(job);
      // What an attempt uses counts at the next calculation.
      ledger.kinds.fairShare.carry(job.kind.association, job.request.nodes * 1e4, nowMs);
      away.push(job);
    };
    for (const [index, each] of steps.entries()) {
      if (each.do === 'submit') {
        const { user, qos: name, nodes } = each;
        const job = ledger.submit(requestOf(index + 1, nowMs, user, name, nodes), 0, nowMs);
        waiting.add(job);
        priorities.calculate(job);
      } else if (each.do === 'take') leave(ledger.queue.front().at(each.pick));
      else if (each.do === 'leave') leave([...waiting][each.pick]);
      else if (each.do === 'return') {
        const job = away.shift();
        if (job === undefined) continue;
        if (each.delayMs > 0) ledger.putOff(job, nowMs - each.delayMs / 2);
        if (job.calculatedMs < ledger.kinds.fairShare.calculatedMs) outdatedCount += 1;
        waiting.add(job);
        ledger.queue.add(job);
      } else {
        nowMs += each.ms;
        if (Math.floor(nowMs / CALC_MS) > period) {
          period = Math.floor(nowMs / CALC_MS);
          ledger.kinds.fairShare.recalculate(nowMs);
          ledger.queue.recalculated();
          for (const job of waiting) priorities.calculate(job);
        }
      }
      const front = ledger.queue.front().toArray();
      if (waiting.size > DEPTH) behindCount += 1;
      const sorted = [...waiting].sort((a, b) => {
        const difference = (priorities.of.get(b) ?? 0) - (priorities.of.get(a) ?? 0);
        return difference || a.request.submitMs - b.request.submitMs || a.request.jobId - b.request.jobId;
      });
      const idsOf = (jobs: readonly JobRecord[]) => jobs.map(({ request }) => request.jobId);
      expect(idsOf(front)).toEqual(idsOf(sorted.slice(0, DEPTH)));
      expect(front.map(({ priority }) => priority)).toEqual(front.map((job) => priorities.of.get(job)));
    }
  };
  fc.assert(fc.property(fc.array(step, { minLength: 30, maxLength: 120 }), run), { numRuns: 400 });
  expect(behindCount).toBeGreaterThan(1000);
  expect(outdatedCount).toBeGreaterThan(100);
});

function requestOf(jobId: number, submitMs: number, user: string, qos: string, nodes: number) {
  const perNode = { cpus: 8, memoryBytes: 0, gpus: 8 };
  return gangRequest(jobId, nodes, 8, { submitMs, perNode, exclusive: true, timeLimitMs: 3_600_000, user, qos });
}
