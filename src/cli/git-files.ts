import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface GitState {
  /** Commit of HEAD, with `+dirty` where the folder differs from it; null before the first commit. */
  commit: string | null;
  /** Files of the folder, tracked or neither tracked nor ignored, relative to it. */
  files: string[] | 'too many';
}

/** What git knows of a folder; null outside a checkout and where git is missing or fails. */
export async function readGit(folder: string, filesMax: number): Promise<GitState | null> {
  if (!isInCheckout(folder)) return null;
  const [listed, status] = await Promise.all([
    git(folder, ['ls-files', '-co', '--exclude-standard', '-z'], filesMax),
    // One line more than the header's at most four is enough to know that the folder is dirty.
    git(folder, ['status', '--porcelain=v2', '--branch', '-z', '--', '.'], 5),
  ]);
  if (listed === null || status === null) return null;
  const lines = status.text.split('\0').filter((line) => line !== '');
  const head = lines.find((line) => line.startsWith('# branch.oid '))?.slice('# branch.oid '.length);
  const isDirty = lines.some((line) => !line.startsWith('# '));
  return {
    commit: head === undefined || head === '(initial)' ? null : head + (isDirty ? '+dirty' : ''),
    // A file in conflict is listed once for each side.
    files: listed.isComplete ? [...new Set(listed.text.split('\0'))].filter((path) => path !== '') : 'too many',
  };
}

function isInCheckout(folder: string): boolean {
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(join(at, '.git'))) return true;
    if (at === dirname(at)) return false;
  }
}

/** Output of git up to `recordsMax` NUL-ended records, then git is stopped: a huge tree must not hold up a submission. */
function git(
  folder: string,
  args: readonly string[],
  recordsMax: number,
): Promise<{ text: string; isComplete: boolean } | null> {
  return new Promise((resolve) => {
    // Without optional locks `status` writes nothing to the checkout.
    const env = { ...process.env, GIT_OPTIONAL_LOCKS: '0' };
    const child = spawn('git', args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'ignore'] });
    const chunks: Buffer[] = [];
    let records = 0;
    let isStopped = false;
    child.stdout.on('data', (chunk: Buffer) => {
      if (isStopped) return;
      chunks.push(chunk);
      for (const byte of chunk) if (byte === 0) records += 1;
      if (records <= recordsMax) return;
      isStopped = true;
      child.kill('SIGKILL');
    });
    child.on('error', () => resolve(null));
    child.on('close', (code) => {
      const text = Buffer.concat(chunks).toString();
      resolve(isStopped ? { text, isComplete: false } : code === 0 ? { text, isComplete: true } : null);
    });
  });
}
