import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DaemonFile, daemonFileSchema } from '../contract/api.ts';
import { createClient, type OrreryClient } from '../contract/client.ts';
import { OrreryError } from '../contract/errors.ts';
import { homeFolder } from './home.ts';
import { localFetch } from './local-fetch.ts';

// The client calls the global one, as it does in a browser; here that would load far more than the command itself.
Object.assign(globalThis, { fetch: localFetch });

/** Where the daemon of a home says it listens; null where none has said so. It may have died since. */
export function readDaemonFile(home: string): DaemonFile | null {
  try {
    return daemonFileSchema.parse(JSON.parse(readFileSync(join(home, 'daemon.json'), 'utf8')));
  } catch {
    return null;
  }
}

/** A client of the home's daemon. Throws ORR_UNREACHABLE where none runs. */
export function connect(home: string = homeFolder()): OrreryClient {
  const daemon = readDaemonFile(home);
  if (daemon === null) {
    throw new OrreryError('ORR_UNREACHABLE', `no daemon runs for ${home}: start one with orrery up --detach`);
  }
  return createClient({ url: daemon.url, token: readToken(home) });
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
