import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { OrreryError } from '../contract/errors.ts';

/** Where the daemon listens if nobody says otherwise: here, else at the next free port. */
export const DEFAULT_PORT = 7077;
const PORTS_TRIED_MAX = 100;

export interface Listener {
  readonly port: number;
  /** Stops accepting, lets answers under way finish for a moment, then ends what is left. */
  close(): Promise<void>;
}

const CLOSE_MS_MAX = 500;
const IDLE_POLL_MS = 10;

/**
 * Listens on `host`. `port` null: the default port or the next free one; 0: any. Throws ORR_PORT_IN_USE where the port asked for is
 * taken, ORR_USAGE for an address this machine does not have.
 */
export async function listen(
  fetch: (request: Request) => Response | Promise<Response>,
  host: string,
  port: number | null,
): Promise<Listener> {
  const first = port ?? DEFAULT_PORT;
  const last = port ?? DEFAULT_PORT + PORTS_TRIED_MAX - 1;
  for (let candidate = first; candidate <= last; candidate++) {
    const server = createAdaptorServer({ fetch });
    const code = await tryListen(server, host, candidate);
    if (code === null) return new HttpListener(server);
    if (code !== 'EADDRINUSE')
      throw new OrreryError(
        'ORR_USAGE',
        `cannot listen on ${host}:${candidate} (${code}): choose another --host or --port`,
      );
  }
  const what = port === null ? `ports ${first} to ${last} are` : `port ${port} is`;
  throw new OrreryError(
    'ORR_PORT_IN_USE',
    `${what} in use on ${host}: choose another with --port, or --port 0 for any`,
  );
}

/** Null for success, else the error's code. */
function tryListen(server: ReturnType<typeof createAdaptorServer>, host: string, port: number): Promise<string | null> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      if ('code' in error && typeof error.code === 'string') resolve(error.code);
      else reject(error);
    });
    server.listen(port, host, () => resolve(null));
  });
}

class HttpListener implements Listener {
  readonly #server: ReturnType<typeof createAdaptorServer>;

  constructor(server: ReturnType<typeof createAdaptorServer>) {
    this.#server = server;
  }

  get port(): number {
    const address: AddressInfo | string | null = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  close(): Promise<void> {
    const server = this.#server;
    if (!isHttp(server)) throw new Error('not an HTTP/1 server');
    return new Promise((resolve) => {
      // Connections are kept alive: one whose answer ends now is to be closed then.
      const idle = setInterval(() => server.closeIdleConnections(), IDLE_POLL_MS);
      const last = setTimeout(() => server.closeAllConnections(), CLOSE_MS_MAX);
      server.close(() => {
        clearInterval(idle);
        clearTimeout(last);
        resolve();
      });
    });
  }
}

function isHttp(server: object): server is Server {
  return 'closeAllConnections' in server;
}
