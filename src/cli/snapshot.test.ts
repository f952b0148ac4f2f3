import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readGit } from './git-files.ts';
import { type SnapshotLimits, takeSnapshot, withoutSnapshot } from './snapshot.ts';

let root: string;
let folder: string;
let home: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'orrery-snapshot-'));
  folder = join(root, 'work');
  home = join(root, 'home');
  mkdirSync(folder);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(path: string, text: string, mode = 0o644): void {
  const absolute = join(folder, path);
  mkdirSync(dirname(absolute), { recursive: true });
  writeFileSync(absolute, text);
  chmodSync(absolute, mode);
}

async function take(limits?: SnapshotLimits): Promise<{ path: string; digest: string; commit: string | null }> {
  const options = limits === undefined ? { homeFolder: home } : { homeFolder: home, limits };
  const { code, inPlaceReason } = await takeSnapshot(folder, join(home, 'snapshots'), options);
  expect(inPlaceReason).toBeNull();
  expect(code.submitFolder).toBe(folder);
  return { path: join(home, 'snapshots', code.snapshot ?? ''), digest: code.snapshot ?? '', commit: code.gitCommit };
}

function tree(at: string): string[] {
  return readdirSync(at, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(at.length + 1))
    .sort();
}

function git(...args: string[]): string {
  const identity = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.org', '-c', 'init.defaultBranch=main'];
  return execFileSync('git', [...identity, ...args], { cwd: folder, encoding: 'utf8' }).trim();
}

describe('a snapshot of a plain folder', () => {
  it('holds files, mode bits and links, and neither node_modules nor .git', async () => {
    write('train.py', 'print(1)\n');
    write('bin/prepare', '#!/bin/sh\n', 0o755);
    write('private.txt', 'x', 0o600);
    write('node_modules/big/index.js', 'no');
    write('sub/.git/HEAD', 'no');
    symlinkSync('train.py', join(folder, 'main.py'));
    symlinkSync('../elsewhere', join(folder, 'data'));
    const { path } = await take();
    expect(tree(path)).toEqual(['bin/prepare', 'data', 'main.py', 'private.txt', 'train.py']);
    expect(readFileSync(join(path, 'train.py'), 'utf8')).toBe('print(1)\n');
    expect(['bin/prepare', 'private.txt', 'train.py'].map((name) => lstatSync(join(path, name)).mode & 0o777)).toEqual([
      0o755, 0o600, 0o644,
    ]);
    expect(readlinkSync(join(path, 'main.py'))).toBe('train.py');
    expect(readlinkSync(join(path, 'data'))).toBe(join(root, 'elsewhere'));
  });

  it('does not change when the folder is edited later', async () => {
    write('train.py', 'first');
    const { path } = await take();
    write('train.py', 'second');
    write('new.py', '');
    expect(readFileSync(join(path, 'train.py'), 'utf8')).toBe('first');
    expect(tree(path)).toEqual(['train.py']);
  });

  it('keeps empty folders, and names what no copy can hold', async () => {
    write('a.txt', 'a');
    const before = await takeSnapshot(folder, join(home, 'snapshots'), { homeFolder: home });
    mkdirSync(join(folder, 'out/logs'), { recursive: true });
    const { code, leftOut } = await takeSnapshot(folder, join(home, 'snapshots'), { homeFolder: home });
    expect(leftOut).toEqual([]);
    expect(code.snapshot).not.toBe(before.code.snapshot);
    expect(lstatSync(join(home, 'snapshots', code.snapshot ?? '', 'out/logs')).isDirectory()).toBe(true);

    execFileSync('mkfifo', [join(folder, 'pipe')]);
    const after = await takeSnapshot(folder, join(home, 'snapshots'), { homeFolder: home });
    expect([after.code.snapshot, after.leftOut]).toEqual([code.snapshot, ['pipe']]);
  });

  it('reuses the copy of an equal tree without writing', async () => {
    write('train.py', 'same');
    const first = await take();
    const stored = lstatSync(join(first.path, 'train.py'));
    const second = await take();
    expect(second.digest).toBe(first.digest);
    expect(lstatSync(join(second.path, 'train.py')).ino).toBe(stored.ino);
    expect(readdirSync(join(home, 'snapshots'))).toEqual([first.digest]);
  });

  it('tells apart trees that differ in a name, a mode, a content, or a link only', async () => {
    const digests = new Set<string>();
    write('a', 'x');
    digests.add((await take()).digest);
    chmodSync(join(folder, 'a'), 0o755);
    digests.add((await take()).digest);
    write('a', 'y');
    digests.add((await take()).digest);
    unlinkSync(join(folder, 'a'));
    write('b', 'y');
    digests.add((await take()).digest);
    unlinkSync(join(folder, 'b'));
    symlinkSync('y', join(folder, 'b'));
    digests.add((await take()).digest);
    expect(digests.size).toBe(5);
  });

  it('takes a folder at its limits and leaves one beyond them in place', async () => {
    write('a', '12345');
    write('b', '67890');
    await take({ files: 2, bytes: 10 });
    const options = { homeFolder: home, git: readGit(folder, 100) };
    const tooMany = await takeSnapshot(folder, join(home, 'snapshots'), {
      ...options,
      limits: { files: 1, bytes: 100 },
    });
    expect(tooMany.inPlaceReason).toMatch(/more than 1 files$/);
    const tooLarge = await takeSnapshot(folder, join(home, 'snapshots'), {
      ...options,
      limits: { files: 9, bytes: 9 },
    });
    expect(tooLarge.inPlaceReason).toMatch(/holds more than .* MiB$/);
    expect(tooLarge.code).toEqual({ submitFolder: folder, snapshot: null, gitCommit: null });
  });

  it('skips the home where it lies inside', async () => {
    home = join(folder, '.orrery');
    write('train.py', '');
    const first = await take();
    expect((await take()).digest).toBe(first.digest);
    expect(tree(first.path)).toEqual(['train.py']);
  });

  it('leaves nothing half-written where it cannot store', async () => {
    write('train.py', 'x');
    mkdirSync(home);
    writeFileSync(join(home, 'snapshots'), 'a file in the way');
    await expect(takeSnapshot(folder, join(home, 'snapshots'), { homeFolder: home })).rejects.toThrow(
      /^cannot store a snapshot in .*ENOTDIR.*--no-snapshot$/,
    );
    expect(readdirSync(home)).toEqual(['snapshots']);
  });
});

describe('a snapshot of a git checkout', () => {
  beforeEach(() => {
    git('init', '-q');
    write('.gitignore', '*.log\ndata/\n');
    write('train.py', 'v1');
    git('add', '.');
    git('commit', '-q', '-m', 'first');
  });

  it('holds tracked files as they are and new ones, not what git ignores', async () => {
    write('train.py', 'v2');
    write('new file.py', '');
    write('run.log', 'no');
    write('data/huge', 'no');
    const { path } = await take();
    expect(tree(path)).toEqual(['.gitignore', 'new file.py', 'train.py']);
    expect(readFileSync(join(path, 'train.py'), 'utf8')).toBe('v2');
  });

  it('records the commit, and whether the folder differs from it', async () => {
    const commit = git('rev-parse', 'HEAD');
    expect((await take()).commit).toBe(commit);
    write('run.log', 'ignored');
    expect((await take()).commit).toBe(commit);
    write('train.py', 'v2');
    expect((await take()).commit).toBe(`${commit}+dirty`);
    expect(await withoutSnapshot(folder, readGit(folder, 10))).toEqual({
      submitFolder: folder,
      snapshot: null,
      gitCommit: `${commit}+dirty`,
    });
  });

  it('does without a tracked file that was deleted', async () => {
    unlinkSync(join(folder, 'train.py'));
    expect(tree((await take()).path)).toEqual(['.gitignore']);
  });

  it('stops listing at the limit, and writes nothing to the checkout', async () => {
    const index = readFileSync(join(folder, '.git', 'index'));
    const { inPlaceReason } = await takeSnapshot(folder, join(home, 'snapshots'), {
      homeFolder: home,
      limits: { files: 1, bytes: 1000 },
    });
    expect(inPlaceReason).toMatch(/more than 1 files/);
    expect(existsSync(home)).toBe(false);
    expect(readFileSync(join(folder, '.git', 'index'))).toEqual(index);
  });

  it('holds the files of a nested checkout', async () => {
    mkdirSync(join(folder, 'nested'));
    git('-C', 'nested', 'init', '-q');
    write('nested/inner.py', '');
    expect(tree((await take()).path)).toEqual(['.gitignore', 'nested/inner.py', 'train.py']);
  });
});
