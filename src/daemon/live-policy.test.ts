import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { OrreryClient } from '../contract/client.ts';
import { DaemonFixture } from './daemon.test-support.ts';
import { runDaemon } from './run-daemon.ts';

const POLICY = `
priority: {type: multifactor, weights: {age: 10, fairshare: 100, qos: 1000}}
qos:
  - {name: normal}
  - {name: high, priority: 10}
  - {name: few, submitJobsPerUser: 3}
accounts:
  - {name: research, shares: 3}
  - {name: vision, parent: research}
users:
  - {name: ada, account: vision}
partitions:
  - {name: batch, isDefault: true, nodes: [n1, n2], maxTimeSeconds: 600}
  - {name: debug, nodes: [n1], maxTimeSeconds: 60}
timing: {launchSeconds: 5}
bf_continue: true
`;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-policy-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

let fixture: DaemonFixture | undefined;
afterEach(async () => {
  await fixture?.remove();
  fixture = undefined;
});

async function start(policyFile?: string): Promise<DaemonFixture> {
  fixture = new DaemonFixture(policyFile === undefined ? {} : { policyFile });
  await fixture.start();
  return fixture;
}

describe('a job that its partition does not let run', () => {
  it('is taken, and the answer says why it does not start', async () => {
    const { client } = await start(file('limits.yaml', POLICY));
    const jobs = [{ command: ['true'], partition: 'debug', time: '5m', array: '0-1' }, { command: ['true'] }];
    const { cautions } = await client.submit({ jobs, environment: {} });
    expect(cautions).toEqual([
      'Job 1_0 never starts: it asks for 00:05:00, and partition debug gives 00:01:00 at most. Submit it again with less --time, or to another partition.',
    ]);
  });
});

describe('a policy file that is no good', () => {
  it.each([
    ['partitions: [{name: gpu, nodes: [n1, rsc007]}]', 'partition gpu: no node "rsc007" here: known are n1, n2'],
    ['reservations: [{name: r, nodes: [n1], startSeconds: 0, endSeconds: 9}]', 'orrery reservations create'],
    ['qos: [{name: high, prioritty: 3}]', 'bad.yaml:1:20 qos[0].prioritty: unknown key; did you mean "priority"?'],
    ['accounts: [{name: root}]', 'account root: expected each name once, and not root'],
  ])('%s is refused before anything is made', async (text, message) => {
    const home = join(folder, 'home-of-bad');
    const started = runDaemon({ home, port: 0, nodeCount: 2, policyFile: file('bad.yaml', text) });
    await expect(started).rejects.toMatchObject({ code: 'ORR_BAD_FILE', message: expect.stringContaining(message) });
    expect(existsSync(home)).toBe(false);
  });

  it('or is there beside --scheduler', async () => {
    const policyFile = file('good.yaml', POLICY);
    const started = runDaemon({ home: join(folder, 'h'), port: 0, policyFile, schedulerType: 'builtin' });
    await expect(started).rejects.toMatchObject({ code: 'ORR_USAGE' });
  });
});

describe('a submission under a policy', () => {
  it.each([
    [{ qos: 'urgent' }, 'no QOS "urgent": known are normal, high, few'],
    [{ account: 'biology' }, 'no account "biology": known are research, vision'],
    [{ partition: 'gpu' }, 'no partition "gpu": known are batch, debug'],
    [{ reservation: 'course' }, 'no reservation course: there is none'],
    [{ partition: 'debug', nodes: 2 }, 'partition debug has 1 such'],
    [{ after: 'afterok:12_3' }, 'after: no job 12_3 to wait for'],
    [{ array: '9-1' }, 'jobs[0].array: expected tasks such as "0-15"'],
    [{ qos: 'few', array: '0-3' }, 'has 0 jobs pending or running; 4 more would exceed submitJobsPerUser 3'],
  ])('that says %j is refused in one line', async (spec, message) => {
    const { client } = await start(file('good.yaml', POLICY));
    const submitted = client.submit({ jobs: [{ command: ['true'], ...spec }] });
    await expect(submitted).rejects.toMatchObject({ code: 'ORR_BAD_JOB', message: expect.stringContaining(message) });
    expect((await client.submit({ jobs: [{ command: ['true'], hold: true }] })).jobs).toEqual([
      { id: 1, name: 'true' },
    ]);
  });

  it('counts the jobs of one request, and those on their way in others', async () => {
    const { client } = await start(file('good.yaml', POLICY));
    const few = { command: ['true'], qos: 'few', hold: true };
    await expect(client.submit({ jobs: [few, few, few, few] })).rejects.toThrow(
      /jobs\[3\] \(true\): user .* has 3 jobs/,
    );
    const outcomes = await Promise.allSettled([1, 2, 3, 4, 5].map(() => client.submit({ jobs: [few] })));
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual([
      'fulfilled',
      'fulfilled',
      'fulfilled',
      'rejected',
      'rejected',
    ]);
    expect((await client.jobs()).length).toBe(3);
  });

  it('is charged to the account of its user, and has the parts of its priority told', async () => {
    const { client } = await start(file('good.yaml', POLICY));
    await client.submit({ jobs: [{ command: ['sleep', '60'], nodes: 2, exclusive: true, time: '5m' }] });
    await fixture?.until(1, 'RUNNING');
    await client.submit({
      jobs: [
        { command: ['true'], nodes: 2, user: 'ada', qos: 'high', priority: 7, nice: 2 },
        { command: ['true'], nodes: 2 },
      ],
    });
    expect((await client.job(2)).account).toBe('vision');
    expect(await client.job(3)).toMatchObject({ account: 'default', timeLimit: 600 });
    expect((await client.job(1)).timeLimit).toBe(300);
    const parts = await client.priorities();
    expect(parts.map(({ id }) => id)).toEqual([2, 3]);
    const [high] = parts;
    expect(high).toMatchObject({ user: 'ada', account: 'vision', qos: 1000, own: 5, jobSize: 0, partition: 0 });
    const { priority = 0, age = 0, fairshare = 0 } = high ?? {};
    expect(priority).toBe(Math.floor(age + fairshare + 1005));
    expect((await client.why(3)).detail.join(' ')).toMatch(/Its priority is made of (age \d+, )?fair-share \d+/);
    expect((await client.shares()).find(({ user }) => user === 'ada')).toMatchObject({
      account: 'vision',
      share: 0.75,
    });
  });
});

describe('what a submission waits for', () => {
  const after = async (client: OrreryClient, id: number) =>
    (await client.why(id)).detail.flatMap((line) => /^(\S+:\d+) waits for/.exec(line)?.[1] ?? []);

  it('is with singleton all jobs of its name and user before it, also those of its own request', async () => {
    const { client } = await start(file('good.yaml', POLICY));
    const job = { command: ['sleep', '60'], hold: true };
    const named = { ...job, name: 'chain', after: 'singleton', hold: false };
    await client.submit({
      jobs: [
        { ...job, name: 'chain' },
        { ...job, name: 'other' },
        { ...named, user: 'ada' },
      ],
    });
    await client.submit({ jobs: [named, named] });
    await client.cancel(3);
    expect(await after(client, 4)).toEqual(['afterany:1']);
    expect(await after(client, 5)).toEqual(['afterany:1', 'afterany:4']);
  });

  it('is with aftercorr the task of the same number', async () => {
    const { client } = await start(file('good.yaml', POLICY));
    const job = { command: ['true'], hold: true };
    await client.submit({ jobs: [{ ...job, array: '3-5' }] });
    await client.submit({ jobs: [{ ...job, hold: false, array: '4-5', after: 'aftercorr:1' }] });
    expect([await after(client, 4), await after(client, 5)]).toEqual([['afterok:2'], ['afterok:3']]);
    await expect(client.submit({ jobs: [{ ...job, array: '5-6', after: 'aftercorr:1' }] })).rejects.toThrow(
      'after: no job 1_6 to wait for',
    );
  });

  it('is with afternotok a job that fails', async () => {
    const { client } = await start(file('good.yaml', POLICY));
    const [fails, ends] = [['false'], ['true']].map((command) => ({ command }));
    await client.submit({ jobs: [fails, ends].flatMap((job) => job ?? []) });
    await fixture?.until(1, 'FAILED');
    await fixture?.until(2, 'COMPLETED');
    await client.submit({
      jobs: ['afternotok:1', 'afternotok:2'].map((words) => ({ command: ['true'], after: words })),
    });
    await fixture?.until(3, 'COMPLETED');
    expect(await client.job(4)).toMatchObject({ state: 'PENDING', reason: 'DependencyNeverSatisfied' });
  });
});

describe('a job that waits for more than an end', () => {
  it('starts with another, once one of several did as it had to, and after an array of which one task failed', async () => {
    const { client } = await start(file('good.yaml', POLICY));
    const script = '#!/bin/sh\n[ "$ORRERY_ARRAY_TASK_ID" != 1 ]\n';
    await client.submit({
      jobs: [{ command: ['sleep', '600'], hold: true }, { command: ['false'] }, { script, array: '0-2' }],
    });
    await fixture?.until(2, 'FAILED');
    const waiting = ['after:1', 'after:1+1', 'afterok:1?afterok:2', 'afterok:2?after:1', 'afternotok:3'];
    await client.submit({ jobs: waiting.map((words) => ({ command: ['true'], after: words })) });
    await fixture?.until(10, 'COMPLETED');
    const reasons = async () =>
      (await Promise.all([6, 7, 8, 9].map((id) => client.job(id)))).map(({ reason }) => reason);
    expect(await reasons()).toEqual(['Dependency', 'Dependency', 'Dependency', 'Dependency']);
    await client.release(1);
    for (const id of [6, 9]) await fixture?.until(id, 'COMPLETED');
    expect((await client.job(7)).reason).toBe('Dependency');
    expect((await client.why(7)).detail[0]).toMatch(/^after:1\+1 waits until 00:01:00 after the start of job 1/);
    await client.cancel(1);
    await fixture?.untilTrue(8, ({ reason }) => reason === 'DependencyNeverSatisfied');
    await expect(
      client.submit({ jobs: [{ command: ['true'], after: 'afterok:1?afterok:2,after:1' }] }),
    ).rejects.toThrow('expected only "," (all have to hold) or only "?" (any one is enough)');
  });
});

describe('lemons: drain', () => {
  it('drains a node that ended jobs again and again, and lets an operator put it back', async () => {
    const { client } = await start(file('lemons.yaml', 'lemons: drain\n'));
    const jobs = [{ command: ['sleep', '60'], exclude: ['n1'], maxRequeues: 100 }];
    await client.submit({ jobs });
    for (let failure = 1; failure <= 5; failure += 1) {
      await fixture?.until(1, 'RUNNING');
      await client.failNode('n2', 'drill');
      await fixture?.untilTrue(1, ({ requeues }) => requeues === failure);
      await client.resumeNode('n2');
    }
    await fixture?.until(1, 'RUNNING');
    expect(await client.lemons()).toMatchObject({ isDraining: true, nodes: [{ isLemon: false }, { isLemon: true }] });
    const nodeOf = async () => (await client.nodes()).find(({ name }) => name === 'n2');
    await expect.poll(nodeOf).toMatchObject({ state: 'draining', reason: expect.stringMatching(/^lemon node: /) });
    await client.resumeNode('n2');
    expect(await client.lemons()).toMatchObject({ nodes: [{ isLemon: false }, { isLemon: false }] });
    expect((await nodeOf())?.state).toBe('mixed');
  });
});

describe('the policy of a home', () => {
  it('is kept for the next start, until another is given', async () => {
    const home = join(folder, 'kept');
    const policyOf = async (options: { policyFile?: string; nodeCount?: number }) => {
      const daemon = await runDaemon({ home, port: 0, nodeCount: 2, ...options });
      const answer = await fetch(`${daemon.url}/api/v1/health`, {
        headers: { authorization: `Bearer ${daemon.token}` },
      });
      const { policy }: { policy: string } = JSON.parse(await answer.text());
      await daemon.close();
      return policy;
    };
    expect(await policyOf({})).toBe('default');
    expect(await policyOf({ policyFile: file('good.yaml', POLICY) })).toBe('good.yaml');
    expect(await policyOf({})).toBe('good.yaml');
    await expect(policyOf({ nodeCount: 1 })).rejects.toThrow(
      'policy good.yaml, which this home goes by: partition batch: no node "n2" here: known is n1',
    );
    expect(await policyOf({ policyFile: 'default' })).toBe('default');
    expect(await policyOf({ nodeCount: 1 })).toBe('default');
  });
});
