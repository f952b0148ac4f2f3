import { describe, expect, it } from 'vitest';
import { expectedEttr, mttfSeconds } from '../planner/failures.ts';
import { runTwin } from './engine.ts';
import type { FailureModel } from './failure-model.ts';
import { catalogModel, DAY_MS, fleet, plain } from './failure.test-support.ts';
import { createIncidents } from './failures.ts';
import { createMeasures } from './measures/measures.ts';
import type { Checkpointing, JobEnd, TwinJob } from './types.ts';

const MINUTE_MS = 60_000;
const SPARE_NODES = 120;
/** How many a training sees, roughly: enough for its mean to be within a percent or two. */
const FAILURES = 1000;
const RATE = 6.5e-3;

/** Every failure is seen at once and requeues the job; all nodes are alike. */
function sudden(): FailureModel {
  const model = plain(catalogModel('rsc-1'));
  const atOnce = Object.entries(model.components).map(([name, component]) => [
    name,
    { ...component, severities: { high: 0, heartbeat: 1, job: 0 } },
  ]);
  return {
    ...model,
    components: Object.fromEntries(atOnce),
    detection: { ...model.detection, heartbeatTimeoutSeconds: 0 },
  };
}

function training(jobId: number, nodes: number, workMs: number, checkpointing: Checkpointing): TwinJob {
  return {
    request: {
      jobId,
      submitMs: 0,
      priority: 0,
      nodes,
      perNode: { cpus: 1, memoryBytes: 1, gpus: 8 },
      gpuType: null,
      exclusive: true,
      timeLimitMs: null,
      excludedNodes: [],
      maxRequeues: 1_000_000,
      dependencies: [],
      isHeld: false,
    },
    workMs,
    outcome: 'COMPLETED',
    cancelAfterMs: null,
    checkpointing,
  };
}

/** One training on so many nodes, with spare ones, so that it waits for none. */
function trainOn(nodes: number, checkpointing: Checkpointing): JobEnd {
  const workMs = Math.round((FAILURES / (nodes * RATE)) * DAY_MS);
  const left = [training(1, nodes, workMs, checkpointing)];
  const cluster = fleet(nodes + SPARE_NODES);
  let ended: JobEnd | undefined;
  runTwin({
    nodes: cluster,
    policy: {},
    timing: { launchMs: 0, completeMs: 0, killMs: 0 },
    jobs: { countEstimate: 1, endMsEstimate: 0, next: () => left.pop() ?? null },
    incidents: createIncidents(sudden(), cluster, { seed: nodes, untilMs: 4 * workMs }),
    operator: null,
    observers: [
      {
        jobEnded: (end) => {
          ended = end;
        },
      },
    ],
    untilMs: null,
  });
  if (ended === undefined) throw new Error('the training never ended');
  return ended;
}

describe('the ETTR of a training that fails at the published rate', () => {
  it.each([
    { gpus: 1024, intervalMinutes: 60, restartMinutes: 5 },
    { gpus: 2048, intervalMinutes: 60, restartMinutes: 20 },
    { gpus: 4096, intervalMinutes: 60, restartMinutes: 5 },
    { gpus: 8192, intervalMinutes: 30, restartMinutes: 5 },
  ])('on $gpus GPUs is that of the formula of Kokolis et al., within 5 %', (given) => {
    const { gpus, intervalMinutes, restartMinutes } = given;
    const nodes = gpus / 8;
    const end = trainOn(nodes, {
      intervalMs: intervalMinutes * MINUTE_MS,
      writeMs: 0,
      isBlocking: false,
      restartMs: restartMinutes * MINUTE_MS,
    });
    const measured = end.productiveMs / (end.productiveMs + end.lostMs + end.overheadMs + end.queuedMs);
    // E[ETTR] = (1 - N r_f (u0 + dt / 2)) / (1 + N r_f q), in days; q = 0 with nodes to spare.
    const firstOrder = 1 - (nodes * RATE * (restartMinutes + intervalMinutes / 2)) / 1440;
    expect(Math.abs(measured / firstOrder - 1)).toBeLessThan(0.05);
    expect(end.queuedMs).toBeLessThan(0.001 * end.productiveMs);
  });

  it('on 16,384 GPUs is what Daly’s exact formula says, below the first order', () => {
    const nodes = 2048;
    const end = trainOn(nodes, {
      intervalMs: 60 * MINUTE_MS,
      writeMs: 0,
      isBlocking: false,
      restartMs: 5 * MINUTE_MS,
    });
    const measured = end.productiveMs / (end.productiveMs + end.lostMs + end.overheadMs + end.queuedMs);
    const exact = expectedEttr({
      mttfSeconds: mttfSeconds(nodes, RATE),
      restartSeconds: 300,
      waitSeconds: 0,
      checkpointIntervalSeconds: 3600,
      checkpointWriteSeconds: 0,
    });
    expect(Math.abs(measured / exact - 1)).toBeLessThan(0.03);
    // Published: 0.70.
    expect(Math.abs(measured / 0.7 - 1)).toBeLessThan(0.05);
  });
});

describe('the ETTR of trainings of which failures end some for good', () => {
  // As on RSC-1: a quarter of most failures is noticed by the job alone, which fails.
  const model = plain(catalogModel('rsc-1'));
  const nodes = 512;
  const checkpointing = { intervalMs: 60 * MINUTE_MS, writeMs: 0, isBlocking: false, restartMs: 12 * MINUTE_MS };
  const jobs = 400;
  const left = Array.from({ length: jobs }, (_, index) => training(index + 1, nodes, 1.2 * DAY_MS, checkpointing));
  const cluster = fleet(nodes + SPARE_NODES);
  const measures = createMeasures({
    nodes: cluster,
    horizonMs: null,
    failuresPerNodeDay: RATE,
    powerPerNodeWatts: null,
  });
  const summary = runTwin({
    nodes: cluster,
    policy: {},
    timing: { launchMs: 0, completeMs: 0, killMs: 0 },
    jobs: { countEstimate: jobs, endMsEstimate: 0, next: () => left.shift() ?? null },
    incidents: createIncidents(model, cluster, { seed: 1, untilMs: null }),
    operator: null,
    observers: [...measures.observers],
    untilMs: null,
  });
  const { ettr, failures } = measures.report(summary).predictions;
  const formula = ettr.all?.formula ?? null;

  it('is that of the formula within 0.5 % at the rate they saw: those count that failures ended early, too', () => {
    expect(formula?.jobs).toBe(jobs);
    expect(formula?.stoppedShare).toBeGreaterThan(0.3);
    const expected = formula?.ettrAtRateOfLarge ?? 0;
    expect(Math.abs((formula?.measured ?? 0) / expected - 1)).toBeLessThan(0.005);
    // Those that came to run for a day met fewer failures, and are off by more.
    expect(ettr.all?.jobs).toBeLessThan(0.8 * jobs);
    expect((ettr.all?.ettrOnceStarted ?? 0) / expected - 1).toBeGreaterThan(0.01);
  });

  it('saw about the rate given, where all nodes are alike', () => {
    expect(failures.rateOfLarge.perThousandNodeDays).toBeCloseTo(1000 * RATE, 0);
    expect(Math.abs((formula?.ettrAtRateOfLarge ?? 0) / (formula?.ettr ?? 1) - 1)).toBeLessThan(0.02);
  });
});
