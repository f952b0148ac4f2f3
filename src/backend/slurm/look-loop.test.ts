import { afterEach, describe, expect, it } from 'vitest';
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
    const answers: (Error | null)[] = [null, new Error('no answer'), new Error('refused'), null];
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
      { sinceMs: 1000, reason: 'no answer' },
      { sinceMs: 1000, reason: 'refused' },
      null,
    ]);
    expect(said).toEqual(['Slurm could not be looked at; jobs are as last seen', 'Slurm answers again']);
  });

  it('may have come to nothing before the loop began', async () => {
    const outage = { sinceMs: 5, reason: 'no answer' };
    loop = new LookLoop({ look: async () => false, onLooked: () => undefined, now: () => 9, log, outage });
    expect(loop.outage).toEqual(outage);
    await loop.look();
    expect(loop.outage).toBeNull();
  });
});
