import { readFile } from 'node:fs/promises';
import { OrreryError } from '../contract/errors.ts';
import { readFailure } from './read-failure.ts';

/** A file's text. Throws ORR_BAD_FILE with one line that says why it cannot be read. */
export async function readText(path: string): Promise<string> {
  return await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new OrreryError('ORR_BAD_FILE', `cannot read ${path}: ${readFailure(cause)}`, { cause });
  });
}
