import { describe, expect, it } from 'vitest';
import { PLAIN_CADENCE } from './cadence.test-support.ts';
import { Cadence } from './cadence.ts';

const BEGIN = 1_000_500;

/** Every pass until then, as the driver that is woken when it asks to be would see them. */
function passes(cadence: Cadence, fromMs: number, toMs: number, isQueueEmpty = false) {
  const made: [string, number][] = [];
  for (let nowMs = fromMs; nowMs <= toMs; ) {
    for (let pass = cadence.next(nowMs); pass !== null; pass = cadence.next(nowMs)) made.push([pass, nowMs - fromMs]);
    const wakeMs = cadence.wakeMs(isQueueEmpty);
    if (wakeMs <= nowMs) throw new Error(`it wants to be woken at ${wakeMs} ms, which is not after ${nowMs} ms`);
    nowMs = wakeMs;
  }
  return made;
}

function begun(bfIntervalSeconds: number | null, share = 0): Cadence {
  const cadence = new Cadence({ ...PLAIN_CADENCE, promptEndShare: share }, bfIntervalSeconds);
  expect(cadence.next(BEGIN)).toBeNull();
  return cadence;
}

describe('a cadence', () => {
  it('makes a pass that was asked for at the first tick of a second after three seconds', () => {
    const cadence = begun(null);
    cadence.ask(BEGIN + 100);
    expect(passes(cadence, BEGIN, BEGIN + 20_000)).toEqual([['main', 3005]]);
    // Whoever asks long after the last pass waits for the next tick.
    cadence.ask(BEGIN + 30_000);
    expect(passes(cadence, BEGIN + 30_000, BEGIN + 50_000)).toEqual([['main', 46]]);
  });

  it('goes through the whole queue once a minute, and through an empty one not at all', () => {
    expect(passes(begun(null), BEGIN, BEGIN + 130_000)).toEqual([
      // The first ticks once sixty seconds have begun since the second of the last.
      ['full', 60_090],
      ['full', 120_180],
    ]);
    const idle = begun(null);
    expect(passes(idle, BEGIN, BEGIN + 130_000, true)).toEqual([]);
    idle.ask(BEGIN + 130_000);
    expect(passes(idle, BEGIN + 130_000, BEGIN + 135_000)).toEqual([['main', 195]]);
  });

  it('backfills an interval after the end of the last time if anything changed, else within a second of the next change', () => {
    const cadence = begun(30);
    cadence.ask(BEGIN + 10);
    expect(passes(cadence, BEGIN, BEGIN + 29_999).filter(([pass]) => pass === 'backfill')).toEqual([]);
    expect(cadence.next(BEGIN + 30_000)).toBe('backfill');
    cadence.backfillOver(BEGIN + 31_200);
    cadence.ask(BEGIN + 62_000);
    const soon = passes(cadence, BEGIN + 62_000, BEGIN + 62_199).map(([pass]) => pass);
    expect(soon).not.toContain('backfill');
    expect(cadence.next(BEGIN + 62_200)).toBe('backfill');
    // It ends in the second of a change: another pass follows an interval later. Meanwhile no other pass of backfill begins.
    cadence.changed(BEGIN + 62_210);
    expect(cadence.next(BEGIN + 62_250, true)).toBeNull();
    cadence.backfillOver(BEGIN + 62_300);
    expect(passes(cadence, BEGIN + 62_300, BEGIN + 92_299).map(([pass]) => pass)).not.toContain('backfill');
    expect(cadence.next(BEGIN + 92_300)).toBe('backfill');
  });

  it('goes through the whole queue late where backfill was in the way', () => {
    const cadence = begun(30);
    cadence.ask(BEGIN + 59_000);
    expect(cadence.next(BEGIN + 59_000)).toBe('backfill');
    cadence.backfillOver(BEGIN + 60_700);
    expect(cadence.next(BEGIN + 60_700)).toBe('full');
    expect(cadence.next(BEGIN + 60_700)).toBeNull();
  });

  it('begins with a controller of some age', () => {
    const cadence = new Cadence({ ...PLAIN_CADENCE, promptEndShare: 0, controllerAgeSeconds: 1.5 }, 30);
    expect(cadence.next(BEGIN)).toBeNull();
    cadence.ask(BEGIN);
    expect(cadence.wakeMs(false)).toBe(BEGIN - 1500 + 3005);
    expect(cadence.next(BEGIN + 28_500)).toBe('main');
    expect(cadence.next(BEGIN + 28_500)).toBe('backfill');
  });

  it('goes on from the last passes of a controller, of which the one through the whole queue counts for the others too', () => {
    const goesOn = (mainAgeSeconds: number, fullAgeSeconds: number) => {
      const cadence = new Cadence({ ...PLAIN_CADENCE, mainAgeSeconds, fullAgeSeconds }, null);
      expect(cadence.next(BEGIN)).toBeNull();
      cadence.ask(BEGIN);
      return passes(cadence, BEGIN, BEGIN + 12_000);
    };
    expect(goesOn(1, 51)).toEqual([
      ['main', 2005],
      ['full', 9016],
    ]);
    expect(goesOn(9, 1)).toEqual([['main', 2005]]);
  });

  it('begins its loop later than backfill where it has to', () => {
    const policy = { ...PLAIN_CADENCE, promptEndShare: 0, loopDelaySeconds: 0.25 };
    const cadence = new Cadence(policy, null);
    expect(cadence.next(BEGIN)).toBeNull();
    cadence.ask(BEGIN);
    expect(passes(cadence, BEGIN, BEGIN + 5000)).toEqual([['main', 250 + 3005]]);
    const backfilling = new Cadence(policy, 1);
    expect(backfilling.next(BEGIN)).toBeNull();
    backfilling.changed(BEGIN);
    expect(backfilling.wakeMs(true)).toBe(BEGIN + 1000);
  });

  it('makes a pass at once where a job was killed, and for the given share of jobs', () => {
    const killed = begun(null);
    killed.jobEnded(1, true, BEGIN + 200);
    expect(passes(killed, BEGIN + 200, BEGIN + 300)).toEqual([['main', 0]]);
    const prompt = (share: number) => {
      const cadence = begun(null, share);
      let count = 0;
      for (let jobId = 1; jobId <= 1000; jobId++) {
        cadence.jobEnded(jobId, false, BEGIN + jobId);
        if (passes(cadence, BEGIN + jobId, BEGIN + jobId).length > 0) count += 1;
      }
      return count;
    };
    expect(prompt(0.25)).toBeGreaterThan(220);
    expect(prompt(0.25)).toBeLessThan(280);
    expect(prompt(0)).toBe(0);
    expect(prompt(1)).toBe(1000);
  });

  it('looks at time limits at its own instants', () => {
    expect(begun(30).limitCheckMs(61_000)).toBe(90_000);
    expect(begun(30).limitCheckMs(90_000)).toBe(90_000);
    expect(begun(30).limitCheckMs(Infinity)).toBe(Infinity);
  });
});
