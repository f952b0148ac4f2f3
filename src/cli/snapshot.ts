import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import type { CodeSource } from '../contract/api.ts';
import { type ErrorCode, OrreryError } from '../contract/errors.ts';
import { errorCode } from '../lib/error-code.ts';
import { type GitState, readGit } from './git-files.ts';
import { makeFolder } from '../daemon/make-folder.ts';

/** Beyond these a job runs in place: copying data sets at submission would make `orrery run` slow and the home huge. */
export const SNAPSHOT_LIMITS = { files: 5_000, bytes: 64 * 1024 ** 2 } as const;
export type SnapshotLimits = { readonly [key in keyof typeof SNAPSHOT_LIMITS]: number };

export interface SnapshotResult {
  code: CodeSource;
  /** Why the job runs in place, as a clause; null where a snapshot was taken. */
  inPlaceReason: string | null;
  /** FIFOs, sockets and devices, which no copy can hold. */
  leftOut: string[];
}

interface Entry {
  /** From the folder's root, with `/`. */
  path: string;
  mode: number;
  kind: 'file' | 'link' | 'empty folder';
  /** A file's bytes; of a symbolic link its target. */
  content: Buffer;
}

const NOTHING = Buffer.alloc(0);

class BeyondLimit extends Error {}

/**
 * Copies `folder` as it is now to `snapshots/<digest>` in the home: in a git checkout the files git tracks or does not ignore, elsewhere
 * all but `node_modules` and `.git`, with its empty folders. The digest covers names, modes and contents, so equal trees share one copy.
 * Folders beyond the limits are not copied and the job runs in them.
 */
export async function takeSnapshot(
  folder: string,
  snapshotsFolder: string,
  options: {
    homeFolder: string;
    /** Where the caller has asked git already, to do other things meanwhile. */
    git?: Promise<GitState | null>;
    limits?: SnapshotLimits;
  },
): Promise<SnapshotResult> {
  const limits = options.limits ?? SNAPSHOT_LIMITS;
  const git = await (options.git ?? readGit(folder, limits.files));
  const inPlace = (reason: string): SnapshotResult => ({
    code: { submitFolder: folder, snapshot: null, gitCommit: git?.commit ?? null },
    inPlaceReason: reason,
    leftOut: [],
  });
  const leftOut: string[] = [];
  let entries: Entry[];
  try {
    if (git?.files === 'too many') throw new BeyondLimit(`more than ${limits.files} files`);
    const isSkipped = belongsToHome(options.homeFolder, folder);
    const paths = git === null ? walk(folder, '', limits.files, isSkipped) : git.files;
    entries = readEntries(folder, paths, limits, isSkipped, leftOut);
  } catch (error) {
    if (error instanceof BeyondLimit) return inPlace(`${folder} holds ${error.message}`);
    throw asFault(error, 'ORR_BAD_FILE', `cannot copy ${folder}`, 'mend it, or run in place with --no-snapshot');
  }
  const digest = digestOf(entries);
  store(entries, digest, snapshotsFolder);
  return {
    code: { submitFolder: folder, snapshot: digest, gitCommit: git?.commit ?? null },
    inPlaceReason: null,
    leftOut,
  };
}

/** Of a job that runs in its folder because the user asked for it. */
export async function withoutSnapshot(folder: string, git: Promise<GitState | null>): Promise<CodeSource> {
  return { submitFolder: folder, snapshot: null, gitCommit: (await git)?.commit ?? null };
}

/** What the daemon itself keeps in its home: never part of a snapshot, even of the home. */
const HOME_ENTRY = /^(?:jobs|snapshots|secrets|models|demo|token|launcher-id|(?:orrery|daemon)\..*)$/;

/** Which paths of a submitted folder are the daemon's: a home below it, or the home's own files where the home was submitted. */
function belongsToHome(home: string, folder: string): (path: string) => boolean {
  if (folder === home) return (path) => HOME_ENTRY.test(relative(home, path).split(sep)[0] ?? '');
  // A folder inside the home, such as that of a job that submits jobs, is a folder like any other.
  if (folder.startsWith(home + sep)) return () => false;
  return (path) => path === home || path.startsWith(home + sep);
}

/** Paths of what lies below `prefix`; a folder in which nothing of it is kept ends with a `/`. */
function walk(root: string, prefix: string, entriesMax: number, isSkipped: (path: string) => boolean): string[] {
  const found: string[] = [];
  const pending = [prefix];
  let seen = 0;
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    let kept = 0;
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      if (entry.name === 'node_modules' || entry.name === '.git') continue;
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (isSkipped(join(root, path))) continue;
      seen += 1;
      if (seen > entriesMax) throw new BeyondLimit(`more than ${entriesMax} files`);
      kept += 1;
      if (entry.isDirectory()) pending.push(path);
      else found.push(path);
    }
    if (kept === 0 && folder !== prefix) found.push(`${folder}/`);
  }
  return found;
}

function readEntries(
  root: string,
  paths: readonly string[],
  limits: SnapshotLimits,
  isSkipped: (path: string) => boolean,
  leftOut: string[],
): Entry[] {
  const entries: Entry[] = [];
  const pending = [...paths].reverse();
  let bytes = 0;
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    const absolute = join(root, path);
    if (isSkipped(absolute)) continue;
    const stat = lstatSync(absolute, { throwIfNoEntry: false });
    // Tracked by git but deleted from the folder.
    if (stat === undefined) continue;
    if (stat.isDirectory()) {
      // Git names a submodule or a nested checkout by its folder only.
      const folder = path.replace(/\/$/, '');
      const inside = walk(root, folder, limits.files, isSkipped);
      if (inside.length === 0) entries.push({ path: folder, mode: 0o755, kind: 'empty folder', content: NOTHING });
      pending.push(...inside);
    } else if (stat.isSymbolicLink()) {
      entries.push({ path, mode: 0o777, kind: 'link', content: Buffer.from(linkTarget(root, absolute)) });
    } else if (stat.isFile()) {
      bytes += stat.size;
      if (bytes > limits.bytes) throw new BeyondLimit(`more than ${limits.bytes / 1024 ** 2} MiB`);
      entries.push({ path, mode: stat.mode & 0o777, kind: 'file', content: readFileSync(absolute) });
    } else {
      leftOut.push(path);
    }
    if (entries.length > limits.files) throw new BeyondLimit(`more than ${limits.files} files`);
  }
  return entries.sort((left, right) => (left.path < right.path ? -1 : left.path > right.path ? 1 : 0));
}

/** Links inside the folder stay as they are; relative ones that leave it are made absolute, or the copy's would point nowhere. */
function linkTarget(root: string, link: string): string {
  const target = readlinkSync(link);
  const resolved = resolve(dirname(link), target);
  return relative(root, resolved).startsWith('..') ? resolved : target;
}

function digestOf(entries: readonly Entry[]): string {
  const hash = createHash('sha256').update('orrery snapshot 1\n');
  for (const { path, mode, kind, content } of entries) {
    hash.update(`${kind === 'file' ? mode.toString(8) : kind} ${content.length} ${path}\0`).update(content);
  }
  return hash.digest('hex');
}

/** A job that is acknowledged survives a power cut, and so must its code: the file system is flushed once, not once a file. */
function flush(folder: string): void {
  // Where `sync` knows no -f (it is GNU's), the kernel writes the files some seconds later.
  spawnSync('sync', ['-f', folder], { stdio: 'ignore' });
}

function asFault(error: unknown, code: ErrorCode, what: string, remedy: string): unknown {
  // What the system refused is the user's to mend; anything else is ours.
  if (errorCode(error) === '' || !(error instanceof Error)) return error;
  return new OrreryError(code, `${what}: ${error.message}; ${remedy}`, { cause: error });
}

function store(entries: readonly Entry[], digest: string, snapshotsFolder: string): void {
  const target = join(snapshotsFolder, digest);
  if (existsSync(target)) return;
  makeFolder(snapshotsFolder);
  const temporary = join(snapshotsFolder, `.new-${randomBytes(8).toString('hex')}`);
  try {
    mkdirSync(temporary, { mode: 0o700 });
    const made = new Set([temporary]);
    for (const { path, mode, kind, content } of entries) {
      const absolute = join(temporary, path);
      const parent = dirname(absolute);
      if (!made.has(parent)) mkdirSync(parent, { recursive: true });
      made.add(parent);
      if (kind === 'empty folder') {
        mkdirSync(absolute, { mode });
      } else if (kind === 'link') {
        symlinkSync(content, absolute);
      } else {
        writeFileSync(absolute, content, { mode });
        // Once more, since the process's umask took bits away.
        chmodSync(absolute, mode);
      }
    }
    flush(temporary);
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    // Someone else has just stored the same tree.
    if (existsSync(target)) return;
    throw asFault(
      error,
      'ORR_STORAGE',
      `cannot store a snapshot in ${snapshotsFolder}`,
      'free some space, or use --no-snapshot',
    );
  }
}
