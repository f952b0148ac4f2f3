import { readFileSync } from 'node:fs';
import { OrreryError } from '../contract/errors.ts';

/** Text of a file that the user named. `what`: what it is, for the message. Throws ORR_BAD_FILE. */
export function readInputFile(path: string, what: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new OrreryError('ORR_BAD_FILE', `cannot read the ${what} ${path}: ${reason}`, { cause });
  }
}
