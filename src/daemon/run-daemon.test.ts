import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { daemonFileSchema } from '../contract/api.ts';
import { DaemonFixture } from './daemon.test-support.ts';
import { runDaemon } from './run-daemon.ts';

const fixture = new DaemonFixture();
beforeAll(() => fixture.start());
afterAll(() => fixture.remove());

describe('a job', () => {
  it('runs as a gang and is shown from submission to accounting', async () => {
    const jobId = await fixture.sh(
      'echo "rank $RANK of $WORLD_SIZE"; echo "$GREETING" >&2',
      { nodes: 2, name: 'gang' },
      { GREETING: 'hi' },
    );
    expect((await fixture.output(jobId)).trim().split('\n').sort()).toEqual(['rank 0 of 2', 'rank 1 of 2']);
    expect(await fixture.output(jobId, 'stderr')).toBe('hi\nhi\n');
    const job = await fixture.until(jobId, 'COMPLETED');
    expect(job).toMatchObject({
      name: 'gang',
      exitCode: 0,
      reason: 'None',
      nodeList: ['n1', 'n2'],
      attempt: 1,
      requeues: 0,
      code: null,
    });
    expect(job.attempts).toMatchObject([{ attempt: 1, state: 'COMPLETED', exitCode: 0, message: null }]);
    expect(job.endTime).toBeGreaterThanOrEqual(job.startTime ?? Number.POSITIVE_INFINITY);
    const row = (await fixture.client.accounting('job')).find(({ key }) => key === String(jobId));
    expect(row).toMatchObject({ name: 'gang', jobs: 1, nodeFailures: 0 });
    expect(row?.ettr).toBeGreaterThan(0);
    expect(row?.ettr).toBeLessThanOrEqual(1);
    const why = await fixture.client.why(jobId);
    expect(why.detail).toEqual(['The job has ended: COMPLETED, exit code 0.']);
  });

  it('is named after its program where nobody named it, and fails with its exit code', async () => {
    const jobId = await fixture.sh('exit 7');
    expect(await fixture.until(jobId, 'FAILED')).toMatchObject({ name: 'sh', exitCode: 7 });
    expect((await fixture.client.why(jobId)).detail).toEqual([
      'The job has ended: FAILED, exit code 7.',
      'Its last attempt: rank 0 on n1 exited with status 7.',
      `The end of what it wrote: orrery logs ${jobId} --rank 0 --tail 20`,
    ]);
  });

  it('waits for the time it is to begin at, and that wait is not held against it', async () => {
    const jobId = await fixture.sh('sleep 4', { begin: 'now+5' });
    expect(await fixture.client.job(jobId)).toMatchObject({ state: 'PENDING', reason: 'BeginTime' });
    expect((await fixture.client.why(jobId)).detail[0]).toMatch(new RegExp(`^Job ${jobId} may start in 00:00:0[1-5]`));
    const job = await fixture.until(jobId, 'COMPLETED');
    expect(job.startTime).toBeGreaterThanOrEqual(job.submitTime + 5);
    const row = (await fixture.client.accounting('job')).find(({ key }) => key === String(jobId));
    expect(row?.ettr).toBeGreaterThan(0.5);
  });

  it('can be held, released, signalled, cancelled and requeued', async () => {
    const { client } = fixture;
    const jobId = await fixture.sh('trap "echo usr1" USR1; echo up; while :; do sleep 0.05; done', { hold: true });
    expect(await client.job(jobId)).toMatchObject({ state: 'PENDING', reason: 'JobHeldUser' });
    await client.release(jobId);
    await fixture.until(jobId, 'RUNNING');
    for await (const chunk of client.logs(jobId, { follow: true })) {
      if (chunk.text === 'up\n') await client.signal(jobId, 'USR1');
      if (chunk.text.includes('usr1')) break;
    }
    await expect(client.signal(jobId, 'NOPE')).rejects.toMatchObject({ code: 'ORR_USAGE' });
    await client.cancel(jobId);
    expect((await fixture.until(jobId, 'CANCELLED')).exitCode).not.toBe(0);
    await expect(client.cancel(jobId)).rejects.toThrow(`job ${jobId} has already ended: CANCELLED`);
    expect(await client.requeue(jobId)).toMatchObject({ exitCode: null, endTime: null });
    expect(await fixture.until(jobId, 'RUNNING')).toMatchObject({ attempt: 2 });
    await client.cancel(jobId);
    expect((await fixture.until(jobId, 'CANCELLED')).attempts.map(({ state }) => state)).toEqual([
      'CANCELLED',
      'CANCELLED',
    ]);
  });

  it('gets its secrets, which are nowhere else', async () => {
    const secret = 'correct-horse-battery';
    writeFileSync(join(fixture.home, 'secrets', 'HF_TOKEN'), secret, { mode: 0o600 });
    const jobId = await fixture.sh('test ${#HF_TOKEN} = 21 && echo same', {
      secrets: ['HF_TOKEN'],
      name: 'secret',
    });
    expect(await fixture.output(jobId)).toBe('same\n');
    const missing = await fixture.sh('true', { secrets: ['ABSENT'] });
    const { attempts } = await fixture.untilTrue(missing, ({ reason }) => reason === 'launch failed requeued held');
    expect(attempts.at(-1)?.message).toBe('secret ABSENT cannot be read: set it with orrery secret set ABSENT');
    const why = await fixture.client.why(missing);
    expect(why.detail.at(-1)).toMatch(/^Its last attempt: secret ABSENT cannot be read/);
    await fixture.client.cancel(missing);
    expect(JSON.stringify(await fixture.client.job(jobId))).toContain('"secrets":["HF_TOKEN"]');
    const files = readdirSync(fixture.home).filter((name) => name.startsWith('orrery.db'));
    expect(files.length).toBeGreaterThan(0);
    expect(files.filter((file) => readFileSync(join(fixture.home, file)).includes(secret))).toEqual([]);
  });

  it('that goes on in the same place is shown with its progress', async () => {
    const jobId = await fixture.sh(
      `echo '{"step":1,"progress":0.25}' >> "$ORRERY_METRICS"; echo 'no json' >> "$ORRERY_METRICS"; sleep 30`,
    );
    await fixture.untilTrue(jobId, ({ progress }) => progress === 0.25);
    expect((await fixture.client.jobs()).find(({ id }) => id === jobId)?.progress).toBe(0.25);
    const first = await fixture.client.metrics(jobId);
    expect(first.lines).toEqual([{ step: 1, progress: 0.25 }]);
    expect((await fixture.client.metrics(jobId, first.nextOffset)).lines).toEqual([]);
    await fixture.client.cancel(jobId);
    await fixture.until(jobId, 'CANCELLED');
  });
});

describe('a submission', () => {
  it('is taken whole or not at all', async () => {
    const before = await fixture.client.jobs({ all: true });
    const good = { command: ['true'], hold: true };
    await expect(fixture.client.submit({ jobs: [good, { command: ['true'], nodes: 3 }, good] })).rejects.toMatchObject({
      code: 'ORR_BAD_JOB',
      message: expect.stringMatching(/^jobs\[1\] \(true\): /),
    });
    await expect(fixture.client.submit({ jobs: [good, { ...good, after: 'afterok:99999' }] })).rejects.toThrow(
      'jobs[1] (true): after: no job 99999 to wait for',
    );
    await expect(
      fixture.client.submit({ jobs: [good], code: { submitFolder: '/', snapshot: 'a'.repeat(64), gitCommit: null } }),
    ).rejects.toThrow('code snapshot');
    await expect(fixture.client.submit({ jobs: [{ ...good, exclude: ['n1', 'n9'] }] })).rejects.toThrow(
      'exclude: no node "n9": see orrery nodes',
    );
    expect(await fixture.client.jobs({ all: true })).toEqual(before);
  });
});

describe('nodes', () => {
  it('are drained, failed and resumed; a job on a failed node runs again elsewhere', async () => {
    const { client } = fixture;
    expect(await client.drainNode('n1', 'new cable')).toMatchObject({
      name: 'n1',
      state: 'drained',
      reason: 'new cable',
    });
    const jobId = await fixture.sh('echo $ORRERY_ATTEMPT; test $ORRERY_ATTEMPT = 2 || sleep 60');
    expect((await fixture.until(jobId, 'RUNNING')).nodeList).toEqual(['n2']);
    await client.failNode('n2', 'drill');
    await client.resumeNode('n1');
    expect(await fixture.until(jobId, 'COMPLETED')).toMatchObject({ nodeList: ['n1'], attempt: 2, requeues: 1 });
    const nodes = await client.nodes();
    expect(nodes.map(({ name, state }) => `${name} ${state}`)).toEqual(['n1 idle', 'n2 down']);
    expect(await client.resumeNode('n2')).toMatchObject({ state: 'idle', reason: null });
    await expect(client.failNode('n9')).rejects.toMatchObject({ code: 'ORR_NOT_FOUND' });
    const row = (await client.accounting('job')).find(({ key }) => key === String(jobId));
    expect(row).toMatchObject({ nodeFailures: 1 });
    // Without a checkpoint the whole first attempt is lost.
    expect(row?.ettr).toBeLessThan(1);
  });
});

describe('a home', () => {
  it('belongs to its user alone and says where the daemon is', () => {
    expect(statSync(fixture.home).mode & 0o777).toBe(0o700);
    expect(statSync(join(fixture.home, 'token')).mode & 0o777).toBe(0o600);
    const file = daemonFileSchema.parse(JSON.parse(readFileSync(join(fixture.home, 'daemon.json'), 'utf8')));
    expect(file).toMatchObject({ pid: process.pid, url: fixture.daemon.url, home: fixture.home });
  });

  it('has one daemon', async () => {
    await expect(runDaemon({ home: fixture.home, port: 0 })).rejects.toMatchObject({
      code: 'ORR_HOME_LOCKED',
      message: expect.stringContaining(`another daemon (pid ${process.pid}) uses ${fixture.home}`),
    });
  });

  it('is left as it was when the port is taken', async () => {
    const other = new DaemonFixture({ port: Number(new URL(fixture.daemon.url).port) });
    await expect(other.start()).rejects.toMatchObject({ code: 'ORR_PORT_IN_USE' });
    expect(existsSync(join(other.home, 'daemon.json'))).toBe(false);
    await other.remove();
  });
});

describe('stopping', () => {
  it('leaves jobs running, and the next daemon of the home finds them', async () => {
    const other = new DaemonFixture();
    await other.start();
    const jobId = await other.sh('echo one; while [ ! -e go ]; do sleep 0.05; done; echo two');
    const { workFolder } = await other.client.job(jobId);
    await other.untilSaid(jobId, 'one');
    await other.daemon.close();
    expect(existsSync(join(other.home, 'daemon.json'))).toBe(false);
    await expect(other.client.jobs()).rejects.toMatchObject({ code: 'ORR_UNREACHABLE', exitCode: 5 });
    await other.start();
    expect(await other.client.job(jobId)).toMatchObject({ state: 'RUNNING', attempt: 1 });
    writeFileSync(join(workFolder, 'go'), '');
    expect(await other.output(jobId)).toBe('one\ntwo\n');
    expect(await other.until(jobId, 'COMPLETED')).toMatchObject({ attempt: 1, exitCode: 0 });
    await other.remove();
  });

  it('with cancel ends running, pending and held jobs first', async () => {
    const other = new DaemonFixture();
    await other.start();
    const running = await other.sh('echo up; exec sleep 60', { nodes: 2, exclusive: true });
    await other.sh('sleep 60', { nodes: 2, exclusive: true });
    await other.sh('sleep 60', { hold: true });
    await other.untilSaid(running, 'up');
    const { isStopping } = await other.client.shutdown({ cancel: true });
    expect(isStopping).toBe(true);
    await other.daemon.close();
    await other.start();
    expect((await other.client.jobs({ all: true })).map(({ state }) => state)).toEqual([
      'CANCELLED',
      'CANCELLED',
      'CANCELLED',
    ]);
    await other.remove();
  });
});
