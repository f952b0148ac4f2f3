import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DaemonFile } from '../contract/api.ts';
import { OrreryError } from '../contract/errors.ts';

/** Where the daemon of a home says it listens; null where none has said so. It may have died since. */
export function readDaemonFile(home: string): Pick<DaemonFile, 'pid' | 'url' | 'version' | 'policy'> | null {
  try {
    const { pid, url, version, policy }: Partial<DaemonFile> = JSON.parse(
      readFileSync(join(home, 'daemon.json'), 'utf8'),
    );
    const isWhole = typeof pid === 'number' && typeof url === 'string' && typeof version === 'string';
    return isWhole ? { pid, url, version, policy } : null;
  } catch {
    return null;
  }
}

/** Where a client reaches the home's daemon, and with what token. Throws ORR_UNREACHABLE where none runs. */
export function daemonAddress(home: string): { url: string; token: string } {
  const daemon = readDaemonFile(home);
  if (daemon === null) {
    throw new OrreryError('ORR_UNREACHABLE', `no daemon runs for ${home}: start one with orrery up --detach`);
  }
  return { url: daemon.url, token: readToken(home) };
}

function readToken(home: string): string {
  const file = join(home, 'token');
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw new OrreryError('ORR_REFUSED', `cannot read the daemon's token ${file}: run as the user who started it`, {
      cause,
    });
  }
}
