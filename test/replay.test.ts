import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { replayJournal } from '../src/cli/sim/replay.ts';
import { makeHome, removeHome, root, type RunningDaemon, startDaemon, until } from './support/daemon.ts';
import { haveEnded } from './support/jobs.ts';

let home: string;
let copies: string;
let daemon: RunningDaemon;

beforeAll(async () => {
  home = makeHome();
  copies = mkdtempSync(join(tmpdir(), 'orrery-test-'));
  daemon = await startDaemon(home, {}, ['--nodes', '4']);
  await workload();
}, 120_000);

afterAll(async () => {
  await daemon.client.shutdown({ cancel: true });
  await daemon.exited;
  await removeHome(home);
  rmSync(copies, { recursive: true, force: true });
});

/** Gangs of all sizes, some of which fail; a lost node and a requeue by hand; a daemon that is killed and started again. */
async function workload(): Promise<void> {
  const submit = async (count: number) => {
    const jobs = Array.from({ length: count }, (_, index) => ({
      command: ['sh', '-c', `sleep 0.${(index * 7) % 10}; exit ${index % 5 === 4 ? 1 : 0}`],
      nodes: (index % 4) + 1,
      time: index % 3 === 0 ? '1m' : '5m',
    }));
    return (await daemon.client.submit({ jobs })).jobs.map(({ id }) => id);
  };
  const first = await submit(12);
  const { jobs } = await daemon.client.submit({ jobs: [{ command: ['sleep', '3'], nodes: 2, maxRequeues: 3 }] });
  const long = jobs[0]?.id ?? 0;
  await until(async () => (await daemon.client.job(long)).state === 'RUNNING', 'the long job to run');
  await daemon.client.failNode('n1', 'drill');
  await daemon.client.resumeNode('n1');
  await until(() => haveEnded(daemon.client, first), 'the first jobs to end');
  await daemon.client.requeue(first[0] ?? 0);
  daemon.process.kill('SIGKILL');
  await daemon.exited;
  daemon = await startDaemon(home, {}, ['--nodes', '4']);
  const second = await submit(6);
  await until(() => haveEnded(daemon.client, [...first, long, ...second]), 'all jobs to end');
}

function replay(path: string): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const args = [join(root, 'bin', 'orrery.js'), 'sim', 'replay', '--journal', path, '--json'];
    execFile(process.execPath, args, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}

/** A copy of the store in which one record says something else. */
function tampered(name: string, sql: string): string {
  const path = join(copies, name);
  const database = new DatabaseSync(join(home, 'orrery.db'));
  database.prepare('VACUUM INTO ?').run(path);
  database.close();
  const copy = new DatabaseSync(path);
  const { changes } = copy.prepare(sql).run();
  copy.close();
  expect(changes).toBe(1);
  return path;
}

describe('the replay of a live journal', () => {
  it('reproduces every decision, also across a daemon that was killed', () => {
    const report = replayJournal(home);
    expect(report.firstDifference).toBeNull();
    expect(report.daemonStarts).toBe(2);
    // Each of the 19 jobs starts and ends; one is requeued by a failure.
    expect(report.decisions).toBeGreaterThan(40);
    expect(report.cycles).toBeGreaterThan(10);
  });

  it('finds a placement that was not the one decided', async () => {
    const path = tampered(
      'placement.db',
      `UPDATE journal SET body = replace(body, '"nodeName":"n2"', '"nodeName":"n3"')
       WHERE seq = (SELECT max(seq) FROM journal WHERE kind = 'AttemptStarting' AND body LIKE '%"nodeName":"n2"%'
                    AND body NOT LIKE '%"nodeName":"n3"%')`,
    );
    const { firstDifference } = replayJournal(path);
    expect(firstDifference?.recorded).toMatchObject({ kind: 'AttemptStarting' });
    expect(firstDifference?.replayed).toMatchObject({
      kind: 'AttemptStarting',
      jobId: firstDifference?.recorded?.jobId,
    });
    const { code, stdout } = await replay(path);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ firstDifference: { seq: firstDifference?.seq } });
  });

  it('finds a decision that is missing', () => {
    const path = tampered(
      'missing.db',
      "DELETE FROM journal WHERE seq = (SELECT min(seq) FROM journal WHERE kind = 'JobEnded')",
    );
    expect(replayJournal(path).firstDifference).not.toBeNull();
  });

  it('reads the journal of a daemon that runs and says where there is none', async () => {
    expect((await replay(home)).code).toBe(0);
    expect(await replay(join(home, 'nothing'))).toMatchObject({ code: 3 });
    copyFileSync(join(root, 'package.json'), join(copies, 'no.db'));
    expect(await replay(join(copies, 'no.db'))).toMatchObject({ code: 2 });
  });
});
