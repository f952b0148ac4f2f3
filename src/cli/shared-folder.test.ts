import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { slurmFile } from '../daemon/slurm-file.ts';
import { checkShared } from './shared-folder.ts';

let home: string;
let shared: string;
let jobs: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'orrery-doctor-'));
  shared = join(home, 'scratch');
  jobs = join(shared, 'orrery-0123abcd', 'jobs');
  mkdirSync(shared);
  writeFileSync(slurmFile(home), JSON.stringify({ homeId: '0123abcd', host: null, shared }));
});
afterEach(() => {
  spawnSync('umount', ['-l', shared]);
  rmSync(home, { recursive: true, force: true });
});

const mount = (...options: string[]) => spawnSync('mount', ['-t', 'tmpfs', ...options, 'tmpfs', shared]).status === 0;

it('says nothing of a home whose jobs are in it', async () => {
  writeFileSync(slurmFile(home), JSON.stringify({ homeId: '0123abcd', host: null, shared: null }));
  expect(await checkShared(home)).toBeNull();
  rmSync(slurmFile(home));
  expect(await checkShared(home)).toBeNull();
});

it('says that the folder is not there, as where the file system is not mounted', async () => {
  expect(await checkShared(home)).toEqual({
    name: 'Shared',
    status: 'failed',
    detail: `${jobs}: not there`,
    advice: `have ${shared} mounted here and on all nodes; jobs wait until it is there`,
  });
});

it('leaves nothing behind in a folder that takes files', async () => {
  mkdirSync(jobs, { recursive: true });
  const check = await checkShared(home);
  expect(check?.status).not.toBe('failed');
  expect(check?.detail).toMatch(/ free, and it takes files$/);
  expect(readdirSync(jobs)).toEqual([]);
});

it('says that the disk is full, that little is left, and that nothing may be written', async (context) => {
  if (!mount('-o', 'size=4m')) {
    context.skip('needs the right to mount a tmpfs (root)');
    return;
  }
  mkdirSync(jobs, { recursive: true });
  expect(await checkShared(home)).toMatchObject({
    status: 'warning',
    detail: `${shared}: 4M free, and it takes files`,
  });
  spawnSync('sh', ['-c', 'head -c 8M /dev/zero > "$1/fill"', 'sh', shared]);
  expect(await checkShared(home)).toMatchObject({
    status: 'failed',
    detail: `${jobs}: takes no files: No space left on device`,
    advice: 'make room there, inodes too; jobs wait until there is some',
  });
  rmSync(join(shared, 'fill'));
  spawnSync('mount', ['-o', 'remount,ro', shared]);
  expect(await checkShared(home)).toMatchObject({
    status: 'failed',
    detail: `${jobs}: takes no files: Read-only file system`,
  });
});

it('gives up a file system that does not answer', async () => {
  // Without the folder of jobs, in which what it leaves to itself would still write while the home is taken away.
  expect(await checkShared(home, 0)).toMatchObject({ status: 'failed', detail: `${shared}: no answer within 0 s` });
});
