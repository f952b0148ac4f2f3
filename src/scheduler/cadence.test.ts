import { describe, expect, it } from 'vitest';
import { Cadence } from './cadence.ts';

const BEGIN = 1_000_500;
const POLICY = {
  batchSchedDelaySeconds: 3,
  schedIntervalSeconds: 60,
  timeLimitCheckSeconds: 30,
  controllerAgeSeconds: 0,
  bfMaxTimeSeconds: 30,
  bfYieldIntervalSeconds: 2,
  bfYieldSleepSeconds: 0.5,
  isBfContinued: false,
  nodeTestMicroseconds: 0,
};

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
  const cadence = new Cadence({ ...POLICY, promptEndShare: share }, bfIntervalSeconds);
  expect(cadence.next(BEGIN)).toBeNull();
  return cadence;
}

describe('a cadence', () => {
  it('makes a pass that was asked for at the first tick of a second after three seconds', () => {
    const cadence = begun(null);
    cadence.ask(BEGIN + 100);
    expect(passes(cadence, BEGIN, BEGIN + 20_000)).toEqual([['main', 3006]]);
    // Whoever asks long after the last pass waits for the next tick.
    cadence.ask(BEGIN + 30_000);
    expect(passes(cadence, BEGIN + 30_000, BEGIN + 50_000)).toEqual([['main', 60]]);
  });

  it('goes through the whole queue once a minute, and through an empty one not at all', () => {
    expect(passes(begun(null), BEGIN, BEGIN + 130_000)).toEqual([
      ['full', 60_000],
      ['full', 120_000],
    ]);
    const idle = begun(null);
    expect(passes(idle, BEGIN, BEGIN + 130_000, true)).toEqual([]);
    idle.ask(BEGIN + 130_000);
    expect(passes(idle, BEGIN + 130_000, BEGIN + 135_000)).toEqual([['main', 20]]);
  });

  it('backfills an interval after the last time if anything changed, else within a second of the next change', () => {
    const cadence = begun(30);
    cadence.ask(BEGIN + 10);
    const made = passes(cadence, BEGIN, BEGIN + 100_000).filter(([pass]) => pass === 'backfill');
    expect(made).toEqual([['backfill', 500]]);
    cadence.ask(BEGIN + 100_000);
    const [late] = passes(cadence, BEGIN + 100_000, BEGIN + 103_000).filter(([pass]) => pass === 'backfill');
    expect(late).toEqual(['backfill', 500]);
    cadence.ask(BEGIN + 103_000);
    const [next] = passes(cadence, BEGIN + 103_000, BEGIN + 150_000).filter(([pass]) => pass === 'backfill');
    expect(next).toEqual(['backfill', 27_500]);
  });

  it('makes a pass at once where a job was killed, and for the given share of jobs on one node', () => {
    const killed = begun(null);
    killed.jobEnded(1, 4, true, BEGIN + 200);
    expect(passes(killed, BEGIN + 200, BEGIN + 300)).toEqual([['main', 0]]);
    const prompt = (share: number, nodes: number) => {
      const cadence = begun(null, share);
      let count = 0;
      for (let jobId = 1; jobId <= 1000; jobId++) {
        cadence.jobEnded(jobId, nodes, false, BEGIN + jobId);
        if (passes(cadence, BEGIN + jobId, BEGIN + jobId).length > 0) count += 1;
      }
      return count;
    };
    expect(prompt(0.25, 1)).toBeGreaterThan(220);
    expect(prompt(0.25, 1)).toBeLessThan(280);
    expect(prompt(0.25, 2)).toBe(0);
    expect(prompt(1, 2)).toBe(1000);
  });

  it('looks at time limits at its own instants', () => {
    expect(begun(30).limitCheckMs(61_000)).toBe(90_000);
    expect(begun(30).limitCheckMs(90_000)).toBe(90_000);
    expect(begun(30).limitCheckMs(Infinity)).toBe(Infinity);
  });
});
