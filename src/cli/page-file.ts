import { randomBytes } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { OrreryError } from '../contract/errors.ts';
import { errorCode } from '../lib/error-code.ts';

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EISDIR: 'is a folder',
  ENOENT: 'no such folder',
  ENOSPC: 'no space left',
  ENOTDIR: 'a part of the path is not a folder',
  EROFS: 'read-only file system',
};

/** Writes the page of `--report`, whole or not at all. Throws ORR_BAD_FILE. */
export async function writePage(file: string, page: string): Promise<void> {
  const half = `${resolve(file)}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await writeFile(half, page, { flag: 'wx' });
    await rename(half, resolve(file));
  } catch (cause) {
    await rm(half, { force: true }).catch(() => {});
    throw unwritable(file, cause);
  }
}

/** Throws ORR_BAD_FILE where a page could not be written, before anything long is begun. */
export async function checkPage(file: string): Promise<void> {
  const probe = `${resolve(file)}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await writeFile(probe, '', { flag: 'wx' });
  } catch (cause) {
    throw unwritable(file, cause);
  }
  await rm(probe, { force: true });
}

function unwritable(file: string, cause: unknown): OrreryError {
  const code = errorCode(cause);
  return new OrreryError('ORR_BAD_FILE', `report: cannot write ${file}: ${REASONS[code] ?? (code || 'unwritable')}`, {
    cause,
  });
}
