import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AccountingRow } from '../contract/api.ts';
import { toJobRequest } from '../contract/job-request.ts';
import { jobSpecSchema } from '../contract/job.ts';
import type { JournalRecord } from '../contract/journal.ts';
import type { EndState } from '../scheduler/types.ts';
import type { AttemptRow } from '../store/job-row.ts';
import { Store } from '../store/store.ts';
import { Accounting, lostMs } from './accounting.ts';
import { ProgressReader, readMetrics } from './metrics-file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-accounting-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const HOUR_MS = 3_600_000;

/** A job of one attempt after another; each is [start, end, state] in hours after submission. */
function job(jobId: number, account: string, attempts: [number, number, EndState][], user = 'me'): JournalRecord[] {
  const spec = jobSpecSchema.parse({ name: `job-${jobId}`, command: ['true'], account, user });
  const submitted: JournalRecord = {
    event: { kind: 'JobSubmitted', atMs: 0, job: toJobRequest(jobId, spec, 0) },
    accepted: { spec, environment: {}, code: null },
  };
  const resources = { cpus: 4, memoryBytes: 1, gpus: 2 };
  const placement = [{ nodeName: 'n1', resources, gpuIndices: [0, 1] }];
  const runs = attempts.flatMap(([start, end, state], index): JournalRecord[] => {
    const attempt = index + 1;
    const endMs = end * HOUR_MS;
    const isLast = attempt === attempts.length;
    return [
      { event: { kind: 'AttemptStarting', atMs: start * HOUR_MS, jobId, attempt, placement } },
      { event: { kind: 'AttemptEnded', atMs: endMs, jobId, attempt, state, exitCode: 0 } },
      isLast
        ? { event: { kind: 'JobEnded', atMs: endMs, jobId, state, exitCode: 0 } }
        : { event: { kind: 'JobRequeued', atMs: endMs, jobId, requeues: attempt, isHeld: false } },
    ];
  });
  return [submitted, ...runs];
}

describe('accounting', () => {
  it('by account is the same for whoever asks again and again, whatever ends or begins anew in between', async () => {
    const store = new Store(join(folder, 'orrery.db'));
    const accounting = new Accounting(store, (jobId) => join(folder, `${jobId}.ndjson`));
    store.subscribe((entries) => accounting.follow(entries));
    const expectSame = (nowHours: number) => {
      const fresh = new Accounting(store, (jobId) => join(folder, `${jobId}.ndjson`));
      const byKey = (rows: AccountingRow[]) => new Map(rows.map((row) => [row.key, row]));
      expect(byKey(accounting.accounts(nowHours * HOUR_MS))).toEqual(byKey(fresh.rows('account', nowHours * HOUR_MS)));
    };
    expectSame(0);
    await store.append(job(1, 'vision', [[1, 3, 'FAILED']]));
    const second = job(2, 'speech', [
      [0, 4, 'NODE_FAIL'],
      [5, 11, 'COMPLETED'],
    ]);
    await store.append(second.slice(0, -2));
    expectSame(12);
    await store.append(second.slice(-2));
    expectSame(13);
    const request = toJobRequest(1, jobSpecSchema.parse({ command: ['true'] }), 0);
    const again: JournalRecord = {
      event: { kind: 'JobSubmitted', atMs: 14 * HOUR_MS, job: request, attemptsBefore: 1 },
    };
    // It is among those that ended, and then not.
    await store.append([again]);
    expectSame(15);
    const ended: JournalRecord = {
      event: { kind: 'JobEnded', atMs: 16 * HOUR_MS, jobId: 1, state: 'CANCELLED', exitCode: 1 },
    };
    await store.append([ended]);
    // Twice before anybody asks.
    await store.append([again]);
    await store.append([ended]);
    expectSame(17);
    store.close();
  });

  it('sums usage, and divides productive time by time allocated and waited', async () => {
    const store = new Store(join(folder, 'orrery.db'));
    await store.append([
      ...job(1, 'vision', [[1, 3, 'COMPLETED']]),
      ...job(2, 'vision', [
        [0, 4, 'NODE_FAIL'],
        [5, 11, 'COMPLETED'],
      ]),
      ...job(3, 'speech', []).slice(0, 1),
    ]);
    const metricsFile = (jobId: number) => join(folder, `${jobId}.ndjson`);
    writeFileSync(metricsFile(2), '{"event":"checkpoint","attempt":1,"step":30,"time":10800}\n');
    const accounting = new Accounting(store, metricsFile);
    const rows = accounting.rows('job', 20 * HOUR_MS);
    expect(rows.map(({ key, ettr }) => [key, ettr])).toEqual([
      ['1', 2 / 3],
      // Ten hours allocated, the last of attempt 1 lost, one hour waited.
      ['2', 9 / 11],
      ['3', null],
    ]);
    expect(rows[1]).toMatchObject({ name: 'job-2', jobs: 1, gpuHours: 20, cpuHours: 40, nodeFailures: 1 });
    expect(rows[1]).toMatchObject({ preemptions: 0, lostGpuHours: 2, lostGpuHoursByState: { NODE_FAIL: 2 } });
    const byAccount = accounting.rows('account', 20 * HOUR_MS);
    expect(byAccount).toEqual([
      {
        key: 'vision',
        name: 'vision',
        jobs: 2,
        gpuHours: 24,
        cpuHours: 48,
        nodeFailures: 1,
        preemptions: 0,
        lostGpuHours: 2,
        lostGpuHoursByState: { NODE_FAIL: 2 },
        ettr: 11 / 14,
      },
      {
        key: 'speech',
        name: 'speech',
        jobs: 1,
        gpuHours: 0,
        cpuHours: 0,
        nodeFailures: 0,
        preemptions: 0,
        lostGpuHours: 0,
        lostGpuHoursByState: {},
        ettr: null,
      },
    ]);
    store.close();
  });

  it('tells whose GPU hours were lost, and to what', async () => {
    const store = new Store(join(folder, 'orrery.db'));
    await store.append([
      ...job(
        1,
        'vision',
        [
          [0, 2, 'PREEMPTED'],
          [3, 4, 'NODE_FAIL'],
          [5, 6, 'COMPLETED'],
        ],
        'ann',
      ),
      ...job(
        2,
        'speech',
        [
          [0, 1, 'PREEMPTED'],
          [2, 3, 'COMPLETED'],
        ],
        'ann',
      ),
      ...job(3, 'speech', [[0, 1, 'COMPLETED']], 'bob'),
    ]);
    const rows = new Accounting(store, (jobId) => join(folder, `${jobId}.ndjson`)).rows('user', 20 * HOUR_MS);
    expect(
      rows.map(({ key, jobs, preemptions, lostGpuHoursByState }) => [key, jobs, preemptions, lostGpuHoursByState]),
    ).toEqual([
      ['ann', 2, 2, { PREEMPTED: 6, NODE_FAIL: 2 }],
      ['bob', 1, 0, {}],
    ]);
    expect(rows[0]?.lostGpuHours).toBe(8);
    store.close();
  });
});

describe('lostMs', () => {
  const attempt: AttemptRow = {
    jobId: 1,
    attempt: 2,
    nodeList: [],
    cpus: 1,
    gpus: 0,
    startMs: 100_000,
    endMs: 200_000,
    state: 'NODE_FAIL',
    exitCode: 1,
    message: null,
  };
  it.each([
    ['no lines', [], 100_000],
    ['a checkpoint of another attempt', [{ attempt: 1, event: 'checkpoint', step: 5, time: 150 }], 100_000],
    ['a checkpoint with its time', [{ attempt: 2, event: 'checkpoint', step: 5, time: 170 }], 30_000],
    [
      'steps',
      [
        { attempt: 2, step: 100 },
        { attempt: 2, event: 'checkpoint', step: 150 },
        { attempt: 2, step: 300 },
      ],
      75_000,
    ],
    [
      'a checkpoint at the last step',
      [
        { attempt: 2, step: 0 },
        { attempt: 2, event: 'checkpoint', step: 9 },
      ],
      0,
    ],
    ['a time outside the attempt, and no steps', [{ attempt: 2, event: 'checkpoint', time: 7 }], 100_000],
  ])('with %s', (_name, lines, lost) => {
    expect(lostMs(attempt, lines)).toBeCloseTo(lost, 6);
  });

  it('counts a restart up to the line that says it has resumed, whether or not it completed', () => {
    const lines = [
      { attempt: 2, event: 'resumed', step: 5, time: 112 },
      { attempt: 2, event: 'checkpoint', step: 9, time: 170 },
    ];
    expect(lostMs(attempt, lines)).toBeCloseTo(12_000 + 30_000, 6);
    expect(lostMs({ ...attempt, state: 'COMPLETED' }, lines)).toBeCloseTo(12_000, 6);
    expect(lostMs({ ...attempt, state: 'COMPLETED' }, [{ attempt: 2, event: 'resumed', step: 5 }])).toBe(0);
    expect(lostMs({ ...attempt, attempt: 1, state: 'COMPLETED' }, lines)).toBe(0);
  });
});

describe('metrics files', () => {
  it('give whole lines that are objects, and go on where they stopped', () => {
    const path = join(folder, 'metrics.ndjson');
    expect(readMetrics(path, 0)).toEqual({ lines: [], nextOffset: 0 });
    writeFileSync(path, '{"step":1}\nnot json\n[1]\n{"step":2}\n{"ste');
    const first = readMetrics(path, 0);
    expect(first.lines).toEqual([{ step: 1 }, { step: 2 }]);
    writeFileSync(path, 'p":3,"text":"é"}\n', { flag: 'a' });
    const second = readMetrics(path, first.nextOffset);
    expect(second.lines).toEqual([{ step: 3, text: 'é' }]);
    expect(readMetrics(path, second.nextOffset)).toEqual({ lines: [], nextOffset: second.nextOffset });
    expect(readMetrics(path, 1_000_000).lines).toEqual([]);
  });

  it('tell the newest progress, and keep it while later lines have none', () => {
    const path = join(folder, 'metrics.ndjson');
    const reader = new ProgressReader();
    expect(reader.read(path, false)).toBeNull();
    writeFileSync(path, '{"progress":0.1}\n{"progress":0.2}\n{"progress":7}\n{"event":"checkpoint"}\n');
    expect(reader.read(path, false)).toBe(0.2);
    writeFileSync(path, `{"text":"${'x'.repeat(5000)}"}\n`, { flag: 'a' });
    expect(reader.read(path, false)).toBe(0.2);
    writeFileSync(path, '{"progress":1}\n', { flag: 'a' });
    expect(reader.read(path, true)).toBe(1);
    expect(reader.read(path, true)).toBe(1);
  });
});
