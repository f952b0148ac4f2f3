import { describe, expect, it } from 'vitest';
import { processesWith, sleep, until, useDaemon } from './support/daemon.ts';
import { evidenceJob, expectAllWell, haveEnded, makeLedger, readLog } from './support/jobs.ts';

const fixture = useDaemon();

describe('a daemon killed with SIGKILL', () => {
  it('at 20 instants while 50 jobs run: every job ends once, in the right state, with its log complete', async () => {
    const ledger = makeLedger(fixture.home);
    let daemon = await fixture.restart();
    const submitted = await daemon.client.submit({
      jobs: Array.from({ length: 50 }, (_, index) => evidenceJob(index, ledger)),
    });
    const ids = submitted.jobs.map((job) => job.id);
    for (let kill = 0; kill < 20; kill += 1) {
      // Primes spread the instants over every phase of a job's life; chance is in how long each start takes.
      await sleep(((kill * 37) % 211) + 3);
      daemon = await fixture.restart();
    }
    const { client } = daemon;
    await until(() => haveEnded(client, ids), 'all 50 jobs to end', 120_000);
    await expectAllWell(client, ids, ledger);
    const left = () =>
      processesWith(`ORRERY_JOB_ID=${ids[0]}\0`).filter((pid) => processesWith(fixture.home).includes(pid));
    await expect.poll(left, { timeout: 30_000 }).toEqual([]);
  }, 240_000);

  it('on the acknowledgement of 500 jobs submitted in bulk: none is lost', async () => {
    const daemon = await fixture.restart();
    const submitted = await daemon.client.submit({
      jobs: Array.from({ length: 500 }, () => ({ command: ['true'], hold: true })),
    });
    const { client } = await fixture.restart();
    const found = new Set((await client.jobs({})).map((job) => job.id));
    expect(submitted.jobs.length).toBe(500);
    expect(submitted.jobs.filter((job) => !found.has(job.id))).toEqual([]);
  });

  it('while a job is held, cancelled and requeued: what was acknowledged is still so', async () => {
    const daemon = await fixture.restart();
    const { jobs } = await daemon.client.submit({
      jobs: [
        { command: ['sh', '-c', 'echo up; sleep 1000'] },
        { command: ['sleep', '1000'] },
        { command: ['true'], hold: true },
      ],
    });
    const [running, cancelled, held] = jobs.map((job) => job.id);
    const first = daemon.client;
    await until(async () => (await readLog(first, running ?? 0)) === 'up\n', 'the first job to run');
    await first.cancel(cancelled ?? 0);
    await first.drainNode('n3', 'test');
    const { client } = await fixture.restart();
    await until(async () => (await client.job(cancelled ?? 0)).state === 'CANCELLED', 'the cancelled job to end');
    expect((await client.job(running ?? 0)).state).toBe('RUNNING');
    expect((await client.job(running ?? 0)).attempt).toBe(1);
    expect((await client.job(held ?? 0)).reason).toBe('JobHeldUser');
    expect((await client.nodes()).find((node) => node.name === 'n3')?.state).toMatch(/^drain/);
    await client.cancel(running ?? 0);
    await until(async () => (await client.job(running ?? 0)).state === 'CANCELLED', 'the running job to end');
  });
});
