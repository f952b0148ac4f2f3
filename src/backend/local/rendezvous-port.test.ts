import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { AttemptFiles } from './attempt-files.ts';
import { LauncherFixture } from './launcher-fixture.test-support.ts';
import { candidatePorts, isPortFree, readEphemeralRange, RendezvousPorts, saysPortInUse } from './rendezvous-port.ts';

async function listen(port = 0): Promise<{ port: number; close: () => void }> {
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not a port');
  return { port: address.port, close: () => server.close() };
}

describe('candidatePorts', () => {
  it('leaves out what the kernel gives to outgoing connections', () => {
    const ports = candidatePorts({ low: 32_768, high: 60_999 });
    expect(ports.length).toBe(12_768 + 4_536);
    expect(ports.filter((port) => port >= 32_768 && port <= 60_999)).toEqual([]);
  });

  it('says so where nothing is left', () => {
    expect(() => candidatePorts({ low: 1024, high: 65_535 })).toThrow('ip_local_port_range 1024 65535 leaves none');
  });

  it('knows the range of this machine', () => {
    const { low, high } = readEphemeralRange();
    expect(low).toBeLessThan(high);
  });
});

describe('RendezvousPorts', () => {
  it('hands a port to one attempt at a time, and passes over those in use', async () => {
    const stranger = await listen();
    const ports = new RendezvousPorts([stranger.port, 20_001, 20_002, 20_003], 4);
    ports.keep(20_001);
    const first = await ports.reserve();
    const second = await ports.reserve();
    expect(new Set([first, second])).toEqual(new Set([20_002, 20_003]));
    await expect(ports.reserve()).rejects.toThrow('no free port');
    ports.release(first);
    expect(await ports.reserve()).toBe(first);
    stranger.close();
  });
});

describe('isPortFree', () => {
  it('is false while somebody listens, on whatever address', async () => {
    const stranger = await listen();
    expect(await isPortFree(stranger.port)).toBe(false);
    stranger.close();
    expect(await isPortFree(stranger.port)).toBe(true);
  });
});

describe('saysPortInUse', () => {
  it.each([
    ['RuntimeError: The server socket has failed to bind to [::]:20017 (errno: 98 - Address already in use).', true],
    ['torch.distributed.DistNetworkError: ... port: 20017, useIpv6: 0, code: -98, name: EADDRINUSE', true],
    ['[Errno 98] Address already in use: port 20018', false],
    ['[Errno 98] Address already in use: port 120017', false],
    ['connected to 127.0.0.1:20017', false],
  ])('of %j is %j', (line, isSo) => {
    expect(saysPortInUse(`Traceback\n${line}\n`, 20_017)).toBe(isSo);
  });
});

describe('a rank 0 that cannot listen', () => {
  /** Binds the rendezvous port as a task would, unless it is told to wait for a stranger to take it. */
  const BIND = `const port = Number(process.env.MASTER_PORT);
require('node:net').createServer().listen(port, '127.0.0.1')
  .on('error', (error) => { console.error(error.message); process.exit(1); })
  .on('listening', () => process.exit(0));`;

  it('is a port conflict if a stranger holds the port', async () => {
    const fixture = new LauncherFixture();
    const launcher = fixture.launcher();
    const plan = fixture.plan({
      script: `while [ ! -e taken ]; do sleep 0.02; done\nexec ${process.execPath} -e "$BIND"`,
    });
    await launcher.start({ ...plan, environment: { BIND } });
    const masterPort = new AttemptFiles(plan.attemptFolder).readRecord()?.masterPort ?? 0;
    const stranger = await listen(masterPort);
    fixture.writeWork('taken');
    const exit = await launcher.exitOf(plan);
    stranger.close();
    expect(exit).toMatchObject({
      state: 'FAILED',
      isPortConflict: true,
      message: `port ${masterPort} was taken`,
    });
    await launcher.close();
    fixture.remove();
  });

  it('is a failure of the job if it took the port itself', async () => {
    const fixture = new LauncherFixture();
    const launcher = fixture.launcher();
    const twice = `require('node:net').createServer().listen(Number(process.env.MASTER_PORT), '127.0.0.1', () => { ${BIND} });`;
    const plan = fixture.plan({ command: [process.execPath, '-e', twice] });
    expect(await launcher.run(plan)).toMatchObject({ state: 'FAILED', exitCode: 1, isPortConflict: false });
    expect(fixture.readLog(plan, 'rank-0.err')).toContain('EADDRINUSE');
    await launcher.close();
    fixture.remove();
  });
});
