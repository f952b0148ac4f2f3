import { describe, expect, it } from 'vitest';
import type { JobRequest } from '../scheduler/types.ts';
import { listedJobs } from './adjusted-jobs.ts';
import { runTwin } from './engine.ts';
import { catalogModel, DAY_MS, fleet } from './failure.test-support.ts';
import type { FailureModel } from './failure-model.ts';
import { createIncidents } from './failures.ts';
import { createLemonWatch, type LemonWatch } from './lemon-watch.ts';
import { INSTANT } from './scenario.ts';
import type { AttemptEnd, Incident, Observer, TwinJob } from './types.ts';

const NODES = 1000;
const DAYS = 60;
const HOUR_MS = 3_600_000;
/** Nodes of a job, one after the other: a third of the jobs have one node alone. */
const SIZES = [1, 16, 1, 4, 64, 8];

/** Jobs of twelve hours that keep nine tenths of the fleet at work. */
function steadyJobs(): TwinJob[] {
  const jobs: TwinJob[] = [];
  const perJobMs = (12 * HOUR_MS * SIZES.reduce((sum, size) => sum + size, 0)) / SIZES.length / (0.9 * NODES);
  for (let jobId = 1; jobId * perJobMs < DAYS * DAY_MS; jobId++) {
    jobs.push({
      request: request(jobId, Math.round(jobId * perJobMs), SIZES[jobId % SIZES.length] ?? 1),
      workMs: 12 * HOUR_MS,
      outcome: 'COMPLETED',
      cancelAfterMs: null,
      checkpointing: { intervalMs: HOUR_MS, writeMs: 0, isBlocking: false, restartMs: 0 },
    });
  }
  return jobs;
}

function request(jobId: number, submitMs: number, nodes: number): JobRequest {
  return {
    jobId,
    submitMs,
    priority: 0,
    nodes,
    perNode: { cpus: 8, memoryBytes: 1e9, gpus: 8 },
    gpuType: null,
    exclusive: true,
    timeLimitMs: null,
    excludedNodes: [],
    maxRequeues: 1000,
    dependencies: [],
    isHeld: false,
  };
}

/** Attempts on 64 nodes, and those that a failure ended, from the day on. */
class LargeAttempts implements Observer {
  ended = 0;
  failed = 0;
  readonly #fromMs: number;

  constructor(fromDay: number) {
    this.#fromMs = fromDay * DAY_MS;
  }

  attemptEnded({ startMs, allocation, incident }: AttemptEnd): void {
    if (startMs < this.#fromMs || allocation.nodeIndices.length < 64) return;
    this.ended += 1;
    if (incident !== null) this.failed += 1;
  }

  get failedShare(): number {
    return this.failed / this.ended;
  }
}

function run(model: FailureModel, seed: number, isWatched: boolean) {
  const nodes = fleet(NODES);
  const untilMs = DAYS * DAY_MS;
  const incidents = createIncidents(model, nodes, { seed, untilMs });
  const lemonsAtFirst = incidents.lemonIndices;
  const watch = createLemonWatch(nodes, { onSwapped: (nodeIndex) => incidents.swapped(nodeIndex) });
  const large = new LargeAttempts(30);
  runTwin({
    nodes,
    policy: {},
    timing: INSTANT,
    jobs: listedJobs(steadyJobs()),
    incidents,
    operator: isWatched ? watch : null,
    observers: [large],
    untilMs,
  });
  return { watch, large, lemonsAtFirst, lemonsAtLast: incidents.lemonIndices };
}

describe('the lemon watch of a fleet with lemons as published', () => {
  // The regime of the driver lasts all the sixty days.
  const model = catalogModel('rsc-1');
  const runs = [1, 2, 3].map((seed) => ({ watched: run(model, seed, true), left: run(model, seed, false) }));

  it('names lemons, and hardly anything else: precision above 85 %', () => {
    let flagged = 0;
    let lemonsFlagged = 0;
    let lemons = 0;
    for (const { watched } of runs) {
      const score = watched.watch.score();
      flagged += score.nodesFlagged;
      lemonsFlagged += score.lemonsFlagged;
      lemons += watched.lemonsAtFirst.length;
      expect(score.nodesFlagged).toBe(new Set(watched.watch.verdicts.map(({ nodeName }) => nodeName)).size);
    }
    expect(lemons).toBe(36);
    expect(lemonsFlagged / flagged).toBeGreaterThan(0.85);
    expect(lemonsFlagged / lemons).toBeGreaterThan(0.9);
  });

  it('has them swapped, after which large jobs fail less than half as often', () => {
    for (const { watched, left } of runs) {
      expect(left.lemonsAtLast).toEqual(left.lemonsAtFirst);
      expect(watched.lemonsAtLast.length).toBeLessThanOrEqual(1);
      expect(left.large.ended).toBeGreaterThan(300);
      expect(watched.large.failedShare).toBeLessThan(left.large.failedShare / 2);
    }
  });

  it('gives its evidence for each', () => {
    for (const { evidence } of runs[0]?.watched.watch.verdicts ?? []) {
      const exceeded = evidence.filter(({ isExceeded }) => isExceeded);
      expect(exceeded.length).toBeGreaterThanOrEqual(3);
      for (const { value, threshold } of exceeded) expect(value).toBeGreaterThanOrEqual(threshold);
    }
  });
});

describe('the lemon watch of a healthy fleet', () => {
  it('hardly ever drains a node', () => {
    const model = { ...catalogModel('rsc-1'), lemons: { nodeShare: 0, failureShare: 0, cureShare: 0 }, regimes: [] };
    const { watch } = run(model, 4, true);
    // All 6.5 failures per 1,000 node-days in healthy nodes, and drains as often again: 12 failures a day and more.
    expect(watch.score().nodesFlagged).toBeLessThanOrEqual(2);
    expect(watch.score()).toMatchObject({ lemons: 0, recall: null });
  });
});

describe('what an operator sees', () => {
  const incident: Incident = {
    atMs: 0,
    detectedMs: 0,
    repairMs: 48 * HOUR_MS,
    component: 'gpu',
    severity: 'high',
    nodeIndices: [7],
    isFalsePositive: false,
    isLemon: false,
  };
  const end = (of: Partial<Incident>): AttemptEnd => ({
    job: {
      request: request(1, 0, 2),
      workMs: 1,
      outcome: 'COMPLETED',
      cancelAfterMs: null,
      checkpointing: null,
    },
    attempt: 1,
    queuedMs: 0,
    startMs: 0,
    endMs: 0,
    state: 'REQUEUED',
    productiveMs: 0,
    lostMs: 0,
    overheadMs: 0,
    allocation: { nodeIndices: [6, 7], gpusPerNode: 8 },
    incident: { ...incident, ...of },
    preemptorJobId: null,
  });

  /** Five times the same; returns what a review drains. */
  function watched(of: Partial<Incident>): { watch: LemonWatch; drained: () => number[] } {
    const watch = createLemonWatch(fleet(200));
    for (let day = 1; day <= 5; day++) {
      watch.incident?.({ ...incident, ...of, atMs: day * DAY_MS });
      watch.attemptEnded?.({ ...end(of), endMs: day * DAY_MS });
      watch.nodeChanged?.(7, 'down', 'gpu', day * DAY_MS);
      watch.nodeChanged?.(7, 'up', 'repaired', day * DAY_MS + HOUR_MS);
    }
    return { watch, drained: () => watch.review(6 * DAY_MS).map(({ nodeIndex }) => nodeIndex) };
  }

  it('blames the node that failed', () => {
    expect(watched({}).drained()).toEqual([7]);
  });

  it('blames no node for a switch, nor for a check that was wrong', () => {
    expect(watched({ component: 'switch', nodeIndices: [6, 7] }).drained()).toEqual([]);
    expect(watched({ isFalsePositive: true }).drained()).toEqual([]);
  });

  it('is not told which nodes are lemons', () => {
    expect(watched({ isLemon: true }).drained()).toEqual(watched({}).drained());
    const harmless = createLemonWatch(fleet(200));
    for (let day = 1; day <= 5; day++) harmless.incident?.({ ...incident, isLemon: true, atMs: day * DAY_MS });
    expect(harmless.review(6 * DAY_MS)).toEqual([]);
  });

  it('waits for a node that is in repair, and knows its own swap from a repair', () => {
    const { watch, drained } = watched({});
    watch.nodeChanged?.(7, 'down', 'gpu', 6 * DAY_MS - 1);
    expect(drained()).toEqual([]);
    watch.nodeChanged?.(7, 'up', 'repaired', 6.5 * DAY_MS);
    expect(watch.review(7 * DAY_MS)).toEqual([{ nodeIndex: 7, reason: 'lemon node', repairMs: 48 * HOUR_MS }]);
    expect(watch.review(8 * DAY_MS)).toEqual([]);
  });
});
