import { errorCode } from '../lib/error-code.ts';

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EISDIR: 'is a folder',
  ENOENT: 'no such file',
};

/** Why a file cannot be read, in a user's words: of what the file system threw. */
export function readFailure(cause: unknown): string {
  const code = errorCode(cause);
  return REASONS[code] ?? (code || 'unreadable');
}
