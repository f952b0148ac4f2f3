import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { jobSpecSchema, type JobSpecInput } from '../contract/job.ts';
import { toJobRequest } from '../contract/job-request.ts';
import type { JournalRecord } from '../contract/journal.ts';
import type { SchedulerEvent } from '../scheduler/types.ts';
import { Store } from './store.ts';

const environment = { PATH: '/bin', LANG: 'C' };
let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-store-'));
  path = join(folder, 'orrery.db');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function submission(jobId: number, atMs: number, input: Partial<JobSpecInput> = {}): JournalRecord {
  const spec = jobSpecSchema.parse({ name: `job-${jobId}`, command: ['true'], ...input });
  return {
    event: { kind: 'JobSubmitted', atMs, job: toJobRequest(jobId, spec, atMs) },
    accepted: { spec, environment, code: { submitFolder: '/tmp', snapshot: null, gitCommit: 'abc' } },
  };
}

function starting(jobId: number, attempt: number, atMs: number, partition?: string): JournalRecord {
  const resources = { cpus: 2, memoryBytes: 1024, gpus: 1 };
  return {
    event: {
      kind: 'AttemptStarting',
      atMs,
      jobId,
      attempt,
      placement: [{ nodeName: `n${attempt}`, resources, gpuIndices: [0] }],
      ...(partition !== undefined && { partition }),
    },
  };
}

const fact = (event: SchedulerEvent, message?: string): JournalRecord =>
  message === undefined ? { event } : { event, message };

/** A job that loses its node, runs again and completes. */
function lifeOf(jobId: number): JournalRecord[] {
  return [
    submission(jobId, 1000),
    starting(jobId, 1, 3000),
    fact({ kind: 'AttemptStarted', atMs: 3100, jobId, attempt: 1 }),
    fact({ kind: 'AttemptEnding', atMs: 8000, jobId, attempt: 1, cause: 'NODE_FAIL' }),
    fact(
      { kind: 'AttemptEnded', atMs: 9000, jobId, attempt: 1, state: 'NODE_FAIL', exitCode: 1 },
      'one of its nodes failed',
    ),
    fact({ kind: 'JobRequeued', atMs: 9000, jobId, requeues: 1, isHeld: false }),
    starting(jobId, 2, 10_000),
    fact({ kind: 'AttemptStarted', atMs: 10_100, jobId, attempt: 2 }),
    fact({ kind: 'AttemptEnded', atMs: 14_000, jobId, attempt: 2, state: 'COMPLETED', exitCode: 0 }),
    fact({ kind: 'JobEnded', atMs: 14_001, jobId, state: 'COMPLETED', exitCode: 0 }),
  ];
}

describe('Store', () => {
  it('keeps the read models in step with the journal, one record at a time or all at once', async () => {
    const store = new Store(path);
    await store.append(lifeOf(1));
    for (const record of lifeOf(2)) await store.append([record]);
    expect(store.liveJobCount).toBe(0);
    const [second, first] = store.endedJobs({});
    expect(first).toMatchObject({
      jobId: 1,
      name: 'job-1',
      state: 'COMPLETED',
      exitCode: 0,
      attempt: 2,
      requeues: 1,
      nodeList: ['n2'],
      submitMs: 1000,
      startMs: 10_000,
      endMs: 14_001,
      queuedMs: 3000,
    });
    expect({ ...second, jobId: 1, name: 'job-1', acceptedSeq: 1 }).toEqual(first);
    const attempts = [
      { attempt: 1, state: 'NODE_FAIL', startMs: 3000, endMs: 9000, exitCode: 1, message: 'one of its nodes failed' },
      { attempt: 2, state: 'COMPLETED', startMs: 10_000, endMs: 14_000, exitCode: 0, message: null },
    ];
    expect(store.attempts(1)).toMatchObject(attempts);
    expect(store.attempts(2)).toMatchObject(attempts);
    const perNode = { cpus: 1, memoryBytes: 512 * 1024 ** 2, gpus: 0 };
    const past = { nodes: 1, partition: null, perNode };
    expect(store.pastAttempts(8000)).toMatchObject([9000, 9000, 14_000, 14_000].map((endMs) => ({ ...past, endMs })));
    expect(store.pastAttempts(9000)).toHaveLength(2);
    expect(store.usage(20_000)[0]).toEqual({
      jobId: 1,
      name: 'job-1',
      user: 'default',
      account: 'default',
      array: null,
      gpuMs: 10_000,
      cpuMs: 20_000,
      runMs: 10_000,
      nodeFailures: 1,
      preemptions: 0,
      queuedMs: 3000,
    });
    store.close();
  });

  it('shows a job in memory as it will be read after a restart', async () => {
    const store = new Store(path);
    for (const [index, record] of lifeOf(1).entries()) {
      await store.append([record]);
      const inMemory = store.job(1);
      const reader = new Store(path);
      expect(reader.job(1), `after record ${index}`).toEqual(inMemory);
      expect(reader.recoveryRecords().length).toBe(inMemory?.isEnded === true ? 1 : index + 1);
      reader.close();
    }
    store.close();
  });

  it('gives back what was submitted, and one environment for all jobs that share it', async () => {
    const store = new Store(path);
    const record = submission(1, 1000, { env: { A: '1' } });
    await store.append([record, submission(2, 1000)]);
    expect(store.read(1)).toEqual({
      accepted: record.accepted,
      request: 'job' in record.event && record.event.job,
      attempts: 0,
    });
    expect(store.read(3)).toBeUndefined();
    store.close();
  });

  it('recovers with the outcome of ended jobs first, then nodes and live jobs in journal order', async () => {
    const store = new Store(path);
    await store.append([fact({ kind: 'NodeDrained', atMs: 1, nodeName: 'n1', reason: 'test' })]);
    await store.append([submission(1, 10), submission(2, 11), submission(3, 12)]);
    await store.append(lifeOf(1).slice(1));
    await store.append([fact({ kind: 'NodeResumed', atMs: 30_000, nodeName: 'n1' }), starting(3, 1, 30_001)]);
    store.recordStart({ atMs: 40_000, version: '1', cluster: 'local', policy: 'builtin' });
    store.close();
    const again = new Store(path);
    expect(again.recoveryRecords().map(({ event }) => event.kind)).toEqual([
      'JobEnded',
      'NodeDrained',
      'JobSubmitted',
      'JobSubmitted',
      'NodeResumed',
      'AttemptStarting',
    ]);
    expect(again.nextJobId()).toBe(4);
    expect([...again.liveJobs()].map((job) => job.jobId)).toEqual([2, 3]);
    expect(again.journalSince(3, 2).map(({ seq }) => seq)).toEqual([4, 5]);
    again.close();
  });

  it('puts an ended job that is submitted again back in the queue under its id', async () => {
    const store = new Store(path);
    await store.append(lifeOf(1));
    const { event } = submission(1, 20_000);
    await store.append([{ event }]);
    expect(store.job(1)).toMatchObject({
      state: 'PENDING',
      isEnded: false,
      exitCode: null,
      endMs: null,
      attempt: 2,
      submitMs: 1000,
    });
    expect(store.recoveryRecords().map((record) => record.event.kind)).toEqual(
      [...lifeOf(1), { event }].map((r) => r.event.kind),
    );
    store.close();
  });

  it('tells in which of several partitions a job ran last, and while it waits all of them', async () => {
    const store = new Store(path);
    const names: (string | null | undefined)[] = [];
    for (const record of [
      submission(1, 1000, { partition: 'a,b,a' }),
      starting(1, 1, 3000, 'b'),
      fact({ kind: 'AttemptEnded', atMs: 9000, jobId: 1, attempt: 1, state: 'NODE_FAIL', exitCode: 1 }),
      fact({ kind: 'JobRequeued', atMs: 9000, jobId: 1, requeues: 1, isHeld: false, partition: 'a,b' }),
      starting(1, 2, 10_000, 'a'),
      fact({ kind: 'AttemptEnded', atMs: 14_000, jobId: 1, attempt: 2, state: 'COMPLETED', exitCode: 0 }),
      fact({ kind: 'JobEnded', atMs: 14_001, jobId: 1, state: 'COMPLETED', exitCode: 0 }),
    ]) {
      await store.append([record]);
      names.push(store.job(1)?.partition);
    }
    expect(names).toEqual(['a,b', 'b', 'b', 'a,b', 'a', 'a', 'a']);
    await store.append([{ event: submission(1, 20_000, { partition: 'a,b' }).event }]);
    expect(store.job(1)?.partition).toBe('a,b');
    store.close();
  });

  it('tells all of its partitions again of a job that one of them could not launch', async () => {
    const store = new Store(path);
    await store.append([submission(1, 1000, { partition: 'a,b' }), starting(1, 1, 3000, 'b')]);
    const failed = { atMs: 4000, jobId: 1, attempt: 1, isRetryable: true, message: 'the port was taken' };
    await store.append([fact({ kind: 'LaunchFailed', ...failed })]);
    expect(store.job(1)?.partition).toBe('a,b');
    store.close();
  });

  it('counts as waiting only the time a job could have run', async () => {
    const store = new Store(path);
    await store.append([
      submission(1, 0),
      submission(2, 0, { after: 'afterany:1' }),
      submission(3, 0, { hold: true }),
      submission(4, 0),
    ]);
    const waited = (jobId: number, nowMs: number) => store.eligibleMs({ ...store.job(jobId)! }, nowMs);
    expect([1, 2, 3].map((jobId) => waited(jobId, 500))).toEqual([500, 0, 0]);
    await store.append([
      starting(1, 1, 1000),
      fact({ kind: 'AttemptEnded', atMs: 5000, jobId: 1, attempt: 1, state: 'COMPLETED', exitCode: 0 }),
    ]);
    await store.append([fact({ kind: 'JobEnded', atMs: 5000, jobId: 1, state: 'COMPLETED', exitCode: 0 })]);
    await store.append([
      fact({ kind: 'JobReleased', atMs: 6000, jobId: 3 }),
      fact({ kind: 'JobHeld', atMs: 2000, jobId: 4 }),
    ]);
    expect([1, 2, 3, 4].map((jobId) => waited(jobId, 7000))).toEqual([1000, 2000, 1000, 2000]);
    await store.append([fact({ kind: 'JobEnded', atMs: 8000, jobId: 2, state: 'CANCELLED', exitCode: 1 })]);
    expect(waited(2, 9000)).toBe(3000);
    store.close();
  });

  it('counts waiting for a start and a while, or for the first of several, and tells a restart of starts that matter', async () => {
    const store = new Store(path);
    const jobs: [number, string][] = [
      [3, 'after:1'],
      [4, 'after:1+1'],
      [5, 'afterok:2?after:1+1'],
      [6, 'afterok:2?afterok:1'],
    ];
    await store.append([
      submission(1, 0),
      submission(2, 0),
      ...jobs.map(([id, after]) => submission(id, 0, { after })),
    ]);
    const waited = (nowMs: number) => jobs.map(([id]) => store.eligibleMs({ ...store.job(id)! }, nowMs));
    expect(waited(500)).toEqual([0, 0, 0, 0]);
    await store.append([starting(1, 1, 1000)]);
    expect(waited(61_500)).toEqual([60_500, 500, 500, 0]);
    await store.append([
      fact({ kind: 'AttemptEnded', atMs: 62_000, jobId: 1, attempt: 1, state: 'COMPLETED', exitCode: 0 }),
      fact({ kind: 'JobEnded', atMs: 62_000, jobId: 1, state: 'COMPLETED', exitCode: 0 }),
      fact({ kind: 'JobEnded', atMs: 62_000, jobId: 2, state: 'CANCELLED', exitCode: 0 }),
    ]);
    expect(waited(63_000)).toEqual([62_000, 2000, 2000, 1000]);
    store.close();
    const again = new Store(path);
    expect(again.job(5)?.waitRule).toMatchObject({ isAnyEnough: true });
    const [one, two] = again.recoveryRecords().map(({ event }) => event);
    expect(one).toMatchObject({ kind: 'JobEnded', jobId: 1, atMs: 62_000, startMs: 1000 });
    expect(two).not.toHaveProperty('startMs');
    expect(again.read(4)?.request.dependencies).toEqual([
      { condition: 'after', jobId: 1, delayMs: 60_000, startMs: 1000 },
    ]);
    again.close();
  });

  it('rejects an append that contradicts the journal and keeps the ones committed beside it', async () => {
    const store = new Store(path);
    const bad = [submission(2, 0), fact({ kind: 'JobEnded', atMs: 1, jobId: 99, state: 'FAILED', exitCode: 1 })];
    const outcomes = await Promise.allSettled([
      store.append([submission(1, 0)]),
      store.append(bad),
      store.append([submission(3, 0)]),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect([...store.liveJobs()].map((job) => job.jobId)).toEqual([1, 3]);
    expect(store.journalSince(0, 10).map(({ seq }) => seq)).toEqual([1, 2]);
    store.close();
  });

  it('puts appends of one turn into one commit and tells listeners once, after it', async () => {
    const store = new Store(path);
    const commits: number[][] = [];
    store.subscribe((entries) => commits.push(entries.map(({ seq }) => seq)));
    await Promise.all([1, 2, 3].map((jobId) => store.append([submission(jobId, 0)])));
    await store.append([submission(4, 0)]);
    expect(commits).toEqual([[1, 2, 3], [4]]);
    store.close();
    await expect(store.append([submission(5, 0)])).rejects.toMatchObject({ code: 'ORR_UNREACHABLE' });
  });

  it('commits what waits when it is closed', async () => {
    const store = new Store(path);
    const done = store.append([submission(1, 0)]);
    store.close();
    await done;
    const again = new Store(path);
    expect(again.job(1)?.state).toBe('PENDING');
    again.close();
  });
});
