import { createServer } from 'node:net';

/** Below those that the system gives to whoever asks for any (`ip_local_port_range`), so that no connection takes one meanwhile. */
const FIRST = 12_000;
const COUNT = 20_000;
/** Test files that run at the same time are processes of their own: each begins elsewhere, and no two look at the same port in the same moment. */
let next = (process.pid * 61) % COUNT;

/** Ports of 127.0.0.1 on which nobody listens, each given out once. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = FIRST + next;
    next = (next + 1) % COUNT;
    if (await isFree(port)) ports.push(port);
  }
  return ports;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
