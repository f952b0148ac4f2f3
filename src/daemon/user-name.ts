import { userInfo } from 'node:os';

/** Of the user the daemon runs as; its number where the system has no name for it. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'default');
  }
}
