import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FactQueue } from '../src/backend/local/fact-queue.ts';
import { replayJournal } from '../src/cli/sim/replay.ts';
import { type JobSpecInput, jobSpecSchema } from '../src/contract/job.ts';
import { toJobRequest } from '../src/contract/job-request.ts';
import type { JournalRecord } from '../src/contract/journal.ts';
import { echoOf } from '../src/scheduler/echo.ts';
import type { SchedulerOptions } from '../src/scheduler/policy.ts';
import { createScheduler } from '../src/scheduler/scheduler.ts';
import { Store } from '../src/store/store.ts';
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

/** Everything that depends on when a cycle looks: passes at intervals, factors that are worked out anew, users' limits, preemption. */
const POLICY = `
backfillType: conservative
bfIntervalSeconds: 1
cadence: {batchSchedDelaySeconds: 1, schedIntervalSeconds: 2, timeLimitCheckSeconds: 1}
priority: {type: multifactor, weights: {age: 100000, fairshare: 1000, qos: 1000}, maxAgeSeconds: 60, calcPeriodSeconds: 1}
preempt: {type: qos, mode: requeue}
qos: [{name: normal, perUser: {jobs: 3}}, {name: high, priority: 10, preempts: [normal]}]
`;

/** Gangs of all sizes, some of which fail; a lost node and a requeue by hand; a daemon that is killed and started again. */
async function workload(): Promise<void> {
  const submit = async (count: number, fields: object = {}) => {
    const jobs = Array.from({ length: count }, (_, index) => ({
      command: ['sh', '-c', `sleep 0.${(index * 7) % 10}; exit ${index % 5 === 4 ? 1 : 0}`],
      nodes: (index % 4) + 1,
      time: index % 3 === 0 ? '1m' : '5m',
      ...fields,
    }));
    return (await daemon.client.submit({ jobs })).jobs.map(({ id }) => id);
  };
  const first = await submit(12);
  const { jobs } = await daemon.client.submit({ jobs: [{ command: ['sleep', '3'], nodes: 2, maxRequeues: 3 }] });
  const long = jobs[0]?.id ?? 0;
  await until(async () => (await daemon.client.job(long)).state === 'RUNNING', 'the long job to run');
  await daemon.client.failNode('n1', 'drill');
  await daemon.client.resumeNode('n1');
  // Facts that no decision depends on.
  await daemon.client.openTicket('n1', 'drill');
  await until(() => haveEnded(daemon.client, first), 'the first jobs to end');
  await daemon.client.requeue(first[0] ?? 0);
  daemon.process.kill('SIGKILL');
  await daemon.exited;
  const policy = join(home, 'policy.yaml');
  writeFileSync(policy, POLICY);
  daemon = await startDaemon(home, {}, ['--nodes', '4', '--policy', policy]);
  const second = await submit(8);
  second.push(...(await submit(3, { qos: 'high' })));
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
    // Each of the 24 jobs starts and ends; one is requeued by a failure.
    expect(report.decisions).toBeGreaterThan(48);
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

describe('cycles that decided nothing', () => {
  /** A journal in which a pass of backfill that came to nothing keeps the next from being made before its interval is over. */
  async function write(path: string, isNoting: boolean): Promise<void> {
    const options: SchedulerOptions = { bfIntervalSeconds: 100 };
    const scheduler = createScheduler(options);
    const store = new Store(path);
    store.recordStart({ atMs: 0, version: '1', cluster: 'local', policy: JSON.stringify(options), policyName: 'x' });
    const facts = new FactQueue(store, (error) => {
      throw error;
    });
    const tell = async (nowMs: number, ...records: JournalRecord[]) => {
      facts.report(...records);
      await facts.commit(({ event }) => scheduler.apply(event));
      const echoes = scheduler.decide(nowMs).decisions.map((decision) => ({ event: echoOf(decision, nowMs) }));
      if (echoes.length > 0) await facts.commitDecisions(echoes, () => false);
      else if (isNoting) facts.noteCycle(nowMs);
      for (const { event } of echoes) scheduler.apply(event);
      return echoes.map(({ event }) => `${event.kind} ${event.jobId}`);
    };
    const resources = { cpus: 4, memoryBytes: 2 ** 40, gpus: 0 };
    const node = (name: string): JournalRecord => ({
      event: { kind: 'NodeAdded', atMs: 0, node: { name, resources, gpuType: null, leaf: null } },
    });
    const job = (jobId: number, atMs: number, fields: JobSpecInput): JournalRecord => {
      const spec = jobSpecSchema.parse({ command: ['true'], exclusive: true, ...fields });
      const accepted = { spec, environment: {}, code: null };
      return { event: { kind: 'JobSubmitted', atMs, job: toJobRequest(jobId, spec, atMs) }, accepted };
    };
    expect(await tell(1, node('n1'), node('n2'), job(1, 1, { time: '1h' }))).toEqual(['AttemptStarting 1']);
    expect(await tell(1000, job(2, 1000, { nodes: 2 }), job(3, 1000, { hold: true }))).toEqual([]);
    expect(await tell(2000, job(4, 2000, { time: '1m' }))).toEqual([]);
    // The third job's end is decided now, and the fourth may not start: its turn for backfill comes at 101 s.
    const cancelled: JournalRecord = { event: { kind: 'JobCancelRequested', atMs: 50_000, jobId: 3 } };
    expect(await tell(50_000, cancelled)).toEqual(['JobEnded 3']);
    expect(await tell(101_000)).toEqual(['AttemptStarting 4']);
    store.close();
  }

  it('are made again in a replay: what they looked at bears on the next', async () => {
    const [noted, silent] = [join(copies, 'with.db'), join(copies, 'without.db')];
    await write(noted, true);
    expect(replayJournal(noted)).toMatchObject({ firstDifference: null, decisions: 3 });
    await write(silent, false);
    expect(replayJournal(silent).firstDifference).toMatchObject({
      recorded: { kind: 'AttemptStarting', jobId: 4, atMs: 101_000 },
      replayed: { kind: 'AttemptStarting', jobId: 4, atMs: 50_000 },
    });
  });
});
