import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { jobSpecSchema } from '../contract/job.ts';
import { toJobRequest } from '../contract/job-request.ts';
import type { JournalRecord } from '../contract/journal.ts';
import { openDatabase } from './database.ts';
import { lockHome } from './home-lock.ts';
import { MIGRATIONS } from './migrations/index.ts';
import { canMount, withSmallDisk } from './small-disk.test-support.ts';
import { Store } from './store.ts';

let folder: string;
let path: string;
const children: ChildProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-store-'));
  path = join(folder, 'orrery.db');
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

function submission(jobId: number, script: string): JournalRecord {
  const spec = jobSpecSchema.parse({ name: 'job', script });
  return {
    event: { kind: 'JobSubmitted', atMs: 0, job: toJobRequest(jobId, spec, 0) },
    accepted: { spec, environment: {}, code: null },
  };
}

describe('migrations', () => {
  const later = [...MIGRATIONS, 'ALTER TABLE jobs ADD COLUMN colour TEXT'];

  it('copies an older store before it brings it up to date, and keeps the jobs in both', async () => {
    const store = new Store(path);
    await store.append([submission(1, '#!/bin/sh\n')]);
    store.close();
    const opened = openDatabase(path, later);
    expect(opened.database.prepare('SELECT job_id, colour FROM jobs').all()).toEqual([{ job_id: 1, colour: null }]);
    opened.database.close();
    expect(opened.backupPath).toBe(`${path}.v${MIGRATIONS.length}.backup`);
    const backup = new Store(`${path}.v${MIGRATIONS.length}.backup`);
    expect(backup.job(1)?.name).toBe('job');
    backup.close();
  });

  it('brings what is in a store of version 1 with it: whom jobs count for, and what they asked for', () => {
    const { database } = openDatabase(path, MIGRATIONS.slice(0, 1));
    const { event, accepted } = submission(1, '#!/bin/sh\n');
    database
      .prepare('INSERT INTO journal (seq, at_ms, kind, job_id, body) VALUES (1, 0, ?, 1, ?)')
      .run(event.kind, JSON.stringify({ event, accepted: { ...accepted, environmentDigest: 'none' } }));
    database.exec(
      `INSERT INTO jobs (job_id, accepted_seq, name, account, qos, nodes, gpus_per_node, dependencies, submit_ms, state, is_ended, attempt,
         requeues, is_held, node_list, queued_ms) VALUES (1, 1, 'job', 'a', 'normal', 1, 0, '[]', 0, 'PENDING', 0, 0, 0, 0, '[]', 0)`,
    );
    database.close();
    const store = new Store(path);
    expect(store.job(1)).toMatchObject({ user: 'default', partition: null, array: null, cpusPerNode: 1 });
    expect(store.recoveryRecords()).toEqual([{ event }]);
    expect(store.lastStart()).toBeUndefined();
    store.close();
  });

  it('makes no copy of a new store or one that is up to date', () => {
    new Store(path).close();
    expect(new Store(path).backupPath).toBeNull();
    expect(readdirSync(folder).filter((name) => name.includes('backup'))).toEqual([]);
  });

  it('leaves the store as it was when a migration fails halfway', () => {
    new Store(path).close();
    const broken = [...MIGRATIONS, 'ALTER TABLE jobs ADD COLUMN colour TEXT; SELECT * FROM nowhere;'];
    expect(() => openDatabase(path, broken)).toThrow('nowhere');
    const { database } = openDatabase(path, later);
    expect(database.prepare('SELECT colour FROM jobs').all()).toEqual([]);
    database.close();
  });

  it('refuses a store of a later version and does not touch it', () => {
    openDatabase(path, later).database.close();
    expect(() => new Store(path)).toThrow(expect.objectContaining({ code: 'ORR_NEWER_STORE' }));
    expect(() => new Store(path)).toThrow(`has version ${later.length}, this Orrery knows up to ${MIGRATIONS.length}`);
  });

  it('says so in one line when the file is no store', () => {
    writeFileSync(path, 'this is not a database, but it is long enough to look like one'.repeat(20));
    expect(() => new Store(path)).toThrow(expect.objectContaining({ code: 'ORR_STORAGE' }));
  });
});

describe('a killed process', () => {
  it('leaves every job it acknowledged, each once', async () => {
    for (const delayMs of [150, 250, 400]) {
      const child = spawn(process.execPath, [join(import.meta.dirname, 'appender.test-support.ts'), path], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      children.push(child);
      let output = '';
      child.stdout.on('data', (bytes: Buffer) => {
        if (output === '') setTimeout(() => child.kill('SIGKILL'), delayMs);
        output += bytes.toString();
      });
      await once(child, 'close');
      expect(child.signalCode).toBe('SIGKILL');
      const acknowledged = output.split('\n').slice(0, -1).map(Number);
      expect(acknowledged.length).toBeGreaterThan(10);
      const store = new Store(path);
      const stored = new Set([...store.liveJobs()].map((job) => job.jobId));
      expect(acknowledged.filter((jobId) => !stored.has(jobId))).toEqual([]);
      expect(store.recoveryRecords().length).toBe(stored.size);
      store.close();
    }
  });
});

describe('a full disk', () => {
  it.skipIf(!canMount)('refuses the append, keeps nothing of it, and takes the next once there is room', () =>
    withSmallDisk(folder, async (small, fill, free) => {
      const smallPath = join(small, 'orrery.db');
      const store = new Store(smallPath);
      await store.append([submission(1, 'small')]);
      fill();
      const big = [submission(2, 'x'), submission(3, 'x'.repeat(1024 ** 2))];
      await expect(store.append(big)).rejects.toMatchObject({ code: 'ORR_STORAGE' });
      expect([...store.liveJobs()].map((job) => job.jobId)).toEqual([1]);
      expect(store.read(1)?.accepted.spec.script).toBe('small');
      free();
      await store.append([submission(4, 'fits')]);
      store.close();
      const again = new Store(smallPath);
      expect([...again.liveJobs()].map((job) => job.jobId)).toEqual([1, 4]);
      expect(again.journalSince(0, 10).map(({ seq }) => seq)).toEqual([1, 2]);
      again.close();
    }),
  );
});

describe('lockHome', () => {
  it('refuses a second daemon, names the first, and ends with its process', async () => {
    const program = `import { lockHome } from ${JSON.stringify(join(import.meta.dirname, 'home-lock.ts'))};
      lockHome(process.argv[1]); console.log('locked'); setInterval(() => {}, 1000);`;
    const holder = spawn(process.execPath, ['--input-type=module-typescript', '-e', program, folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(holder);
    await once(holder.stdout, 'data');
    expect(() => lockHome(folder)).toThrow(expect.objectContaining({ code: 'ORR_HOME_LOCKED' }));
    expect(() => lockHome(folder)).toThrow(`another daemon (pid ${holder.pid}) uses ${folder}`);
    // As a daemon of another machine leaves it, with which this one shares the folder.
    writeFileSync(join(folder, 'daemon.pid'), '12 login7\n');
    expect(() => lockHome(folder)).toThrow(`another daemon (pid 12 on login7) uses ${folder}`);
    holder.kill('SIGKILL');
    await once(holder, 'close');
    const lock = lockHome(folder);
    lock.release();
    lockHome(folder).release();
    expect(existsSync(join(folder, 'daemon.lock'))).toBe(true);
  });
});
