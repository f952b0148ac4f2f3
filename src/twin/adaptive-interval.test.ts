import { describe, expect, it } from 'vitest';
import { adaptedCheckpointing, optimalIntervalMs } from './adaptive-interval.ts';

const HOUR_MS = 3_600_000;
const checkpointing = { intervalMs: 7, writeMs: 30_000, isBlocking: true, restartMs: 600_000 };
const unharmed = { failures: 0, productiveMs: 0, lostMs: 0, overheadMs: 0 };

describe('a checkpoint interval', () => {
  it('that does not adapt stays, and none stays none', () => {
    expect(adaptedCheckpointing({ twin: { checkpointing }, ...unharmed, failures: 9 })).toBe(checkpointing);
    expect(adaptedCheckpointing({ twin: { checkpointing: null }, ...unharmed })).toBeNull();
  });

  it('that adapts begins at the optimum of what is expected', () => {
    const twin = { checkpointing: { ...checkpointing, mttfPriorMs: 20 * HOUR_MS } };
    // sqrt(2 x 30 s x 72,000 s) = 2,078.5 s.
    expect(adaptedCheckpointing({ twin, ...unharmed })?.intervalMs).toBe(2_078_461);
  });

  it('that adapts shortens with each failure and lengthens with each hour without', () => {
    const twin = { checkpointing: { ...checkpointing, mttfPriorMs: 20 * HOUR_MS } };
    const intervalMs = (failures: number, hours: number) =>
      adaptedCheckpointing({ twin, ...unharmed, failures, productiveMs: hours * HOUR_MS })?.intervalMs ?? 0;
    // Half the mean time to failure: the interval is shorter by the root of two.
    expect(intervalMs(1, 0) / intervalMs(0, 0)).toBeCloseTo(Math.SQRT1_2, 4);
    expect(intervalMs(0, 60) / intervalMs(0, 0)).toBeCloseTo(2, 4);
    // Ten failures in 200 hours outweigh what was expected: (20 + 200) / 11 = 20 h is what it was.
    expect(intervalMs(10, 200)).toBe(intervalMs(0, 0));
  });

  it('is never shorter than a write, nor than a minute', () => {
    expect(optimalIntervalMs(0, HOUR_MS)).toBe(60_000);
    expect(optimalIntervalMs(600_000, 1000)).toBe(600_000);
  });
});
