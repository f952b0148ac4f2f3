import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { installRankScript, JobFolder, mayStillEnd } from './job-folder.ts';
import { NO_SUBMISSION } from '../mirror/mirror-job.ts';

let path = '';
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'orrery-job-folder-'));
});
afterEach(() => rmSync(path, { recursive: true }));

function attemptFolder(attempt: number): string {
  const folder = join(path, 'attempts', String(attempt));
  mkdirSync(folder, { recursive: true });
  return folder;
}

it('the script of the ranks is written once, and again where it is not what it was: a full disk need not take it', async () => {
  const script = await installRankScript(path);
  const { ino } = statSync(script);
  expect(await installRankScript(path)).toBe(script);
  expect(statSync(script).ino).toBe(ino);
  const text = readFileSync(script, 'utf8');
  writeFileSync(script, text.slice(0, 10));
  await installRankScript(path);
  expect(readFileSync(script, 'utf8')).toBe(text);
});

describe('the folder of a job', () => {
  it('gives back the record that was written, and none where there is none', async () => {
    const folder = new JobFolder(path);
    expect(await folder.readRecord()).toBeNull();
    expect(await new JobFolder(join(path, 'nowhere')).readRecord()).toBeNull();
    const record = { ...NO_SUBMISSION, submission: 3, base: 2, slurmJobId: 71 };
    await folder.writeRecord(record);
    expect(await folder.readRecord()).toEqual(record);
  });

  it('is made anew for the record where somebody has deleted it, and is gone all the same', async () => {
    const folder = new JobFolder(join(path, '7'));
    await folder.writeRecord(NO_SUBMISSION);
    expect(await folder.isThere()).toBe(false);
    writeFileSync(join(folder.path, 'submission'), '1\n');
    expect(await folder.isThere()).toBe(true);
    // Away, as a file system that is not mounted is.
    const away = new JobFolder(join(path, 'away', '7'));
    expect(await away.isThere()).toBe(true);
    await expect(away.writeRecord(NO_SUBMISSION)).rejects.toThrow(/ENOENT/);
  });

  it('tells what the scripts of the attempts left', async () => {
    expect(await new JobFolder(path).attempts(0)).toEqual([]);
    const first = attemptFolder(1);
    symlinkSync('50.n1.4711', join(first, 'holder'));
    symlinkSync('3 9 n2', join(first, 'failed'));
    writeFileSync(join(first, 'exit'), '9 TERM\n');
    writeFileSync(join(first, 'memory'), 'srun: error: n2: task 3: Out Of Memory\n');
    writeFileSync(join(first, 'lost'), 'n2\nn5\n');
    // Where nothing was found the file is empty.
    writeFileSync(join(attemptFolder(2), 'memory'), '');
    expect(await new JobFolder(path).attempts(0)).toMatchObject([
      {
        attempt: 1,
        slurmJobId: 50,
        exit: { status: 9, isTold: true },
        failed: { rank: 3, status: 9, nodeName: 'n2' },
        memory: 'srun: error: n2: task 3: Out Of Memory',
        lostNodes: ['n2', 'n5'],
      },
      { attempt: 2, slurmJobId: null, claimedMs: null, exit: null, failed: null, memory: null, lostNodes: [] },
    ]);
    expect((await new JobFolder(path).attempts(1)).map(({ attempt }) => attempt)).toEqual([2]);
  });

  it('tells whether an attempt that was taken for lost may end by itself yet, or has', async () => {
    const claim = (attempt: number) => symlinkSync('50.n1.4711', join(attemptFolder(attempt), 'holder'));
    for (const attempt of [1, 2, 3]) claim(attempt);
    writeFileSync(join(attemptFolder(2), 'exit'), '0\n');
    writeFileSync(join(attemptFolder(3), 'exit'), '143 TERM\n');
    attemptFolder(4);
    expect((await new JobFolder(path).attempts(0)).map(mayStillEnd)).toEqual([true, true, false, false]);
  });

  it('does not take what cannot be read for what is not there', async () => {
    mkdirSync(join(path, 'submission.json'));
    await expect(new JobFolder(path).readRecord()).rejects.toThrow(/EISDIR/);
    symlinkSync('50.n1.4711', join(attemptFolder(1), 'holder'));
    mkdirSync(join(attemptFolder(1), 'exit'));
    await expect(new JobFolder(path).attempts(0)).rejects.toThrow(/EISDIR/);
  });
});
