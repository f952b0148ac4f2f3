import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JournalRecord } from '../../../contract/journal.ts';
import { toJobRequest } from '../../../contract/job-request.ts';
import { jobSpecSchema } from '../../../contract/job.ts';
import { KeptPatience, looked } from './kept-patience.ts';
import { job, NOW } from './mirror.test-support.ts';
import { BARE_CLUSTER } from '../nodes/cluster-view.test-support.ts';
import { KnownCluster } from '../nodes/known-cluster.ts';
import { SlurmBackend } from '../slurm-backend.ts';
import { SlurmCommands } from '../slurm-commands.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-patience-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const jobOf = (fields: Parameters<typeof job>[0] = {}) => new Map([[7, job(fields)]]);

describe('how long a job has been missed', () => {
  const restored = async (nowMs: number, fields: Parameters<typeof job>[0] = {}) => {
    const jobs = jobOf(fields);
    await new KeptPatience(join(folder, 'missing.json')).restore(jobs, nowMs);
    return jobs.get(7)?.missingSinceMs;
  };
  const { record } = job();

  it('is known to the next daemon, without the time in which nobody looked', async () => {
    await new KeptPatience(join(folder, 'missing.json')).keep(jobOf({ missingSinceMs: NOW - 40_000 }), NOW);
    expect(await restored(NOW + 30_000)).toBe(NOW - 10_000);
  });

  it.each([
    ['of long ago', NOW + 61_000, {}],
    ['of a time to come', NOW - 1, {}],
    ['of another submission', NOW, { record: { ...record, submission: 2 } }],
    ['of one that is to be submitted again', NOW, { phase: 'none' as const }],
  ])('%s does not count', async (_, nowMs, fields) => {
    await new KeptPatience(join(folder, 'missing.json')).keep(jobOf({ missingSinceMs: NOW - 40_000 }), NOW);
    expect(await restored(nowMs, fields)).toBeNull();
  });

  it('is forgotten once the job is there again, and a file that is broken is none', async () => {
    const path = join(folder, 'missing.json');
    const patience = new KeptPatience(path);
    await patience.keep(jobOf({ missingSinceMs: NOW }), NOW);
    // Written at most every five seconds.
    await patience.keep(jobOf(), NOW + 1000);
    expect(readFileSync(path, 'utf8')).toContain('"jobId":7');
    await patience.keep(jobOf(), NOW + 5000);
    expect(await restored(NOW + 5000)).toBeNull();
    writeFileSync(path, '{"atMs": 1');
    expect(await restored(NOW)).toBeNull();
    await new KeptPatience('/nowhere/missing.json').keep(jobOf({ missingSinceMs: NOW }), NOW);
  });
});

it('does not grow by time in which nobody looked, nor by a clock that is set', () => {
  const jobs = jobOf({ missingSinceMs: NOW, endSeenMs: NOW, phaseSinceMs: NOW, notBeforeMs: NOW + 1, holdToldMs: NOW });
  const seen = () => {
    const { missingSinceMs, endSeenMs, phaseSinceMs, notBeforeMs, holdToldMs } = jobs.get(7) ?? {};
    return [missingSinceMs, endSeenMs, phaseSinceMs, notBeforeMs, holdToldMs];
  };
  looked(jobs, 20_000);
  expect(seen()).toEqual([NOW, NOW, NOW, NOW + 1, NOW]);
  // Stopped for two minutes: twenty seconds of patience are used up.
  looked(jobs, 120_000);
  expect(seen()).toEqual([NOW + 100_000, NOW + 100_000, NOW, NOW + 1, NOW]);
  looked(jobs, -3_600_000);
  expect(seen()).toEqual([NOW + 100_000, NOW + 100_000, NOW, NOW + 1, NOW].map((ms) => ms - 3_600_000));
});

describe('a job that Slurm does not know any more', () => {
  const spec = jobSpecSchema.parse({ command: ['true'], nodes: 1, maxRequeues: 0 });
  const START: JournalRecord[] = [
    { event: { kind: 'JobSubmitted', atMs: 0, job: toJobRequest(7, spec, 0) } },
    { event: { kind: 'AttemptStarting', atMs: 1, jobId: 7, attempt: 1, placement: [] } },
  ];
  let nowMs = NOW;

  /** A daemon's life: looks at these moments after its start. What it journals. */
  async function live(moments: readonly number[]): Promise<string[]> {
    const beganMs = nowMs;
    const said: string[] = [];
    const silent = { info: () => undefined, error: () => undefined };
    const backend = new SlurmBackend({
      commands: new SlurmCommands({
        host: null,
        socketFolder: null,
        env: { PATH: `${folder}/bin:/usr/bin:/bin` },
        timeoutMs: 20_000,
      }),
      journal: {
        append: (records) => {
          said.push(...records.map(({ event }) => ('state' in event ? `${event.kind} ${event.state}` : event.kind)));
          return Promise.resolve();
        },
      },
      jobs: { read: () => undefined },
      folders: { job: (jobId) => join(folder, 'jobs', String(jobId)), snapshot: (digest) => join(folder, digest) },
      sharedFolder: folder,
      homeId: '0a1b2c3d',
      user: 'me',
      cluster: new KnownCluster(
        BARE_CLUSTER,
        () => Promise.resolve(BARE_CLUSTER),
        () => nowMs,
      ),
      readSecrets: () => Promise.resolve({}),
      now: () => nowMs,
      log: silent,
      pollMs: { min: 600_000, max: 600_000 },
    });
    await backend.start(START);
    for (const moment of moments) {
      nowMs = beganMs + moment;
      await backend.observe();
    }
    await backend.stop();
    return said;
  }

  it('is lost in the end, however often the daemon is started anew', async () => {
    mkdirSync(join(folder, 'bin'));
    for (const [name, text] of [
      ['squeue', `echo '{"jobs": []}'`],
      ['sacct', 'true'],
      ['scontrol', 'true'],
    ] as const) {
      writeFileSync(join(folder, 'bin', name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    }
    mkdirSync(join(folder, 'jobs', '7', 'attempts', '1'), { recursive: true });
    symlinkSync('50.n1', join(folder, 'jobs', '7', 'attempts', '1', 'holder'));
    writeFileSync(join(folder, 'jobs', '7', 'submission.json'), JSON.stringify(job().record));
    expect(await live([1_000, 21_000, 41_000])).toEqual([]);
    nowMs += 20_000;
    expect(await live([1_000, 15_000, 30_000])).toEqual([]);
    nowMs += 10_000;
    expect(await live([6_000])).toEqual(['AttemptEnded NODE_FAIL', 'JobEnded NODE_FAIL']);
  });
});
