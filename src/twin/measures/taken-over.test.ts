import { describe, expect, it } from 'vitest';
import type { NodeSpec } from '../../cluster/node.ts';
import { comparedFigures } from '../compared-measures.ts';
import { runTwin } from '../engine.ts';
import { TIMELINE_STATES } from '../report.ts';
import { INSTANT } from '../scenario.ts';
import { type QueueRow, snapshotJobs } from '../snapshot.ts';
import { traceRow } from '../trace-row.test-support.ts';
import { createMeasures } from './measures.ts';

const MINUTE = 60_000;
const NODES: readonly NodeSpec[] = ['a', 'b', 'c', 'd'].map((name) => ({
  name,
  resources: { cpus: 8, memoryBytes: 1e9, gpus: 8 },
  gpuType: null,
  leaf: null,
}));
const ROW = traceRow({ job: '', cpusPerNode: 1, memoryBytesPerNode: 0, gpusPerNode: 8, runMs: 10 * MINUTE });

const waiting = (job: string, nodes: number): QueueRow => ({
  ...ROW,
  job,
  nodes,
  submitMs: -2 * MINUTE,
  nodeNames: null,
  isHeld: false,
});
const running = (job: string, startMs: number, nodeNames: readonly string[]): QueueRow => ({
  ...waiting(job, nodeNames.length),
  submitMs: startMs - MINUTE,
  actualStartMs: startMs,
  nodeNames,
});

/** Two jobs run since 7.5 and 3 minutes, on one and two nodes; two wait for four and one. */
function takenOver(warmupMs = 0) {
  const queue = [
    running('one', -7.5 * MINUTE, ['a']),
    running('two', -3 * MINUTE, ['b', 'c']),
    waiting('all', 4),
    waiting('last', 1),
  ];
  const jobs = snapshotJobs({ nodes: NODES, policy: {}, rules: {}, queue, nodesOut: [], usage: [] });
  const measures = createMeasures({
    nodes: NODES,
    horizonMs: null,
    warmupMs,
    failuresPerNodeDay: null,
    powerPerNodeWatts: null,
  });
  const summary = runTwin({
    nodes: NODES,
    policy: {},
    timing: INSTANT,
    jobs: jobs.source,
    start: jobs.start,
    incidents: null,
    operator: null,
    observers: measures.observers,
    untilMs: null,
  });
  return measures.report(summary);
}

describe('measures of a cluster that is taken over in the midst of its work', () => {
  it('show what runs already from the first instant on, in the series and in the timeline', () => {
    const { series, timeline, predictions } = takenOver();
    expect(Math.min(...series.productive, ...series.idle)).toBe(0);
    expect(series.productive[0]).toBe(24);
    expect(series.idle[0]).toBe(8);
    const sums = series.productive.map((productive, index) => productive + (series.idle[index] ?? 0));
    expect(new Set(sums)).toEqual(new Set([32]));
    const first = timeline.rows.map(({ runs }) => TIMELINE_STATES[runs[1] ?? -1]);
    expect(first).toEqual(['1-8', '9-64', '9-64', 'idle']);
    expect(predictions.deviceTime.residualAllocated).toBe(0);
    expect(predictions.deviceTime.residualCapacity).toBe(0);
  });

  it('count the jobs of the queue: those that start with how long they wait, all with their ends', () => {
    const { inputs, predictions } = takenOver();
    expect(inputs.jobs).toMatchObject({ submitted: 0, atStart: 4 });
    expect(predictions.jobs).toMatchObject({ started: 2, ended: 4 });
    // For the node of the job that began 3 minutes ago and has 7 to go; since 2 minutes already.
    expect(predictions.waits.all.waitSeconds).toMatchObject({ count: 2, mean: (9 + 19) * 30 });
    expect(predictions.waits.all.boundedSlowdown).toMatchObject({ count: 2 });
  });

  it('are compared by when the last job has ended, not by means over a time that each run has for itself', () => {
    const figures = new Map(comparedFigures(takenOver()).map(({ name, value }) => [name, value]));
    expect(figures.get('makespan')).toBe(27 * 60);
    expect(figures.get('meanQueue')).toBeNull();
  });

  it('leave them out where a warm-up is', () => {
    const { predictions } = takenOver(MINUTE);
    expect(predictions.jobs).toMatchObject({ started: 0, ended: 0 });
    expect(predictions.waits.all.waitSeconds).toBeNull();
  });
});
