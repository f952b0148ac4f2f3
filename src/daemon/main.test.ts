import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { daemonFileSchema } from '../contract/api.ts';
import { createClient, type OrreryClient } from '../contract/client.ts';
import { canMount, withSmallDisk } from '../store/small-disk.test-support.ts';

let home: string;
const children: ChildProcess[] = [];

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'orrery-main-'));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(home, { recursive: true, force: true });
});

interface Process {
  child: ChildProcess;
  output: () => string;
  ended: Promise<number | string | null>;
}

function start(args: string[], folder = home): Process {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), '--home', folder, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  let output = '';
  child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()));
  child.stderr.on('data', (bytes: Buffer) => (output += bytes.toString()));
  const ended = once(child, 'close').then(() => child.exitCode ?? child.signalCode);
  return { child, output: () => output, ended };
}

async function clientOf({ child, output }: Process, folder = home): Promise<OrreryClient> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(output());
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
    const path = join(folder, 'daemon.json');
    if (!existsSync(path)) continue;
    const file = daemonFileSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
    if (file.pid === child.pid)
      return createClient({ url: file.url, token: readFileSync(join(folder, 'token'), 'utf8').trim() });
  }
}

async function untilEnded(client: OrreryClient, jobId: number) {
  for await (const chunk of client.logs(jobId, { follow: true })) expect(chunk.text).not.toBe('');
  return client.job(jobId);
}

const sh = (text: string) => ({ command: ['/bin/sh', '-c', text], memory: '64M' });

describe('the daemon as a process', () => {
  it('ends on SIGTERM with status 0 and leaves its job running for the next one', async () => {
    const first = start(['--port', '0']);
    const client = await clientOf(first);
    const { jobs } = await client.submit({ jobs: [sh('echo up; while [ ! -e go ]; do sleep 0.05; done')] });
    const jobId = jobs[0]?.id ?? 0;
    const { workFolder } = await client.job(jobId);
    for await (const chunk of client.logs(jobId, { follow: true })) if (chunk.text === 'up\n') break;
    first.child.kill('SIGTERM');
    expect(await first.ended).toBe(0);
    expect(existsSync(join(home, 'daemon.json'))).toBe(false);
    const second = start(['--port', '0']);
    const again = await clientOf(second);
    expect(await again.job(jobId)).toMatchObject({ state: 'RUNNING', attempt: 1 });
    writeFileSync(join(workFolder, 'go'), '');
    expect(await untilEnded(again, jobId)).toMatchObject({ state: 'COMPLETED', attempt: 1 });
    expect(first.output() + second.output()).not.toContain(readFileSync(join(home, 'token'), 'utf8').trim());
    second.child.kill('SIGTERM');
    await second.ended;
  });

  it('loses no acknowledged job when it is killed on the acknowledgement', async () => {
    const first = start(['--port', '0']);
    const client = await clientOf(first);
    const count = 60;
    const { jobs } = await client.submit({ jobs: Array.from({ length: count }, () => sh('echo x >> ran')) });
    first.child.kill('SIGKILL');
    await first.ended;
    const again = await clientOf(start(['--port', '0']));
    const ended = await Promise.all(jobs.map(({ id }) => untilEnded(again, id)));
    expect(ended.map(({ state }) => state)).toEqual(jobs.map(() => 'COMPLETED'));
    const runs = ended.map(({ workFolder }) => readFileSync(join(workFolder, 'ran'), 'utf8'));
    expect(runs).toEqual(jobs.map(() => 'x\n'));
    const { pid } = await again.shutdown({ cancel: true });
    expect(pid).toBeGreaterThan(0);
  });

  it('says in one line why it cannot start, with the right status', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const address = server.address();
    const port = typeof address === 'object' ? String(address?.port) : '';
    const cases: [string[], number, RegExp][] = [
      [
        ['--port', port],
        2,
        new RegExp(`^orrery: port ${port} is in use on 127.0.0.1: choose another with --port, or --port 0 for any\n$`),
      ],
      [['--port', '70000'], 2, /^orrery: --port: expected an integer from 0 to 65535, got "70000"\n$/],
      [['--cluster', '/nowhere.yaml'], 2, /^orrery: cannot read the cluster file \/nowhere.yaml: .*\n$/],
      [['--port', '0', '--home', join(import.meta.filename, 'x')], 1, /^orrery: cannot write to the home \S+: .*\n$/],
      [['--port', '0', '--host', '192.0.2.1'], 2, /^orrery: cannot listen on 192.0.2.1:0 \(EADDRNOTAVAIL\).*\n$/],
    ];
    for (const [args, status, line] of cases) {
      const failed = start(args);
      expect(await failed.ended).toBe(status);
      expect(failed.output()).toMatch(line);
    }
    server.close();
  });
});

describe.skipIf(!canMount)('a full disk', () => {
  it('refuses submissions, goes on answering, and takes them again once there is room', () =>
    withSmallDisk(home, async (folder, fill, free) => {
      const daemon = start(['--port', '0'], folder);
      const client = await clientOf(daemon, folder);
      const held = { command: ['true'], hold: true };
      await client.submit({ jobs: [held] });
      fill();
      const big = { script: `#!/bin/sh\n# ${'x'.repeat(1024 ** 2)}`, hold: true };
      await expect(client.submit({ jobs: [held, big] })).rejects.toMatchObject({ code: 'ORR_STORAGE', exitCode: 1 });
      expect((await client.jobs()).length).toBe(1);
      expect((await client.health()).status).toBe('ok');
      free();
      await client.submit({ jobs: [held] });
      expect((await client.jobs()).map(({ state }) => state)).toEqual(['PENDING', 'PENDING']);
      await client.shutdown();
      expect(await daemon.ended).toBe(0);
    }));

  it('keeps a daemon from starting, in one line, and leaves no half of a file', () =>
    withSmallDisk(home, async (folder, fill) => {
      fill();
      const failed = start(['--port', '0'], folder);
      expect(await failed.ended).toBe(1);
      expect(failed.output()).toMatch(/^orrery: cannot (write to the home|use) .*\n$/);
      expect(readdirSync(folder).filter((name) => /partial|token|daemon.json/.test(name))).toEqual([]);
    }));
});
