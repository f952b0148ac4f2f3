import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DaemonFixture } from './daemon.test-support.ts';

let fixture: DaemonFixture;
beforeAll(async () => {
  fixture = new DaemonFixture();
  await fixture.start();
});
afterAll(() => fixture.remove());

describe('a job that hangs', () => {
  it('is ended and put back, and goes on from its next attempt', async () => {
    const jobId = await fixture.sh('echo begun; [ "$ORRERY_ATTEMPT" = 2 ] || exec sleep 600; echo done', {
      nodes: 2,
      hangAfter: '1s',
      maxRequeues: 1,
    });
    const job = await fixture.until(jobId, 'COMPLETED');
    expect(job).toMatchObject({ requeues: 1, attempt: 2 });
    expect(job.attempts.map(({ state, message }) => ({ state, message }))).toEqual([
      { state: 'FAILED', message: 'hung: no output and no metrics for as long as it allows' },
      { state: 'COMPLETED', message: null },
    ]);
  });

  it('fails once it may not be put back again', async () => {
    const jobId = await fixture.sh('exec sleep 600', { hangAfter: '0.5s', maxRequeues: 0 });
    const job = await fixture.until(jobId, 'FAILED');
    expect(job).toMatchObject({ requeues: 0, attempt: 1 });
    expect(job.exitCode).not.toBe(0);
  });

  it.each([
    ['output', 'echo "$i"'],
    ['metrics', 'echo "{\\"step\\":$i}" >> "$ORRERY_METRICS"'],
  ])('is not one whose ranks write %s, however long it takes', async (_, write) => {
    const script = `[ "$RANK" = 1 ] && exec sleep 4; for i in 1 2 3 4 5 6 7 8 9 10 11 12; do ${write}; sleep 0.3; done`;
    const jobId = await fixture.sh(script, { nodes: 2, hangAfter: '2s' });
    const job = await fixture.until(jobId, 'COMPLETED');
    expect(job.attempt).toBe(1);
  });
});
