import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { errorCode } from '../lib/error-code.ts';
import { thisMachine } from './machine.ts';

const folder = mkdtempSync(join(tmpdir(), 'orrery-machine-'));
afterAll(() => rmSync(folder, { recursive: true }));
const machine = thisMachine();
const NODE = process.execPath;

describe('a program that a check runs', () => {
  it('gives its output and exit status', async () => {
    const outcome = await machine.run([NODE, '-e', 'console.log("a b"); console.error("c"); process.exit(3)'], 10_000);
    expect(outcome).toEqual({ kind: 'ended', exitCode: 3, stdout: 'a b\n', stderr: 'c\n' });
  });

  it('has no shell between', async () => {
    const outcome = await machine.run(['echo', '$HOME', ';', 'exit 7', '`id`'], 10_000);
    expect(outcome).toMatchObject({ exitCode: 0, stdout: '$HOME ; exit 7 `id`\n' });
  });

  it('may be missing, or no program', async () => {
    expect(await machine.run(['no-such-program-anywhere'], 1000)).toEqual({
      kind: 'missing',
      program: 'no-such-program-anywhere',
    });
    const file = join(folder, 'not-executable');
    writeFileSync(file, 'x', { mode: 0o600 });
    expect(await machine.run([file], 1000)).toMatchObject({
      kind: 'ended',
      exitCode: 126,
      stderr: `cannot run ${file}: it is not executable, or this user may not read it`,
    });
    const foreign = join(folder, 'no-interpreter');
    writeFileSync(foreign, '#!/no/such/python\n', { mode: 0o700 });
    expect(await machine.run([foreign], 1000)).toMatchObject({
      kind: 'ended',
      stderr: `cannot run ${foreign}: the interpreter in its first line is not there`,
    });
  });

  // Root may search everything.
  it.runIf(process.getuid?.() === 0)('is missing where a folder of PATH may not be searched', () => {
    const closed = join(folder, 'closed');
    mkdirSync(closed, { mode: 0o700 });
    chmodSync(folder, 0o755);
    const script = `import { thisMachine } from ${JSON.stringify(join(import.meta.dirname, 'machine.ts'))};
      process.env.PATH = ${JSON.stringify(closed)};
      console.log(JSON.stringify(await thisMachine().run(['no-such-program'], 1000)));`;
    const stdout = execFileSync(NODE, ['--input-type=module', '-e', script], {
      uid: 65_534,
      gid: 65_534,
      encoding: 'utf8',
    });
    expect(JSON.parse(stdout)).toEqual({ kind: 'missing', program: 'no-such-program' });
  });

  it('is killed with all that it started when its time is up', async () => {
    const pidFile = join(folder, 'pids');
    // It ignores SIGTERM, as one that hangs might, and so does its child.
    const script = `trap '' TERM; sleep 600 & echo $! $$ > ${pidFile}; echo started; wait; sleep 600`;
    const startMs = performance.now();
    // Time enough to begin, also where the machine has much to do.
    const outcome = await machine.run(['/bin/sh', '-c', script], 3_000);
    expect(outcome).toEqual({ kind: 'timedOut', afterMs: 3_000 });
    expect(performance.now() - startMs).toBeLessThan(30_000);
    const text = (await machine.read(pidFile)) ?? '';
    const pids = text.trim().split(' ').map(Number);
    expect(pids).toHaveLength(2);
    await expect.poll(() => pids.filter(isAlive), { timeout: 30_000 }).toEqual([]);
  });

  it('is killed when nobody wants to know any more', async () => {
    const stoppable = thisMachine();
    const outcome = stoppable.run(['sleep', '600'], 600_000);
    stoppable.stop();
    expect(await outcome).toEqual({ kind: 'timedOut', afterMs: 600_000 });
  });

  it('is not waited for beyond its end where it leaves a child behind that holds its output', async () => {
    const outcome = await machine.run(['/bin/sh', '-c', 'sleep 5 & echo done'], 60_000);
    expect(outcome).toMatchObject({ kind: 'ended', exitCode: 0, stdout: 'done\n' });
  });

  it('is found also where the environment has no PATH', async () => {
    expect(await thisMachine({ env: {} }).run(['cat', '/proc/self/environ'], 10_000)).toMatchObject({
      stdout: expect.stringContaining('PATH=/usr/local/sbin:'),
    });
  });
});

/** Not a zombie either. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) !== 'ESRCH';
  }
}
