import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeHome, processesWith, removeHome, type RunningDaemon, startDaemon, until } from './support/daemon.ts';
import { readLog } from './support/jobs.ts';

let home: string;
let daemon: RunningDaemon;

beforeAll(async () => {
  home = makeHome();
  daemon = await startDaemon(home);
});

afterAll(async () => {
  await daemon.client.shutdown({ cancel: true });
  await daemon.exited;
  await removeHome(home);
});

async function run(script: string): Promise<{ id: number; state: string; exitCode: number | null }> {
  const { jobs } = await daemon.client.submit({ jobs: [{ command: ['sh', '-c', script] }] });
  const id = jobs[0]?.id ?? 0;
  await until(async () => (await daemon.client.job(id)).exitCode !== null, `job ${id} to end`);
  const { state, exitCode } = await daemon.client.job(id);
  return { id, state, exitCode };
}

/** Every reader of what a job leaves behind still answers. */
async function expectDaemonWell(id: number): Promise<void> {
  const { client } = daemon;
  expect((await client.metrics(id)).lines).toEqual([]);
  expect((await client.jobs({ all: true })).map((job) => job.id)).toContain(id);
  expect((await client.accounting('job')).map((row) => row.key)).toContain(String(id));
  for await (const chunk of client.logs(id)) expect(chunk.attempt).toBe(1);
  expect((await run('exit 0')).state).toBe('COMPLETED');
}

describe('a job that tampers with its own files harms itself alone', () => {
  it.each([
    ['removes its stderr and fails', 'rm -f "$(dirname "$ORRERY_METRICS")"/attempts/1/rank-0.err; exit 3', 'FAILED', 3],
    [
      'makes a FIFO of its stderr and fails',
      'cd "$(dirname "$ORRERY_METRICS")"/attempts/1; rm rank-0.err; mkfifo rank-0.err; exit 3',
      'FAILED',
      3,
    ],
    ['removes its attempt folder', 'rm -rf "$(dirname "$ORRERY_METRICS")"/attempts', 'FAILED', 137],
    [
      'makes a FIFO of the verdict on its memory',
      'mkfifo "$(dirname "$ORRERY_METRICS")"/attempts/1/out-of-memory; exit 3',
      'FAILED',
      3,
    ],
    ['makes a FIFO of its metrics', 'rm -f "$ORRERY_METRICS"; mkfifo "$ORRERY_METRICS"', 'COMPLETED', 0],
    ['makes a folder of its metrics', 'rm -f "$ORRERY_METRICS"; mkdir "$ORRERY_METRICS"', 'COMPLETED', 0],
  ])('%s', async (_name, script, state, exitCode) => {
    const job = await run(script);
    expect(job).toMatchObject({ state, exitCode });
    await expectDaemonWell(job.id);
  });

  it('spoils its record while the daemon is away: it is started again, and the next daemon comes up', async () => {
    const { client } = daemon;
    const script =
      'echo up; if [ $ORRERY_ATTEMPT = 1 ]; then printf {} > "$(dirname "$ORRERY_METRICS")"/attempts/1/attempt.json; sleep 100; fi';
    const { jobs } = await client.submit({ jobs: [{ command: ['sh', '-c', script] }] });
    const id = jobs[0]?.id ?? 0;
    await until(async () => (await readLog(client, id)) === 'up\n', 'the job to run');
    const record = join(home, 'jobs', String(id), 'attempts', '1', 'attempt.json');
    await until(() => readFileSync(record, 'utf8') === '{}', 'its record to be spoilt');
    daemon.process.kill('SIGKILL');
    await daemon.exited;
    daemon = await startDaemon(home);
    const second = daemon.client;
    await until(async () => (await second.job(id)).state === 'COMPLETED', 'the second attempt to complete');
    expect((await second.job(id)).attempt).toBe(2);
    expect(processesWith(`ORRERY_ATTEMPT=1\0`).filter((pid) => processesWith(home).includes(pid))).toEqual([]);
  });
});
