import { describe, expect, it } from 'vitest';
import { mttfSeconds } from '../planner/failures.ts';
import { catalogModel, DAY_MS, drain, endsJobs, fleet, incidentsOf, inService, plain } from './failure.test-support.ts';
import { meanHours, meanRegimeFactor, nodeRates } from './failure-model.ts';
import { createIncidents } from './failures.ts';
import type { Incident } from './types.ts';

/** A Poisson count is off by this many deviations once in 16,000 draws; the seeds are fixed. */
const DEVIATIONS = 4;

/** By how many deviations of a Poisson count it misses its expectation. */
function missOf(count: number, expected: number): number {
  return Math.abs(count - expected) / Math.sqrt(expected);
}

function shareOf(incidents: readonly Incident[], isMeant: (incident: Incident) => boolean): number {
  return incidents.filter(isMeant).length / incidents.length;
}

describe.each(['rsc-1', 'rsc-2', 'llama3'])('%s', (name) => {
  const model = catalogModel(name);
  const nodes = 2000;
  const days = model.regimeDays;

  it('has the published rate over node-days in service, lemons and regimes included', () => {
    const incidents = incidentsOf({ ...plain(model), lemons: model.lemons }, nodes, days, 1).filter(endsJobs);
    const { kept, nodeDays } = inService(incidents, nodes, days);
    expect(missOf(kept.length, (model.failuresPerThousandNodeDays / 1000) * nodeDays)).toBeLessThan(DEVIATIONS);
    const all = inService(incidentsOf(model, nodes, days, 2).filter(endsJobs), nodes, days);
    expect(missOf(all.kept.length, (model.failuresPerThousandNodeDays / 1000) * all.nodeDays)).toBeLessThan(DEVIATIONS);
  });

  it('has the published share of failures in lemons', () => {
    const incidents = incidentsOf({ ...plain(model), lemons: model.lemons }, nodes, days, 3).filter(endsJobs);
    const { kept } = inService(incidents, nodes, days);
    const ofLemons = new Set(kept.flatMap(({ isLemon, nodeIndices }) => (isLemon ? nodeIndices : [])));
    expect(ofLemons.size).toBe(Math.round(model.lemons.nodeShare * nodes));
    expect(shareOf(kept, ({ isLemon }) => isLemon)).toBeCloseTo(model.lemons.failureShare, 1);
  });

  it('splits failures by component and by how they are noticed', () => {
    const incidents = incidentsOf(plain(model), nodes, 1000, 4);
    for (const [component, { share, severities }] of Object.entries(model.components)) {
      const own = incidents.filter((incident) => incident.component === component);
      expect(missOf(own.length, share * incidents.length + 1)).toBeLessThan(DEVIATIONS);
      for (const severity of ['high', 'heartbeat', 'job'] as const) {
        expect(
          missOf(
            own.filter((incident) => incident.severity === severity).length,
            own.length * severities[severity] + 1,
          ),
        ).toBeLessThan(DEVIATIONS);
      }
    }
  });
});

describe('jobs of N nodes', () => {
  const model = plain(catalogModel('rsc-1'));

  it.each([4, 64, 512, 2048])('fail every 1 / (N r_f) in the mean: N = %i', (size) => {
    const days = 2_000_000 / size;
    const incidents = incidentsOf(model, size, days, 5);
    const mttf = mttfSeconds(size, model.failuresPerThousandNodeDays / 1000);
    expect(missOf(incidents.length, (days * DAY_MS) / 1000 / mttf)).toBeLessThan(DEVIATIONS);
  });

  it('of 16,384 GPUs every 1.8 hours, as published', () => {
    const incidents = incidentsOf(model, 2048, 1000, 6);
    expect((1000 * 24) / incidents.length).toBeCloseTo(1.8, 1);
  });
});

describe('how failures are noticed', () => {
  const model = catalogModel('rsc-1');
  const incidents = incidentsOf(model, 2000, 335, 7);
  const delays = (severity: string, isWrong = false) =>
    incidents
      .filter((incident) => incident.severity === severity && incident.isFalsePositive === isWrong)
      .map(({ atMs, detectedMs }) => (detectedMs - atMs) / 1000);
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

  it('waits for the next check, anywhere in its interval', () => {
    for (const severity of ['high', 'low']) {
      const found = delays(severity);
      expect(Math.min(...found)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...found)).toBeLessThanOrEqual(300);
      expect(mean(found)).toBeGreaterThan(140);
      expect(mean(found)).toBeLessThan(160);
    }
  });

  it('waits for the heartbeat to time out', () => {
    const found = delays('heartbeat');
    expect(Math.min(...found)).toBeGreaterThanOrEqual(200);
    expect(Math.max(...found)).toBeLessThanOrEqual(300);
  });

  it('finds most nodes that failed a job in the epilog', () => {
    const found = delays('job');
    expect(found.filter((delay) => delay <= 10).length / found.length).toBeCloseTo(0.9, 1);
    expect(Math.max(...found)).toBeLessThanOrEqual(300);
  });

  it('is wrong at the rate of the model, and then drains', () => {
    const wrong = incidents.filter(({ isFalsePositive }) => isFalsePositive);
    expect(missOf(wrong.length, (model.falsePositives.perThousandNodeDays / 1000) * 2000 * 335)).toBeLessThan(
      DEVIATIONS,
    );
    expect(new Set(wrong.map(({ severity }) => severity))).toEqual(new Set(['low']));
    const hours = mean(wrong.map(({ repairMs }) => repairMs)) / 3_600_000;
    expect(hours / meanHours(model.falsePositives.repair)).toBeCloseTo(1, 1);
  });

  it('is wrong with high severity as often as the model says, which changes nothing else', () => {
    const harsh = { ...model, falsePositives: { ...model.falsePositives, highShare: 0.25 } };
    const all = incidentsOf(harsh, 2000, 335, 5);
    const wrong = all.filter(({ isFalsePositive }) => isFalsePositive);
    expect(wrong.length).toBeGreaterThan(1000);
    const high = wrong.filter(({ severity }) => severity === 'high');
    expect(missOf(high.length, 0.25 * wrong.length)).toBeLessThan(DEVIATIONS);
    const real = (each: Incident) => !each.isFalsePositive;
    expect(all.filter(real)).toEqual(incidentsOf(model, 2000, 335, 5).filter(real));
  });

  it('sees the GPU go with the bus as often as published', () => {
    const pcie = incidents.filter(({ component, severity }) => component === 'pcie' && severity !== 'low');
    expect(
      missOf(pcie.filter(({ alsoSeen }) => alsoSeen?.includes('gpu') === true).length, 0.43 * pcie.length),
    ).toBeLessThan(DEVIATIONS);
  });
});

describe('regimes', () => {
  const model = catalogModel('rsc-1');
  const incidents = incidentsOf(model, 2000, 335, 8).filter(endsJobs);
  const perDay = (component: string, from: number, to: number) =>
    incidents.filter(
      (incident) => incident.component === component && incident.atMs >= from * DAY_MS && incident.atMs < to * DAY_MS,
    ).length /
    (to - from);

  it('raise the rate of their component while they last', () => {
    expect(perDay('gpu', 0, 60) / perDay('gpu', 60, 335)).toBeGreaterThan(1.6);
    expect(perDay('ib_link', 250, 290) / perDay('ib_link', 60, 250)).toBeGreaterThan(4);
    expect(perDay('mount', 0, 60) / perDay('mount', 60, 335)).toBeLessThan(1.3);
  });

  it('hit a handful of nodes where they are meant to', () => {
    const counts = new Map<number, number>();
    for (const { component, atMs, nodeIndices } of incidents) {
      if (component !== 'ib_link' || atMs < 250 * DAY_MS || atMs >= 290 * DAY_MS) continue;
      for (const nodeIndex of nodeIndices) counts.set(nodeIndex, (counts.get(nodeIndex) ?? 0) + 1);
    }
    const sorted = [...counts.values()].sort((a, b) => b - a);
    const all = sorted.reduce((sum, count) => sum + count, 0);
    expect(sorted.slice(0, 20).reduce((sum, count) => sum + count, 0) / all).toBeGreaterThan(0.6);
  });

  it('leave the mean over the days they are made for as it is', () => {
    expect(meanRegimeFactor(model)).toBeGreaterThan(1.1);
    // Before the links went bad and after the driver was mended, nodes failed less often than in the mean.
    const quiet = {
      ...model,
      failuresPerThousandNodeDays: model.failuresPerThousandNodeDays / meanRegimeFactor(model),
    };
    const rates = nodeRates({ ...quiet, regimes: [] });
    expect(nodeRates(model).healthyPerDay).toBeCloseTo(rates.healthyPerDay, 12);
  });
});

describe('outages', () => {
  const model = catalogModel('rsc-1');
  const nodes = fleet(2000);

  it('of a switch take every node below it', () => {
    const often = { ...model, switchOutages: { ...model.switchOutages, perThousandLeafDays: 10 } };
    const outages = drain(createIncidents(often, nodes, { seed: 9, untilMs: 335 * DAY_MS })).filter(
      ({ component }) => component === 'switch',
    );
    expect(missOf(outages.length, 335)).toBeLessThan(DEVIATIONS);
    for (const { nodeIndices } of outages) {
      const leaves = new Set(nodeIndices.map((nodeIndex) => nodes[nodeIndex]?.leaf));
      expect(leaves.size).toBe(1);
      expect(nodeIndices).toHaveLength(20);
    }
    expect(new Set(outages.map(({ nodeIndices }) => nodeIndices[0])).size).toBeGreaterThan(80);
  });

  it('of storage take a share of all nodes, different ones each time', () => {
    const often = { ...model, storageOutages: { ...model.storageOutages, perThousandDays: 100 } };
    const outages = drain(createIncidents(often, nodes, { seed: 9, untilMs: 335 * DAY_MS })).filter(
      ({ component }) => component === 'storage',
    );
    expect(missOf(outages.length, 33.5)).toBeLessThan(DEVIATIONS);
    for (const { nodeIndices } of outages) expect(new Set(nodeIndices).size).toBe(200);
    expect(outages[0]?.nodeIndices).not.toEqual(outages[1]?.nodeIndices);
  });

  it('of switches need leaves', () => {
    const flat = nodes.map((node) => ({ ...node, leaf: null }));
    const incidents = drain(createIncidents(model, flat, { seed: 9, untilMs: 335 * DAY_MS }));
    expect(incidents.some(({ component }) => component === 'switch')).toBe(false);
  });
});

describe('a source of incidents', () => {
  const model = catalogModel('rsc-1');

  it('comes in the order of time and ends', () => {
    const incidents = incidentsOf(model, 500, 100, 10);
    expect(incidents.length).toBeGreaterThan(500);
    const times = incidents.map(({ atMs }) => atMs);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(times.at(-1)).toBeLessThanOrEqual(100 * DAY_MS);
    for (const { atMs, detectedMs, repairMs } of incidents) {
      expect([atMs, detectedMs, repairMs].every(Number.isInteger)).toBe(true);
      expect(detectedMs).toBeGreaterThanOrEqual(atMs);
      expect(repairMs).toBeGreaterThan(0);
    }
  });

  it('is the same for the same seed and another for another', () => {
    expect(incidentsOf(model, 300, 50, 11)).toEqual(incidentsOf(model, 300, 50, 11));
    expect(incidentsOf(model, 300, 50, 11)).not.toEqual(incidentsOf(model, 300, 50, 12));
  });

  it('leaves all other failures as they are where one kind is left out', () => {
    const without = { ...model, falsePositives: { ...model.falsePositives, perThousandNodeDays: 0 } };
    const rest = incidentsOf(model, 300, 100, 13).filter(({ isFalsePositive }) => !isFalsePositive);
    expect(incidentsOf(without, 300, 100, 13)).toEqual(rest);
  });

  it('has no end where none is asked for', () => {
    const source = createIncidents(plain(model), fleet(10), { seed: 1, untilMs: null });
    for (let count = 0; count < 1000; count++) expect(source.next()).not.toBeNull();
  });

  it('gives nothing where nothing fails', () => {
    const nothing = { ...plain(model), failuresPerThousandNodeDays: 0 };
    expect(createIncidents(nothing, fleet(10), { seed: 1, untilMs: null }).next()).toBeNull();
  });
});

describe('lemons', () => {
  const model = catalogModel('rsc-1');
  const make = (cureShare: number) =>
    createIncidents({ ...plain(model), lemons: { ...model.lemons, cureShare } }, fleet(1000), {
      seed: 14,
      untilMs: 300 * DAY_MS,
    });

  it('stop once they are swapped, and nothing else changes', () => {
    const kept = make(0);
    const swapped = make(0);
    for (const nodeIndex of swapped.lemonIndices) swapped.swapped(nodeIndex);
    expect(kept.lemonIndices).toHaveLength(12);
    expect(swapped.lemonIndices).toEqual([]);
    const healthy = drain(swapped);
    expect(healthy.some(({ isLemon }) => isLemon)).toBe(false);
    const all = drain(kept);
    expect(all.length).toBeGreaterThan(2 * healthy.length);
    const times = new Set(all.map(({ atMs }) => atMs));
    expect(healthy.every(({ atMs }) => times.has(atMs))).toBe(true);
  });

  it('are cured by repairs as often as the model says', () => {
    const never = make(0);
    const sometimes = make(0.25);
    for (const source of [never, sometimes]) {
      for (const nodeIndex of source.lemonIndices) source.repaired?.(nodeIndex, 0);
    }
    expect(never.lemonIndices).toHaveLength(12);
    expect(sometimes.lemonIndices.length).toBeGreaterThan(5);
    expect(sometimes.lemonIndices.length).toBeLessThan(12);
  });

  it('cannot have more failures than repairs leave time for', () => {
    const impossible = { ...model, failuresPerThousandNodeDays: 100 };
    expect(() => nodeRates(impossible)).toThrow(/lemons\.failureShare: expected less/);
  });
});
