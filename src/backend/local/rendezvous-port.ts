import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';

const PORT_MIN = 20_000;
const PORT_MAX = 65_535;

/**
 * Ports for MASTER_PORT: outside the range the kernel gives to outgoing connections, so that none of those takes one between our look
 * and the bind of rank 0. Throws if the kernel's range covers everything from 20000 up.
 */
export function candidatePorts(ephemeral: { low: number; high: number }): number[] {
  const ports: number[] = [];
  for (let port = PORT_MIN; port <= PORT_MAX; port += 1)
    if (port < ephemeral.low || port > ephemeral.high) ports.push(port);
  if (ports.length === 0)
    throw new Error(
      `no port for MASTER_PORT: net.ipv4.ip_local_port_range ${ephemeral.low} ${ephemeral.high} leaves none`,
    );
  return ports;
}

export function readEphemeralRange(): { low: number; high: number } {
  const [low = NaN, high = NaN] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').trim().split(/\s+/);
  return { low: Number(low), high: Number(high) };
}

/** True if nobody listens on it, on any address. */
export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '0.0.0.0', exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** Hands out rendezvous ports, each to one live attempt only, and the one given back last comes last again. */
export class RendezvousPorts {
  readonly #candidates: readonly number[];
  readonly #taken = new Set<number>();
  #next: number;

  /** `first`: where in the candidates to begin; daemons that begin at different places seldom meet. */
  constructor(candidates: readonly number[], first: number) {
    this.#candidates = candidates;
    this.#next = first % candidates.length;
  }

  /** Throws if all are taken. */
  async reserve(): Promise<number> {
    for (let tries = 0; tries < this.#candidates.length; tries += 1) {
      const port = this.#candidates[this.#next] ?? PORT_MIN;
      this.#next = (this.#next + 1) % this.#candidates.length;
      if (this.#taken.has(port)) continue;
      this.#taken.add(port);
      if (await isPortFree(port)) return port;
      this.#taken.delete(port);
    }
    throw new Error(`no free port for MASTER_PORT among ${this.#candidates.length}`);
  }

  /** Of an attempt that was started by an earlier daemon. */
  keep(port: number): void {
    this.#taken.add(port);
  }

  release(port: number): void {
    this.#taken.delete(port);
  }
}

const IN_USE = /EADDRINUSE|address already in use/i;

/** Whether what rank 0 wrote last says that it could not listen on its rendezvous port. */
export function saysPortInUse(stderrTail: string, port: number): boolean {
  return stderrTail.split('\n').some((line) => IN_USE.test(line) && new RegExp(`\\b${port}\\b`).test(line));
}
