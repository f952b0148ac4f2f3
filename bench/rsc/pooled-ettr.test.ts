import { describe, expect, it } from 'vitest';
import { streamOf } from '../../src/lib/random.ts';
import type { EttrFormula } from '../../src/twin/report.ts';
import { pooledEttr, verdictOf } from './pooled-ettr.ts';

/** Of a run whose jobs took so many times what the formula expects. */
function run(times: number, jobs = 20): EttrFormula {
  const ettr = 0.9;
  return {
    ettr,
    ettrAtRateOfLarge: ettr,
    ettrLongRun: ettr,
    measured: ettr / times,
    jobs,
    nodes: 512,
    mttfSeconds: 26_000,
    restartSeconds: 750,
    noticingSeconds: 180,
    checkpointIntervalSeconds: 3600,
    checkpointWriteSeconds: 0,
    requeueWaitSeconds: 600,
    productiveSeconds: 100_000,
    stoppedShare: 0.5,
  };
}

describe('the ETTR of several runs beside the formula', () => {
  it('weighs runs by the time of their jobs', () => {
    const pooled = pooledEttr([run(1, 30), run(1.2, 10)], 'given');
    expect(pooled.jobs).toBe(40);
    expect(pooled.measured).toBeCloseTo((0.9 * 4) / (3 + 1.2), 12);
    expect(pooled.formula).toBeCloseTo(0.9, 12);
    expect(pooled.apart).toBeCloseTo(4 / 4.2 - 1, 12);
  });

  it('has an interval that holds the truth in 95 of 100 cases', () => {
    const random = streamOf(1, 'pooled');
    const truth = 1.03;
    const cases = 2000;
    let held = 0;
    for (let index = 0; index < cases; index++) {
      const runs = Array.from({ length: 5 }, () => run(truth + 0.02 * random.nextNormal()));
      const { interval } = pooledEttr(runs, 'given');
      const apart = 1 / truth - 1;
      if (interval !== null && interval.low <= apart && apart <= interval.high) held += 1;
    }
    expect(held / cases).toBeGreaterThan(0.93);
    expect(held / cases).toBeLessThan(0.97);
  });

  it('says what chance leaves open, and of one run only what it is', () => {
    expect(verdictOf(pooledEttr([run(1.01), run(1.02), run(1.015)], 'given'), 0.05)).toBe('ok');
    expect(verdictOf(pooledEttr([run(1.1), run(1.11), run(1.105)], 'given'), 0.05)).toBe('OFF');
    expect(verdictOf(pooledEttr([run(1), run(1.09), run(0.93)], 'given'), 0.05)).toBe('chance may decide');
    const one = pooledEttr([run(1.02)], 'given');
    expect([one.interval, verdictOf(one, 0.05)]).toEqual([null, 'ok']);
  });
});
