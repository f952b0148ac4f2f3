import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { OrreryError } from '../../contract/errors.ts';
import { LookLoop } from './look-loop.ts';

const said: string[] = [];
const log = { info: (_: object, text: string) => said.push(text), error: (_: object, text: string) => said.push(text) };
let loop: LookLoop | undefined;
afterEach(async () => {
  said.length = 0;
  await loop?.stop();
});

describe('looks at Slurm that come to nothing', () => {
  it('are told with when the first was and what the last one said, once in the log, until one succeeds', async () => {
    const answers: (Error | null)[] = [
      null,
      new Error('no answer'),
      new OrreryError('ORR_STORAGE', 'disk is full'),
      null,
    ];
    let nowMs = 0;
    loop = new LookLoop({
      look: async () => {
        nowMs += 1000;
        const answer = answers.shift() ?? null;
        if (answer !== null) throw answer;
        return false;
      },
      onLooked: () => undefined,
      now: () => nowMs,
      log,
    });
    const outages = [loop.outage];
    for (let look = 0; look < 4; look += 1) {
      await loop.look();
      outages.push(loop.outage);
    }
    expect(outages).toEqual([
      null,
      null,
      { sinceMs: 1000, reason: 'no answer', cause: 'slurm' },
      { sinceMs: 1000, reason: 'disk is full', cause: 'storage' },
      null,
    ]);
    expect(said).toEqual(['Slurm could not be looked at; jobs are as last seen', 'Slurm answers again']);
  });

  it('may have come to nothing before the loop began', async () => {
    const outage = { sinceMs: 5, reason: 'no answer', cause: 'slurm' } as const;
    loop = new LookLoop({ look: async () => false, onLooked: () => undefined, now: () => 9, log, outage });
    expect(loop.outage).toEqual(outage);
    await loop.look();
    expect(loop.outage).toBeNull();
  });
});

describe('between two looks', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** Looks one after the other, each takes so long and fails where it says so: how long after the end of each the next began, in milliseconds. */
  async function pausesOf(
    looks: readonly { tookMs: number; fails?: true; loadMs?: number; wanted?: true }[],
    onLooked: (isBack: boolean) => void = () => undefined,
  ): Promise<number[]> {
    const ends: number[] = [];
    const pauses: number[] = [];
    let place = -1;
    const made = new LookLoop({
      look: async () => {
        const last = ends.at(-1);
        if (last !== undefined) pauses.push(performance.now() - last);
        place += 1;
        const { tookMs = 0, fails, wanted } = looks[place] ?? {};
        if (wanted === true) setTimeout(() => made.soon(), tookMs / 2);
        await new Promise((resolve) => {
          setTimeout(resolve, tookMs);
        });
        ends.push(performance.now());
        if (fails === true) throw new Error('no answer');
        return false;
      },
      loadMs: () => looks[place]?.loadMs ?? looks[place]?.tookMs ?? 0,
      onLooked,
      now: () => performance.now(),
      log,
    });
    void made.look();
    while (pauses.length < looks.length) await vi.advanceTimersByTimeAsync(100);
    void made.stop();
    return pauses.map((ms) => Math.round(ms));
  }

  it('of which the first fails there are 15 s at most, and 5 s where the failure is told at once', async () => {
    const failures = (tookMs: number) => Array.from({ length: 12 }, () => ({ tookMs, fails: true }) as const);
    expect((await pausesOf(failures(9_000))).every((ms) => ms === 9_000)).toBe(true);
    expect(Math.max(...(await pausesOf(failures(60_000))))).toBe(15_000);
    expect((await pausesOf(failures(10))).slice(-2)).toEqual([5_000, 5_000]);
  });

  it('a single one that took long costs nothing: it may have waited for a slurmctld that was being started', async () => {
    const [first, afterLong, afterShort] = await pausesOf([{ tookMs: 100 }, { tookMs: 9_000 }, { tookMs: 100 }]);
    expect([first, afterLong, afterShort]).toEqual([1_300, 1_690, 2_197]);
  });

  it('that always take long slurmctld rests, for a minute at most; what else a look does is not its load', async () => {
    expect((await pausesOf([{ tookMs: 3_000 }, { tookMs: 3_000 }]))[1]).toBe(30_000);
    expect((await pausesOf([{ tookMs: 20_000 }, { tookMs: 20_000 }]))[1]).toBe(60_000);
    expect((await pausesOf([1, 2].map(() => ({ tookMs: 20_000, loadMs: 100 }))))[1]).toBeLessThan(2_000);
  });

  it('what was asked for during the first is made as soon as that is over and others have had their turn', async () => {
    expect((await pausesOf([{ tookMs: 100, wanted: true }]))[0]).toBe(200);
    expect((await pausesOf([{ tookMs: 4_000, wanted: true }]))[0]).toBe(4_000);
  });

  it('whoever wants to know is told that Slurm is back', async () => {
    const told: boolean[] = [];
    await pausesOf([{ tookMs: 1 }, { tookMs: 1, fails: true }, { tookMs: 1 }, { tookMs: 1 }], (isBack) => {
      told.push(isBack);
    });
    expect(told.slice(0, 4)).toEqual([false, false, true, false]);
  });
});
