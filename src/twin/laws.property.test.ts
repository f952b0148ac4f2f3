import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bookkeeper } from './conservation.test-support.ts';
import { runTwin } from './engine.ts';
import { ScenarioDraw } from './random-scenario.test-support.ts';
import type { RunSummary, Timing } from './scenario.ts';

const anySeed = fc.integer({ min: 0, max: 2 ** 31 });
const RUNS = { numRuns: 300 };

function watch(seed: number, timing: Partial<Timing> = {}): { books: Bookkeeper; summary: RunSummary } {
  const drawn = new ScenarioDraw(seed).scenario();
  const scenario = { ...drawn, timing: { ...drawn.timing, ...timing } };
  const books = new Bookkeeper(scenario.nodes.length);
  const summary = runTwin({ ...scenario, observers: [books] });
  return { books, summary };
}

describe('laws of every run, whatever breaks', () => {
  it('ends every job once, having given no GPU to two attempts at a time nor a node that is out of service', () => {
    fc.assert(
      fc.property(anySeed, (seed) => {
        const { books, summary } = watch(seed);
        expect(summary.jobsEnded).toBe(summary.jobsSubmitted);
        for (const { end } of books.jobs.values()) expect(end).not.toBeNull();
      }),
      RUNS,
    );
  });

  it('conserves GPU time: what is allocated is productive, lost or overhead', () => {
    fc.assert(
      fc.property(anySeed, (seed) => {
        const { books } = watch(seed);
        let told = 0;
        for (const { allocation, productiveMs, lostMs, overheadMs } of books.attemptEnds) {
          told += allocation.nodeIndices.length * allocation.gpusPerNode * (productiveMs + lostMs + overheadMs);
        }
        expect(told).toBe(books.allocatedGpuMs);
      }),
      RUNS,
    );
  });

  it('does all the work of a job that ends by itself, no more, and loses none of it then', () => {
    fc.assert(
      fc.property(anySeed, (seed) => {
        for (const { last, end } of watch(seed).books.jobs.values()) {
          if (end === null || last === null || last.incident !== null || last.state !== end.job.outcome) continue;
          if (end.job.cancelAfterMs !== null) continue;
          expect(end.productiveMs).toBe(end.job.workMs);
          expect(last.lostMs).toBe(0);
        }
      }),
      RUNS,
    );
  });

  it("gives a job the state of its last attempt, or its user's word", () => {
    fc.assert(
      fc.property(anySeed, (seed) => {
        for (const { last, end } of watch(seed, { completeMs: 0 }).books.jobs.values()) {
          if (end === null || (end.state === 'CANCELLED' && end.job.cancelAfterMs !== null)) continue;
          // A health check's requeue that is one too many leaves the job as lost with its node.
          expect(end.state).toBe(last?.state === 'REQUEUED' ? 'NODE_FAIL' : last?.state);
        }
      }),
      RUNS,
    );
  });

  it("is Little's law: jobs in the system over time are the sum of their times in it", () => {
    fc.assert(
      fc.property(anySeed, (seed) => {
        const { books } = watch(seed, { completeMs: 0 });
        let inSystemMs = 0;
        for (const { submitMs, end } of books.jobs.values()) inSystemMs += (end?.endMs ?? NaN) - submitMs;
        expect(books.jobMs).toBe(inSystemMs);
      }),
      RUNS,
    );
  });

  it('is the same run for the same scenario, and another for another', () => {
    const hashes = new Set<string>();
    const seeds = new Set<number>();
    fc.assert(
      fc.property(anySeed, (seed) => {
        const first = runTwin(new ScenarioDraw(seed).scenario());
        const second = runTwin(new ScenarioDraw(seed).scenario());
        expect(second).toEqual(first);
        hashes.add(first.stateHash);
        seeds.add(seed);
      }),
      { numRuns: 100 },
    );
    expect(hashes.size).toBe(seeds.size);
  });

  it('is what it was before where it is cut off: a shorter run is the beginning of a longer one', () => {
    fc.assert(
      fc.property(anySeed, fc.integer({ min: 0, max: 1_000_000 }), (seed, untilMs) => {
        const starts = (cutMs: number | null) => {
          const told: string[] = [];
          const observer = {
            attemptStarted: (
              job: { request: { jobId: number } },
              attempt: number,
              _: unknown,
              __: number,
              atMs: number,
            ) => {
              if (atMs <= untilMs) told.push(`${job.request.jobId} ${attempt} ${atMs}`);
            },
          };
          runTwin({ ...new ScenarioDraw(seed).scenario(), observers: [observer], untilMs: cutMs });
          return told;
        };
        expect(starts(untilMs)).toEqual(starts(2_000_000));
      }),
      { numRuns: 100 },
    );
  });

  it('is tried on runs in which everything happens', () => {
    const states = new Set<string>();
    const severities = new Set<string>();
    let preempted = 0;
    let resumed = 0;
    for (let seed = 0; seed < 300; seed++) {
      for (const { state, incident, preemptorJobId, productiveMs, attempt } of watch(seed).books.attemptEnds) {
        states.add(state);
        if (incident !== null) severities.add(`${incident.severity} ${incident.isFalsePositive ? 'false' : 'true'}`);
        if (preemptorJobId !== null) preempted += 1;
        if (attempt > 1 && productiveMs > 0) resumed += 1;
      }
    }
    expect([...states].sort()).toEqual(
      ['CANCELLED', 'COMPLETED', 'FAILED', 'NODE_FAIL', 'OUT_OF_MEMORY', 'PREEMPTED', 'REQUEUED', 'TIMEOUT'].sort(),
    );
    expect([...severities].sort()).toEqual(
      ['heartbeat false', 'heartbeat true', 'high false', 'high true', 'job true'].sort(),
    );
    expect(preempted).toBeGreaterThan(10);
    expect(resumed).toBeGreaterThan(10);
  });
});
