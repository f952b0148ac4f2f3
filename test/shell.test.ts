import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeHome, type RunningDaemon, removeHome, root, startDaemon } from './support/daemon.ts';

let home: string;
let daemon: RunningDaemon;
beforeAll(async () => {
  home = makeHome();
  daemon = await startDaemon(home, {}, ['--nodes', '2']);
});
afterAll(async () => {
  daemon.process.kill('SIGKILL');
  await daemon.exited;
  await removeHome(home);
});

interface Shell {
  process: ChildProcess;
  said: () => string;
  exited: Promise<number | null>;
}

function start(command: string, args: readonly string[]): Shell {
  const child = spawn(command, args, {
    cwd: home,
    env: { ...process.env, ORRERY_HOME: home, XDG_RUNTIME_DIR: home, SHELL: '/bin/bash' },
  });
  let text = '';
  child.stdout.on('data', (part: Buffer) => void (text += part.toString()));
  child.stderr.on('data', (part: Buffer) => void (text += part.toString()));
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { process: child, said: () => text, exited };
}

const shell = (...args: string[]) => start(process.execPath, [join(root, 'bin', 'orrery.js'), 'shell', ...args]);

/** As on a terminal of so many rows and columns. */
const shellOnTerminal = (rows: number, columns: number, ...args: string[]) => {
  const command = ['node', join(root, 'bin', 'orrery.js'), 'shell', ...args].join(' ');
  return start('script', ['-qec', `stty rows ${rows} cols ${columns}; ${command}`, '/dev/null']);
};

async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const endMs = Date.now() + 60_000; !(await condition()); ) {
    if (Date.now() > endMs) throw new Error(`waited 60 s for ${what}`);
    await new Promise((done) => {
      setTimeout(done, 50);
    });
  }
}

const lastJob = async () => (await daemon.client.jobs({ all: true })).at(-1);

describe('orrery shell', () => {
  it('gives what it reads to a shell in the allocation and ends with its status', async () => {
    const run = shell('-N', '2', '-J', 'piped');
    run.process.stdin?.end('echo "rank $RANK of $WORLD_SIZE on $ORRERY_NODE in $PWD"; exit 5\n');
    expect(await run.exited).toBe(5);
    expect(run.said()).toBe(`rank 0 of 2 on n1 in ${home}\n`);
    expect(await lastJob()).toMatchObject({ name: 'piped', state: 'FAILED', exitCode: 5, nodeList: ['n1', 'n2'] });
  });

  it('is a terminal to a person at a terminal, of the same size', async () => {
    const run = shellOnTerminal(37, 91);
    await until(() => run.said().includes('runs on n1'), 'the shell to run');
    run.process.stdin?.write('stty size; tty; echo "asleep $((40 + 1))"; sleep 600\n');
    await until(() => run.said().includes('asleep 41'), 'the program to run');
    // Ctrl-C goes to the program in there, not to what connects it.
    run.process.stdin?.write('\u0003');
    run.process.stdin?.write('echo "awake $((40 + 2))"; exit 6\n');
    expect(await run.exited).toBe(6);
    expect(run.said()).toMatch(/\b37 91\r\n[^]*\/dev\/pts\/\d+\r\n/);
    expect(run.said()).toContain('awake 42\r\n');
  });

  it('runs a program with its words as they were given', async () => {
    const run = shell('--', 'printf', '<%s>', 'a  b', "c'd", '$HOME');
    run.process.stdin?.end();
    expect(await run.exited).toBe(0);
    expect(run.said()).toBe("<a  b><c'd><$HOME>");
  });

  it('ends with its time limit', async () => {
    const run = shell('-t', '2s', '--', 'sleep', '600');
    expect(await run.exited).not.toBe(0);
    expect(run.said()).toMatch(/^Job \d+ TIMEOUT\n$/);
  });

  it('lets go of the allocation when it is killed', async () => {
    const run = shell();
    run.process.stdin?.write('echo up\n');
    await until(() => run.said().includes('up'), 'the shell to run');
    run.process.kill('SIGKILL');
    await run.exited;
    await until(async () => (await lastJob())?.state !== 'RUNNING', 'the job to end');
    expect(await lastJob()).toMatchObject({ state: 'COMPLETED' });
  });

  it('says what it waits for, and takes the job back on Ctrl-C', async () => {
    const first = shell('-N', '2', '--exclusive');
    first.process.stdin?.write('echo up\n');
    await until(() => first.said().includes('up'), 'the first shell to run');
    const second = shell('-N', '2', '--exclusive');
    await until(() => second.said().includes('Ctrl-C gives it up'), 'the reason');
    expect(second.said()).toMatch(/^Job \d+ waits \((?:Resources|Priority)\)/);
    second.process.kill('SIGINT');
    expect(await second.exited).toBe(130);
    expect(await lastJob()).toMatchObject({ state: 'CANCELLED', attempt: 0 });
    first.process.stdin?.end();
    expect(await first.exited).toBe(0);
    expect(readdirSync(home).filter((name) => name.startsWith('orrery-shell-'))).toEqual([]);
  });
});
