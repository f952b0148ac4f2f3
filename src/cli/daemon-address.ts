import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { readBootId } from '../backend/local/process-table.ts';
import type { DaemonFile } from '../contract/api.ts';
import { OrreryError } from '../contract/errors.ts';

/** Where the daemon of a home says it listens; null where none has said so. It may have died since. */
export function readDaemonFile(
  home: string,
): Pick<DaemonFile, 'pid' | 'url' | 'version' | 'policy' | 'host' | 'bootId'> | null {
  try {
    const { pid, url, version, policy, host, bootId }: Partial<DaemonFile> = JSON.parse(
      readFileSync(join(home, 'daemon.json'), 'utf8'),
    );
    const isWhole = typeof pid === 'number' && typeof url === 'string' && typeof version === 'string';
    return isWhole ? { pid, url, version, policy, host, bootId } : null;
  } catch {
    return null;
  }
}

/** Throws ORR_UNREACHABLE where that daemon listens on the loopback of another machine with which this one shares the home. */
export function expectHere(home: string, { url, host, bootId }: Pick<DaemonFile, 'url' | 'host' | 'bootId'>): void {
  const isElsewhere = host !== undefined && host !== hostname() && bootId !== readBootId();
  if (!isElsewhere || !/^https?:\/\/(?:127\.|localhost|\[::1\])/.test(url)) return;
  throw new OrreryError(
    'ORR_UNREACHABLE',
    `the daemon of ${home} runs on ${host}, and listens there alone: run orrery there, as in ssh ${host} orrery queue`,
  );
}

/** Where a client reaches the home's daemon, and with what token. Throws ORR_UNREACHABLE where none runs. */
export function daemonAddress(home: string): { url: string; token: string } {
  const daemon = readDaemonFile(home);
  if (daemon === null) {
    throw new OrreryError('ORR_UNREACHABLE', `no daemon runs for ${home}: start one with orrery up --detach`);
  }
  expectHere(home, daemon);
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
