import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { chmodSync } from 'node:fs';
import { OrreryError } from '../contract/errors.ts';
import { readIfThere, writeWhole } from './home.ts';

/** The home's token: 32 random bytes, made at the first start, readable by the owner alone. */
export function loadToken(path: string): string {
  const found = readIfThere(path)?.trim();
  if (found === undefined) {
    const token = randomBytes(32).toString('base64url');
    writeWhole(path, `${token}\n`);
    return token;
  }
  if (found.length < 32) {
    throw new OrreryError('ORR_BAD_FILE', `${path} holds no token: remove it and start again to have a new one made`);
  }
  chmodSync(path, 0o600);
  return found;
}

/** Compares in a time that does not depend on where the texts differ. */
export function isToken(given: string, token: string): boolean {
  return timingSafeEqual(digest(given), digest(token));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
