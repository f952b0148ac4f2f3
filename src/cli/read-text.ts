import { readFile } from 'node:fs/promises';
import { OrreryError } from '../contract/errors.ts';
import { errorCode } from '../lib/error-code.ts';

/** A file's text. Throws ORR_BAD_FILE with one line that says why it cannot be read. */
export async function readText(path: string): Promise<string> {
  return await readFile(path, 'utf8').catch((cause: unknown) => {
    const code = errorCode(cause);
    const reason = code === 'ENOENT' ? 'no such file' : code || 'unreadable';
    throw new OrreryError('ORR_BAD_FILE', `cannot read ${path}: ${reason}`, { cause });
  });
}
