import { chmodSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { DaemonFile } from '../contract/api.ts';
import { OrreryError } from '../contract/errors.ts';
import { errorCode } from '../lib/error-code.ts';
import { makeFolder } from './make-folder.ts';

/** Where everything of one home is; all absolute. */
export interface Home {
  folder: string;
  store: string;
  token: string;
  daemonFile: string;
  job: (jobId: number) => string;
  checkpoints: (jobId: number) => string;
  metrics: (jobId: number) => string;
  attempt: (jobId: number, attempt: number) => string;
  snapshot: (digest: string) => string;
}

const STORAGE_ERRORS = ['EACCES', 'EDQUOT', 'EEXIST', 'EIO', 'ENOENT', 'ENOSPC', 'ENOTDIR', 'EPERM', 'EROFS'];

/** ORR_STORAGE for what the file system refused, anything else as it is. */
export function asHomeError(error: unknown, folder: string): unknown {
  if (!(error instanceof Error) || !STORAGE_ERRORS.includes(errorCode(error))) return error;
  return new OrreryError(
    'ORR_STORAGE',
    `cannot write to the home ${folder}: ${error.message}; make room or choose another with ORRERY_HOME`,
    { cause: error },
  );
}

/** Makes the home where missing, readable by its owner alone. `jobsFolder`: where jobs are if not in it. Throws ORR_STORAGE where it cannot be written. */
export function openHome(path: string, jobsFolder?: string): Home {
  const folder = resolve(path);
  const job = (jobId: number) => join(jobsFolder ?? join(folder, 'jobs'), String(jobId));
  try {
    for (const part of ['jobs', 'snapshots', 'secrets']) makeFolder(join(folder, part));
    chmodSync(folder, 0o700);
  } catch (error) {
    throw asHomeError(error, folder);
  }
  return {
    folder,
    store: join(folder, 'orrery.db'),
    token: join(folder, 'token'),
    daemonFile: join(folder, 'daemon.json'),
    job,
    checkpoints: (jobId) => join(job(jobId), 'checkpoint'),
    metrics: (jobId) => join(job(jobId), 'metrics.ndjson'),
    attempt: (jobId, attempt) => join(job(jobId), 'attempts', String(attempt)),
    snapshot: (digest) => join(folder, 'snapshots', digest),
  };
}

/** The highest id of a job that has a folder; 0: none has. Where the folder of jobs cannot be read, it throws what the file system says. */
export function highestJobFolder({ job }: Home): number {
  const names = readdirSync(dirname(job(1)));
  return names.reduce((highest, name) => (/^\d{1,15}$/.test(name) ? Math.max(highest, Number(name)) : highest), 0);
}

/** Writes a file that its owner alone may read, whole or not at all. */
export function writeWhole(path: string, text: string): void {
  const half = `${path}.${process.pid}.partial`;
  try {
    writeFileSync(half, text, { mode: 0o600 });
    renameSync(half, path);
  } catch (error) {
    rmSync(half, { force: true });
    throw error;
  }
}

/** Tells clients where the daemon is. */
export function writeDaemonFile(home: Home, content: DaemonFile): void {
  writeWhole(home.daemonFile, `${JSON.stringify(content)}\n`);
}

export function removeDaemonFile(home: Home): void {
  rmSync(home.daemonFile, { force: true });
}

/** Values of secrets (`orrery secret set NAME`), read when an attempt starts. Throws ORR_FAILED for one that is missing. */
export async function readSecrets(home: Home, names: readonly string[]): Promise<Record<string, string>> {
  const pairs = await Promise.all(
    names.map(async (name) => {
      const value = await readFile(join(home.folder, 'secrets', name), 'utf8').catch((cause: unknown) => {
        throw new OrreryError('ORR_FAILED', `secret ${name} cannot be read: set it with orrery secret set ${name}`, {
          cause,
        });
      });
      return [name, value] as const;
    }),
  );
  return Object.fromEntries(pairs);
}

/** Text of a file, undefined where there is none. */
export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
