import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { jobSpecSchema } from '../contract/job.ts';
import { toJobRequest } from '../contract/job-request.ts';
import type { JournalRecord } from '../contract/journal.ts';
import type { PastUse } from '../scheduler/past-use.ts';
import { completePolicy, type SchedulerOptions } from '../scheduler/policy.ts';
import { Store } from '../store/store.ts';
import { UsedBefore } from './used-before.ts';

const HOUR_MS = 3_600_000;
const priority = { type: 'multifactor', decayHalfLifeSeconds: 24 * 3600 } as const;
const policy = completePolicy({ priority, qos: [{ name: 'normal', groupMinutes: { cpus: 600 } }] });

let folder: string;
let store: Store;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-used-before-'));
  store = new Store(join(folder, 'orrery.db'));
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

function request(jobId: number, atMs: number) {
  const spec = jobSpecSchema.parse({ command: ['true'], cpus: 1 + (jobId % 3), memory: '1G' });
  const user = { user: `u${jobId % 2}`, account: 'a', dependencies: [] };
  return { spec, job: toJobRequest(jobId, spec, atMs, user) };
}

function submitted(jobId: number, atMs: number): JournalRecord {
  const { spec, job } = request(jobId, atMs);
  const code = { submitFolder: '/tmp', snapshot: null, gitCommit: null };
  return { event: { kind: 'JobSubmitted', atMs, job }, accepted: { spec, environment: {}, code } };
}

function ran(jobId: number, attempt: number, startMs: number, endMs: number): JournalRecord[] {
  const end = { jobId, atMs: endMs, exitCode: 0, state: 'COMPLETED' } as const;
  return [
    { event: { kind: 'AttemptStarting', atMs: startMs, jobId, attempt, placement: [] } },
    { event: { kind: 'AttemptStarted', atMs: startMs, jobId, attempt } },
    { event: { kind: 'AttemptEnded', attempt, ...end } },
    { event: { kind: 'JobEnded', ...end } },
  ];
}

/** Rounded to billionths, so that what is added in another order is the same. */
function rounded({ uses, minutes }: PastUse): unknown {
  const text = JSON.stringify({
    uses: [...uses].sort((a, b) => (a.user < b.user ? -1 : 1)),
    minutes: [...minutes].sort((a, b) => (a.user < b.user ? -1 : 1)),
  });
  return JSON.parse(text, (_, value: unknown) => (typeof value === 'number' ? Number(value.toPrecision(9)) : value));
}

it('is the same for who follows the journal as for who reads all of it, and is read once', async () => {
  const usedBefore = new UsedBefore(store, policy);
  store.subscribe((entries) => usedBefore.follow(entries));
  const read = vi.spyOn(store, 'pastAttempts');
  const check = (nowMs: number) => {
    const actual = usedBefore.at(nowMs);
    const reads = read.mock.calls.length;
    expect(rounded(actual)).toEqual(rounded(new UsedBefore(store, policy).at(nowMs)));
    read.mockClear();
    return reads;
  };
  for (const jobId of [1, 2, 3])
    await store.append([submitted(jobId, 0), ...ran(jobId, 1, jobId * HOUR_MS, 9 * HOUR_MS)]);
  expect(check(10 * HOUR_MS)).toBe(1);
  expect(usedBefore.minutes(10 * HOUR_MS)).toHaveLength(2);
  expect(check(10 * HOUR_MS)).toBe(0);
  for (const jobId of [4, 5]) await store.append([submitted(jobId, 0), ...ran(jobId, 1, 11 * HOUR_MS, 15 * HOUR_MS)]);
  expect(check(20 * HOUR_MS)).toBe(0);
  expect(check(44 * HOUR_MS)).toBe(0);
  // One of them begins anew, and is no ended job any more until it has ended again.
  await store.append([{ event: { kind: 'JobSubmitted', atMs: 45 * HOUR_MS, job: request(4, 45 * HOUR_MS).job } }]);
  expect(check(46 * HOUR_MS)).toBe(1);
  await store.append(ran(4, 2, 47 * HOUR_MS, 48 * HOUR_MS));
  expect(check(50 * HOUR_MS)).toBe(0);
});

it('is nothing where the policy does not care', async () => {
  await store.append([submitted(1, 0), ...ran(1, 1, HOUR_MS, 2 * HOUR_MS)]);
  const read = vi.spyOn(store, 'pastAttempts');
  const used = (options: SchedulerOptions) => new UsedBefore(store, completePolicy(options));
  expect(used({ priority: { type: 'basic' } }).at(3 * HOUR_MS)).toEqual({ uses: [], minutes: [] });
  expect(read).not.toHaveBeenCalled();
  // Fair-share alone counts no minutes.
  expect(used({ priority }).minutes(3 * HOUR_MS)).toEqual([]);
});
