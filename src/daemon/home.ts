import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { DaemonFile } from '../contract/api.ts';
import { OrreryError } from '../contract/errors.ts';

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

/** Makes the home where missing, readable by its owner alone. Throws ORR_STORAGE where it cannot be written. */
export function openHome(path: string): Home {
  const folder = resolve(path);
  const job = (jobId: number) => join(folder, 'jobs', String(jobId));
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (const part of ['jobs', 'snapshots', 'secrets'])
      mkdirSync(join(folder, part), { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o700);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new OrreryError(
      'ORR_STORAGE',
      `cannot write to the home ${folder}: ${reason}; choose another with ORRERY_HOME`,
      {
        cause,
      },
    );
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

/** Tells clients where the daemon is: whole or not at all. */
export function writeDaemonFile(home: Home, content: DaemonFile): void {
  const half = `${home.daemonFile}.${process.pid}.partial`;
  writeFileSync(half, `${JSON.stringify(content)}\n`, { mode: 0o600 });
  renameSync(half, home.daemonFile);
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
