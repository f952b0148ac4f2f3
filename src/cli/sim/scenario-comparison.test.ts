import { beforeAll, describe, expect, it } from 'vitest';
import type { ScenarioFields } from '../../formats/scenario-file.ts';
import { ProgressBoard } from './run-progress.ts';
import { comparisonOf, type ScenarioComparison } from './scenario-comparison.ts';
import { type SimulationResult, simulate } from './simulate.ts';

const BASE: ScenarioFields = {
  cluster: 'rsc-phase1',
  workload: 'rsc-phase1',
  days: 2,
  set: { nodes: '300', failuresPerThousandNodeDays: '25' },
};
const FEWER: ScenarioFields = { ...BASE, set: { ...BASE.set, nodes: '60' } };

let base: SimulationResult[];
let comparison: Pick<ScenarioComparison, 'base' | 'variants'>;
beforeAll(async () => {
  const ran = (fields: ScenarioFields) =>
    Promise.all([1, 2, 3].map((seed) => simulate({ fields: { ...fields, seed }, jobsOut: null }, new ProgressBoard())));
  base = await ran(BASE);
  comparison = comparisonOf(
    [
      { title: 'base', results: base },
      { title: 'fewer', results: await ran(FEWER) },
    ],
    true,
  );
});

const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0);

describe('a comparison of scenarios', () => {
  it('has of each scenario what its seeds came to, with their mean, least and greatest', () => {
    const { summary } = comparison.base;
    const medians = base.map(({ report }) => report.predictions.waits.bySize.find(({ size }) => size.label === '9-64'));
    const waits = medians.flatMap((row) => row?.waitSeconds?.p90 ?? []);
    expect(waits).toHaveLength(3);
    expect(new Set(waits).size).toBe(3);
    expect(summary.waits.find(({ size }) => size.label === '9-64')?.p90Seconds).toEqual({
      runs: 3,
      mean: sum(waits) / 3,
      low: Math.min(...waits),
      high: Math.max(...waits),
    });
    expect(sum(summary.deviceTime.map(({ share }) => share.mean))).toBeCloseTo(1, 9);
    expect(sum(summary.states.map(({ share }) => share.mean))).toBeCloseTo(1, 9);
  });

  it('counts failures of all seeds together', () => {
    const rows = base.flatMap(({ report }) => report.predictions.failures.bySize);
    const { failures } = comparison.base.summary;
    expect(sum(failures.map((row) => row.failures))).toBe(sum(rows.map((row) => row.failures)));
    const ended = failures.filter((row) => row.failures > 3);
    expect(ended.length).toBeGreaterThan(1);
    for (const { size, failures: count, mttfHours, intervalHours } of ended) {
      const hours = sum(rows.filter((row) => row.size.label === size.label).map(({ attemptHours }) => attemptHours));
      expect(mttfHours).toBeCloseTo(hours / count, 9);
      expect(intervalHours.low < hours / count && hours / count < (intervalHours.high ?? 0)).toBe(true);
    }
  });

  it('has a cause that a seed was spared as no loss of it', () => {
    const { losses } = comparison.base.summary;
    const lost = sum(base.map(({ report }) => report.predictions.deviceTime.lost)) / 3;
    expect(lost).toBeGreaterThan(0);
    expect(sum(losses.map(({ lostHours }) => lostHours.mean))).toBeCloseTo(lost, 6);
    expect(losses.every(({ lostHours }) => lostHours.runs === 3)).toBe(true);
  });

  it('has over time what the runs have in the mean', () => {
    const { series } = comparison.base.summary;
    const occupancy = sum(base.map(({ report }) => report.predictions.occupancy)) / 3;
    expect(sum(series.allocated.mean) / series.allocated.mean.length).toBeCloseTo(occupancy, 3);
    const queue = sum(base.map(({ report }) => report.predictions.queue.meanJobs)) / 3;
    expect(sum(series.pendingJobs.mean) / series.pendingJobs.mean.length / queue).toBeCloseTo(1, 2);
  });

  it('says as news only what reads differently, of each topic the largest first', () => {
    const [variant] = comparison.variants;
    expect(variant?.change).toBe('taking 240 nodes away');
    const [first] = variant?.sentences ?? [];
    expect(first).toMatch(/^taking 240 nodes away (?:cuts|raises) the /);
    for (const sentence of variant?.sentences ?? []) {
      const [, from, to] = / from (.*?) to (.*?)(?: \(|$)/.exec(sentence) ?? [];
      expect(from).not.toBe(to);
    }
  });
});
