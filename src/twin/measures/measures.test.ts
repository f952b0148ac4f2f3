import { describe, expect, it } from 'vitest';
import { GPUS_PER_NODE, ScenarioDraw } from '../random-scenario.test-support.ts';
import { runTwin } from '../engine.ts';
import type { TwinReport } from '../report.ts';
import type { NodeService } from '../types.ts';
import { createMeasures } from './measures.ts';
import { Recorder } from './recorder.test-support.ts';

const HOUR_MS = 3_600_000;
const SEEDS = Array.from({ length: 60 }, (_, seed) => seed);

interface MeasuredRun {
  report: TwinReport;
  record: Recorder;
  nodeCount: number;
  fromMs: number;
  endMs: number;
}

/** Of every third seed a warm-up is left out; every second run is cut off in the middle. */
function measured(seed: number): MeasuredRun {
  const scenario = new ScenarioDraw(seed).scenario();
  const record = new Recorder();
  const lengthMs = runTwin(new ScenarioDraw(seed).scenario()).endMs;
  const fromMs = seed % 3 === 0 ? Math.floor(lengthMs / 4) : 0;
  const untilMs = seed % 2 === 0 ? Math.floor(lengthMs / 2) : null;
  const measures = createMeasures({
    nodes: scenario.nodes,
    horizonMs: untilMs,
    warmupMs: fromMs,
    failuresPerNodeDay: 0.01,
    powerPerNodeWatts: 6500,
  });
  const summary = runTwin({ ...scenario, untilMs, observers: [record, ...measures.observers] });
  const nodeCount = scenario.nodes.length;
  return { report: measures.report(summary), record, nodeCount, fromMs, endMs: summary.endMs };
}

const RUNS = SEEDS.map(measured);

describe('device time', () => {
  it('adds up, to the millisecond', () => {
    for (const { report, nodeCount, fromMs, endMs } of RUNS) {
      const { deviceTime } = report.predictions;
      expect(deviceTime.residualAllocated).toBe(0);
      expect(deviceTime.residualCapacity).toBe(0);
      expect(deviceTime.capacity).toBe((nodeCount * GPUS_PER_NODE * (endMs - fromMs)) / HOUR_MS);
    }
  });

  it('is that of the attempts one by one', () => {
    let unfinished = 0;
    for (const { report, record, fromMs, endMs } of RUNS) {
      const { deviceTime } = report.predictions;
      const within = (from: number, to: number) => Math.max(0, Math.min(endMs, to) - Math.max(fromMs, from));
      const sum = (of: Recorder['spans'] extends (endMs: number) => (infer Span)[] ? Span[] : never) =>
        of.reduce(
          (total, { allocation, ...span }) =>
            total + allocation.nodeIndices.length * allocation.gpusPerNode * within(span.startMs, span.endMs),
          0,
        ) / HOUR_MS;
      const spans = record.spans(endMs);
      expect(deviceTime.allocated).toBeCloseTo(sum(spans), 9);
      const parts = record.attemptEnds.map(({ job, allocation, startMs, overheadMs, productiveMs }) => ({
        job,
        allocation,
        startMs: startMs + overheadMs,
        endMs: startMs + overheadMs + productiveMs,
      }));
      expect(deviceTime.productive).toBeCloseTo(sum(parts), 9);
      unfinished += deviceTime.unfinished;
    }
    expect(unfinished).toBeGreaterThan(0);
  });

  it('counts free devices by the service of their nodes, looked at instant by instant', () => {
    let outOfService = 0;
    for (const { report, record, nodeCount, fromMs, endMs } of RUNS) {
      const expected = { up: 0, draining: 0, down: 0, fragmented: 0 };
      const spans = record.spans(endMs);
      const instants = [fromMs, endMs, ...spans.flatMap((span) => [span.startMs, span.endMs])];
      const times = [...new Set([...instants, ...record.changes.map(({ atMs }) => atMs)])]
        .filter((atMs) => atMs >= fromMs && atMs <= endMs)
        .sort((a, b) => a - b);
      for (const [index, atMs] of times.entries()) {
        const spanMs = (times[index + 1] ?? endMs) - atMs;
        for (let node = 0; node < nodeCount; node++) {
          const used = spans
            .filter((span) => span.startMs <= atMs && span.endMs > atMs && span.allocation.nodeIndices.includes(node))
            .reduce((sum, { allocation }) => sum + allocation.gpusPerNode, 0);
          const service: NodeService =
            record.changes.findLast((change) => change.nodeIndex === node && change.atMs <= atMs)?.service ?? 'up';
          expected[service] += (GPUS_PER_NODE - used) * spanMs;
          if (service === 'up' && used > 0) expected.fragmented += (GPUS_PER_NODE - used) * spanMs;
        }
      }
      const { deviceTime, fragmentation } = report.predictions;
      expect(deviceTime.idle).toBeCloseTo(expected.up / HOUR_MS, 9);
      expect(deviceTime.drained).toBeCloseTo(expected.draining / HOUR_MS, 9);
      expect(deviceTime.down).toBeCloseTo(expected.down / HOUR_MS, 9);
      const spanMs = Math.max(1, endMs - fromMs);
      expect(fragmentation.meanDevices).toBeCloseTo(expected.fragmented / spanMs, 9);
      outOfService += deviceTime.drained + deviceTime.down;
    }
    expect(outOfService).toBeGreaterThan(0);
  });

  it('is the same in the series, which add up to the cluster in every bucket', () => {
    for (const { report, nodeCount, fromMs, endMs } of RUNS) {
      const { series, predictions } = report;
      let productive = 0;
      for (const [bucket, start] of series.startSeconds.entries()) {
        const parts = [series.productive, series.lost, series.overhead, series.unfinished, series.idle];
        const total = [...parts, series.drained, series.down].reduce((sum, part) => sum + (part[bucket] ?? 0), 0);
        expect(total).toBeCloseTo(nodeCount * GPUS_PER_NODE, 2);
        const seconds = Math.min(series.bucketSeconds, endMs / 1000 - start);
        productive += ((series.productive[bucket] ?? 0) * seconds) / 3600;
      }
      // The series also covers the warm-up, which the sums leave out.
      const warmup = fromMs === 0 ? 0 : Infinity;
      expect(Math.abs(productive - predictions.deviceTime.productive)).toBeLessThanOrEqual(0.01 + warmup);
    }
  });
});

describe('jobs and attempts', () => {
  it('waits are from submission to the first start, means and extremes exact', () => {
    for (const { report, record, fromMs } of RUNS) {
      const waits = record.starts
        .filter(({ job, attempt }) => attempt === 1 && job.request.submitMs >= fromMs)
        .map(({ job, atMs }) => (atMs - job.request.submitMs) / 1000);
      const { waitSeconds } = report.predictions.waits.all;
      expect(waitSeconds?.count ?? 0).toBe(waits.length);
      if (waitSeconds === null) continue;
      expect(waitSeconds.mean).toBeCloseTo(waits.reduce((sum, wait) => sum + wait, 0) / waits.length, 9);
      expect(waitSeconds.max).toBe(Math.max(...waits));
      const median = waits.sort((a, b) => a - b)[Math.ceil(waits.length / 2) - 1] ?? 0;
      expect(Math.abs(waitSeconds.median - median)).toBeLessThanOrEqual(0.01 * median);
    }
  });

  it('waits by size and by QOS are the same jobs sorted differently', () => {
    for (const { report } of RUNS) {
      const { all, bySize, byQos } = report.predictions.waits;
      for (const parts of [bySize, byQos]) {
        const counts = parts.map(({ waitSeconds }) => waitSeconds?.count ?? 0);
        expect(counts.reduce((sum, count) => sum + count, 0)).toBe(all.waitSeconds?.count ?? 0);
      }
    }
  });

  it('jobs that have not started when the run ends are told by size, by QOS and with why, and not by waits', () => {
    let left = 0;
    for (const { report, record, fromMs, endMs } of RUNS) {
      const gone = new Set([...record.starts, ...record.jobEnds].map(({ job }) => job));
      const waiting = record.submitted.filter((job) => !gone.has(job) && job.request.submitMs >= fromMs);
      const { waits, jobs } = report.predictions;
      expect(waits.all.notStarted?.count ?? 0).toBe(waiting.length);
      for (const parts of [waits.bySize, waits.byQos]) {
        expect(parts.reduce((sum, { notStarted }) => sum + (notStarted?.count ?? 0), 0)).toBe(waiting.length);
      }
      const reasons = jobs.pendingReasons.map((each) => each.jobs);
      expect(reasons.reduce((sum, count) => sum + count, 0)).toBe(jobs.pendingAtEnd);
      expect(jobs.pendingReasons.map(({ reason }) => reason)).not.toContain('None');
      left += waiting.length;
      if (waiting.length === 0) continue;
      const sinceMs = waiting.reduce((sum, { request }) => sum + endMs - request.submitMs, 0) / waiting.length;
      expect(waits.all.notStarted?.meanSeconds).toBeCloseTo(sinceMs / 1000, 6);
    }
    expect(left).toBeGreaterThan(0);
  });

  it('counts states, failures and losses as the attempts tell', () => {
    const seen = { failures: 0, preempted: 0 };
    for (const { report, record, fromMs } of RUNS) {
      const ends = record.attemptEnds.filter(({ endMs }) => endMs >= fromMs);
      const { attemptStates, failures, losses, preemption } = report.predictions;
      for (const { state, attempts } of attemptStates) {
        expect(attempts).toBe(ends.filter((end) => end.state === state).length);
      }
      const failed = ends.filter(
        ({ state, incident }) =>
          incident?.isFalsePositive === false && ['FAILED', 'NODE_FAIL', 'REQUEUED'].includes(state),
      );
      expect(failures.attemptsFailed).toBe(failed.length);
      const lost = ends.reduce(
        (sum, { lostMs, allocation, state }) =>
          state === 'COMPLETED' ? sum : sum + lostMs * allocation.nodeIndices.length * allocation.gpusPerNode,
        0,
      );
      expect(losses.reduce((sum, { lostHours }) => sum + lostHours, 0)).toBeCloseTo(lost / HOUR_MS, 9);
      expect(preemption.preemptions).toBe(ends.filter(({ state }) => state === 'PREEMPTED').length);
      seen.failures += failed.length;
      seen.preempted += preemption.preemptions;
    }
    expect(seen.failures).toBeGreaterThan(0);
    expect(seen.preempted).toBeGreaterThan(0);
  });

  it('exposure counts attempts that still run', () => {
    for (const { report, record, fromMs, endMs } of RUNS) {
      const ranMs = record
        .spans(endMs)
        .reduce((sum, span) => sum + Math.max(0, span.endMs - Math.max(fromMs, span.startMs)), 0);
      const hours = report.predictions.failures.bySize.reduce((sum, { attemptHours }) => sum + attemptHours, 0);
      expect(hours).toBeCloseTo(ranMs / HOUR_MS, 9);
    }
  });

  it('the mean queue is the integral of its depth', () => {
    for (const { report, record, fromMs, endMs } of RUNS) {
      let area = 0;
      for (const [index, { atMs, pending }] of record.depths.entries()) {
        const untilMs = record.depths[index + 1]?.atMs ?? endMs;
        area += pending * Math.max(0, untilMs - Math.max(fromMs, atMs));
      }
      expect(report.predictions.queue.meanJobs).toBeCloseTo(area / Math.max(1, endMs - fromMs), 9);
    }
  });

  it('what pending jobs ask for is nothing once all have ended', () => {
    for (const { report, record } of RUNS.filter((_, seed) => seed % 2 === 1)) {
      expect(record.jobEnds.length).toBe(record.submitted.length);
      expect(report.series.pendingDevices.every((devices) => devices >= 0)).toBe(true);
    }
  });
});

it('is JSON and loses nothing by it', () => {
  for (const { report } of RUNS) expect(JSON.parse(JSON.stringify(report))).toEqual(report);
});

describe('the load that is offered', () => {
  it('is of the time in which jobs arrive, where the run ends with its last job', () => {
    let overloaded = 0;
    for (const { report, record, nodeCount, fromMs, endMs } of RUNS) {
      const { jobs, horizonSeconds } = report.inputs;
      const counted = record.submitted.filter(({ request }) => request.submitMs >= fromMs);
      const times = counted.map(({ request }) => request.submitMs);
      const between = Math.max(...times) - Math.min(...times);
      const spanMs = horizonSeconds === null && between > 0 ? between : endMs - fromMs;
      expect(jobs.arrivalSeconds).toBe(spanMs / 1000);
      expect(jobs.perDay).toBeCloseTo((counted.length * 24 * HOUR_MS) / spanMs, 6);
      const work = report.inputs.jobs.bySize.reduce((sum, { deviceHours }) => sum + deviceHours, 0);
      expect(jobs.offeredLoad).toBeCloseTo((work * HOUR_MS) / (nodeCount * GPUS_PER_NODE * spanMs), 9);
      if (jobs.offeredLoad > 1) overloaded += 1;
    }
    expect(overloaded).toBeGreaterThan(0);
  });
});
