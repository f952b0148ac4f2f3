import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DaemonFixture } from '../daemon.test-support.ts';

const WHOLE = { nodes: 2, exclusive: true, time: '10m' };

let fixture: DaemonFixture;
beforeAll(async () => {
  fixture = new DaemonFixture();
  await fixture.start();
});
afterAll(() => fixture.remove());

describe('GET /jobs/{id}/forecast', () => {
  it('is by the time limits of what runs and waits before it, and by the jobs of the past once there are some', async () => {
    const { client } = fixture;
    const running = await fixture.sh('sleep 600', WHOLE);
    await fixture.until(running, 'RUNNING');
    const next = await fixture.sh('true', WHOLE);
    const last = await fixture.sh('true', WHOLE);
    const startTime = (await client.job(running)).startTime ?? 0;
    const [soon, later] = [await client.forecast(next), await client.forecast(last)];
    expect(soon.medianTime).toBeCloseTo(startTime + 600, -1);
    expect(later.medianTime).toBeCloseTo(startTime + 1200, -1);
    expect(later).toMatchObject({ id: last, startedShare: 1, historyJobs: 0 });
    await client.cancel(running);
    await fixture.until(last, 'COMPLETED');

    for (let count = 0; count < 4; count += 1) await fixture.until(await fixture.sh('sleep 1', WHOLE), 'COMPLETED');
    const again = await fixture.sh('sleep 600', WHOLE);
    await fixture.until(again, 'RUNNING');
    const before = [await fixture.sh('true', WHOLE), await fixture.sh('true', WHOLE)];
    const known = await client.forecast(before.at(-1) ?? 0);
    expect(known.historyJobs).toBe(7);
    // Of the two jobs before it the one that waits is taken to end as quickly as the others did.
    expect(known.medianTime).toBeLessThan(((await client.job(again)).startTime ?? 0) + 900);
    for (const jobId of [again, ...before]) await client.cancel(jobId);
  });

  it('is nothing for a job that is held, runs, or waits for one that failed', async () => {
    const { client } = fixture;
    const held = await fixture.sh('true', { hold: true });
    const failed = await fixture.sh('exit 1');
    await fixture.until(failed, 'FAILED');
    const never = await fixture.sh('true', { after: `afterok:${failed}` });
    for (const jobId of [held, failed, never]) {
      expect(await client.forecast(jobId)).toMatchObject({ medianTime: null, startedShare: 0 });
    }
  });

  it('counts a delay after a start, also where that job has ended', async () => {
    const { client } = fixture;
    const ended = await fixture.sh('exit 1');
    await fixture.until(ended, 'FAILED');
    const running = await fixture.sh('sleep 600', { time: '10m' });
    await fixture.until(running, 'RUNNING');
    const startOf = async (jobId: number) => (await client.job(jobId)).startTime ?? 0;
    const after = [
      `after:${ended}+30`,
      `after:${running}+20`,
      `afterok:${ended}?after:${running}+5`,
      `after:${running}+5?after:${ended}`,
    ];
    const expected = [(await startOf(ended)) + 1800, (await startOf(running)) + 1200, (await startOf(running)) + 300];
    const waiting: number[] = [];
    for (const words of after) waiting.push(await fixture.sh('true', { after: words }));
    for (const [place, time] of expected.entries())
      expect((await client.forecast(waiting[place] ?? 0)).medianTime).toBeCloseTo(time, -1);
    await fixture.until(waiting[3] ?? 0, 'COMPLETED');
    for (const jobId of [running, ...waiting.slice(0, 3)]) await client.cancel(jobId);
  });
});
