import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { errorCode } from '../lib/error-code.ts';

/**
 * Makes a folder and those above it that are missing, readable by the owner alone. Unlike a recursive `mkdirSync` it fails, and does not
 * loop for ever, under a folder such as /proc that exists and takes no entries.
 */
export function makeFolder(path: string): void {
  if (existsSync(path)) return;
  if (!existsSync(dirname(path))) makeFolder(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Somebody else has just made it.
    if (errorCode(error) !== 'EEXIST') throw error;
  }
}
