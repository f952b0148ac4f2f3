import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AttemptFiles } from './attempt-files.ts';
import { findControlGroups } from './control-group.ts';
import { LauncherFixture, type WatchedLauncher } from './launcher-fixture.test-support.ts';
import type { AttemptPlan } from './launcher-port.ts';
import { isAlive } from './process-table.ts';

/** Daemonises, ignores SIGTERM, forks on and on, and drops its environment. */
const NASTY = `#!/bin/sh
trap '' TERM
setsid -f sh -c 'trap "" TERM; i=0; while [ $i -lt 100 ]; do (setsid sleep 1000 &); i=$((i+1)); done; touch forked; sleep 1000'
(env -i sleep 1000 &)
sleep 1000
`;

const LIMITED_BYTES = 128 * 2 ** 20;
const HUNGRY = [process.execPath, '-e', 'const kept = []; for (;;) kept.push(Buffer.alloc(2 ** 20, 1))'];

let fixture: LauncherFixture;
let launcher: WatchedLauncher;

async function until(condition: () => boolean): Promise<void> {
  const endMs = Date.now() + 50_000;
  while (!condition()) {
    if (Date.now() > endMs) throw new Error('waited in vain');
    await new Promise((resolve) => {
      setTimeout(resolve, 10);
    });
  }
}

function supervisorPid(plan: AttemptPlan, rank: number): number {
  return new AttemptFiles(plan.attemptFolder).supervisor(rank)?.pid ?? 0;
}

const hasControlGroups = findControlGroups().processes !== null;
const ways = [...(hasControlGroups ? (['control-groups'] as const) : []), 'environment' as const];

/** A file system of 64 KiB; root only. */
function mountSmall(folder: string): boolean {
  return spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder], { stdio: 'ignore' }).status === 0;
}

describe.runIf(process.getuid?.() === 0)('launcher on a full disk', () => {
  it('keeps the exit status until there is room for it', async ({ skip }) => {
    const folder = mkdtempSync(join(tmpdir(), 'orrery-full-'));
    skip(!mountSmall(folder), 'no file system can be mounted here');
    try {
      fixture = new LauncherFixture(folder);
      launcher = fixture.launcher();
      const plan = fixture.plan({ script: 'dd if=/dev/zero of=filling bs=4k; exit 5' });
      const status = join(plan.attemptFolder, 'rank-0.exit.tmp');
      await launcher.start(plan);
      await until(() => existsSync(status));
      expect(readFileSync(status, 'utf8')).toBe('');
      rmSync(join(plan.workFolder, 'filling'));
      expect(await launcher.exitOf(plan)).toMatchObject({ state: 'FAILED', exitCode: 5 });
      await launcher.close();
    } finally {
      spawnSync('umount', ['-l', folder]);
      fixture.remove();
    }
  });
});

describe.each(ways)('launcher, finding processes by %s', (processTracking) => {
  beforeEach(() => {
    fixture = new LauncherFixture();
    launcher = fixture.launcher({ processTracking });
  });

  afterEach(async () => {
    await launcher.close();
    const left = fixture.processes();
    fixture.remove();
    if (left.length > 0) throw new Error(`processes were left: ${left.join(' ')}`);
  });

  it('runs a gang, each rank with its own environment and log, and none of the daemon', async () => {
    process.env['ORRERY_LEAK'] = 'leaked';
    const plan = fixture.plan(
      { command: ['sh', '-c', 'echo "$RANK/$WORLD_SIZE $ORRERY_NODE $MINE [$ORRERY_LEAK]"; pwd; echo err >&2'] },
      { ranks: 2, environment: { MINE: 'a b' } },
    );
    const exit = await launcher.run(plan);
    delete process.env['ORRERY_LEAK'];
    expect(exit).toEqual({
      jobId: 1,
      attempt: 1,
      state: 'COMPLETED',
      exitCode: 0,
      message: null,
      isPortConflict: false,
    });
    expect(fixture.readLog(plan, 'rank-0.out')).toBe(`0/2 n1 a b []\n${plan.workFolder}\n`);
    expect(fixture.readLog(plan, 'rank-1.out')).toBe(`1/2 n2 a b []\n${plan.workFolder}\n`);
    expect(fixture.readLog(plan, 'rank-1.err')).toBe('err\n');
  });

  it('takes arguments as they are, through no shell', async () => {
    const plan = fixture.plan({ command: ['printf', '%s|', '$(id)', '; rm -rf .', '', "a'b\n"] });
    await launcher.run(plan);
    expect(fixture.readLog(plan, 'rank-0.out')).toBe("$(id)|; rm -rf .||a'b\n|");
  });

  it.each([
    ['without #! by sh', 'echo "from $0"; exit 4\n', 4],
    ['by its #! line', `#!${process.execPath}\nconsole.log('from ' + process.argv[1]); process.exitCode = 5;\n`, 5],
  ])('runs a script %s', async (_, script, exitCode) => {
    const plan = fixture.plan({ script });
    expect(await launcher.run(plan)).toMatchObject({ state: 'FAILED', exitCode });
    expect(fixture.readLog(plan, 'rank-0.out')).toBe(`from ${join(plan.attemptFolder, 'script')}\n`);
  });

  it('says in the log which command was not found', async () => {
    // Many, since such a task can end before its supervisor looks at it, which is none of the log's business.
    const plan = fixture.plan({ command: ['no-such-program', 'x'] }, { ranks: 64 });
    expect(await launcher.run(plan)).toMatchObject({ state: 'FAILED', exitCode: 127 });
    for (let rank = 0; rank < 64; rank += 1) {
      // A rank that was ended with the gang may not have come to its own.
      const log = fixture.readLog(plan, `rank-${rank}.err`);
      expect(log).toMatch(/^(orrery: command not found: no-such-program \(PATH is .*\)\n)?$/);
    }
  });

  it('refuses to start without its work folder, leaving nothing', async () => {
    const plan = fixture.plan({ command: ['true'] }, { workFolder: join(fixture.folder, 'gone'), ranks: 2 });
    const result = await launcher.start(plan);
    expect(result).toMatchObject({ kind: 'failed', isRetryable: false });
    expect(result).toHaveProperty('message', expect.stringContaining(plan.workFolder));
  });

  it('starts an attempt once only', async () => {
    const plan = fixture.plan({ command: ['sh', '-c', 'echo ran'] }, { ranks: 2 });
    await launcher.run(plan);
    expect(await launcher.start(plan)).toMatchObject({ kind: 'failed' });
    expect(fixture.readLog(plan, 'rank-0.out')).toBe('ran\n');
  });

  it('ends the other ranks at once when one fails, and reports that one', async () => {
    const plan = fixture.plan({ command: ['sh', '-c', '[ "$RANK" = 1 ] && exit 7; sleep 1000'] }, { ranks: 3 });
    expect(await launcher.run(plan)).toMatchObject({
      state: 'FAILED',
      exitCode: 7,
      message: 'rank 1 on n2 exited with status 7',
    });
  });

  it('does not end a gang because one rank is done early', async () => {
    const plan = fixture.plan({ command: ['sh', '-c', '[ "$RANK" = 0 ] || sleep 0.3; echo done'] }, { ranks: 2 });
    expect(await launcher.run(plan)).toMatchObject({ state: 'COMPLETED' });
    expect(fixture.readLog(plan, 'rank-1.out')).toBe('done\n');
  });

  it('ends what a task left behind when all ranks are done', async () => {
    const plan = fixture.plan({ script: '(setsid sleep 1000 &) ; sleep 1000 &\nexit 0' });
    expect(await launcher.run(plan)).toMatchObject({ state: 'COMPLETED' });
    expect(fixture.processes()).toEqual([]);
  });

  it('gives every process SIGTERM and the time to act on it', async () => {
    const child = `${process.execPath} -e 'process.on("SIGTERM", () => setTimeout(() => { console.log("saved"); process.exit(0) }, 200)); console.log("up"); setInterval(() => {}, 1000)'`;
    const plan = fixture.plan({ script: `${child}\nexit 0` });
    await launcher.start(plan);
    await until(() => fixture.readLog(plan, 'rank-0.out') === 'up\n');
    await launcher.kill(1, 1, 20_000);
    expect(await launcher.exitOf(plan)).toMatchObject({ state: 'FAILED', exitCode: 143 });
    expect(fixture.readLog(plan, 'rank-0.out')).toBe('up\nsaved\n');
  });

  it('ends a gang that was only just started', async () => {
    const plan = fixture.plan({ command: ['sleep', '1000'] }, { ranks: 2 });
    await launcher.start(plan);
    await launcher.kill(1, 1, 20_000);
    expect(await launcher.exitOf(plan)).toMatchObject({ state: 'FAILED', exitCode: 143 });
  });

  it('kills what daemonises, ignores SIGTERM and forks on', async () => {
    const plan = fixture.plan({ script: NASTY }, { ranks: 2 });
    await launcher.start(plan);
    await until(() => existsSync(join(plan.workFolder, 'forked')));
    expect(fixture.processes().length).toBeGreaterThan(50);
    await launcher.kill(1, 1, 100);
    expect(await launcher.exitOf(plan)).toMatchObject({ state: 'FAILED', exitCode: 137 });
    expect(fixture.processes()).toEqual([]);
  });

  it('survives a task that signals its whole process group', async () => {
    const plan = fixture.plan({ script: 'trap "" TERM HUP; kill -TERM 0; kill -HUP 0; sleep 0.1; exit 6' });
    expect(await launcher.run(plan)).toMatchObject({ state: 'FAILED', exitCode: 6 });
  });

  it('passes a signal to the main process of each rank alone', async () => {
    const script = 'trap "echo warned; exit 0" USR1\nsleep 1000 & \necho up\nwait; echo not reached';
    const plan = fixture.plan({ script }, { ranks: 2 });
    await launcher.start(plan);
    await until(() => [0, 1].every((rank) => fixture.readLog(plan, `rank-${rank}.out`) === 'up\n'));
    launcher.signal(1, 1, 'SIGUSR1');
    launcher.signal(7, 1, 'SIGUSR1');
    expect(await launcher.exitOf(plan)).toMatchObject({ state: 'COMPLETED' });
    expect(fixture.readLog(plan, 'rank-1.out')).toBe('up\nwarned\n');
  });

  it('notices a supervisor that was killed, and ends its task', async () => {
    const plan = fixture.plan({ script: NASTY });
    await launcher.start(plan);
    await until(() => existsSync(join(plan.workFolder, 'forked')));
    process.kill(supervisorPid(plan, 0), 'SIGKILL');
    expect(await launcher.exitOf(plan)).toMatchObject({
      state: 'FAILED',
      exitCode: 137,
      message: 'the supervisor of rank 0 on n1 was killed',
    });
    expect(fixture.processes()).toEqual([]);
  });

  it('kills everything on one node, supervisors included, and leaves other jobs alone', async () => {
    const plan = fixture.plan({ script: NASTY }, { ranks: 2 });
    const other = fixture.plan({ command: ['sh', '-c', 'sleep 0.5; echo done'] }, { jobId: 2 });
    const elsewhere = { ...other, tasks: other.tasks.map((task) => ({ ...task, nodeName: 'n1' })) };
    await launcher.start(plan);
    await launcher.start(elsewhere);
    await until(() => existsSync(join(plan.workFolder, 'forked')));
    const supervisor = new AttemptFiles(plan.attemptFolder).supervisor(1);
    await launcher.killNode('n2');
    await until(() => supervisor !== null && !isAlive(supervisor));
    await launcher.kill(1, 1, 0);
    expect(await launcher.exitOf(plan)).toMatchObject({ state: 'FAILED', exitCode: 137 });
    expect(existsSync(join(plan.attemptFolder, 'rank-1.exit'))).toBe(false);
    expect(await launcher.exitOf(elsewhere)).toMatchObject({ state: 'COMPLETED' });
  });

  it('ends a job that takes more memory than its share, and says so', async () => {
    const plan = fixture.plan({ command: HUNGRY }, { memoryBytesPerNode: LIMITED_BYTES });
    expect(await launcher.run(plan)).toMatchObject({
      state: 'OUT_OF_MEMORY',
      exitCode: expect.any(Number),
      message: `out of memory on n1: the limit is 128M a node (--mem)`,
    });
  });

  it('lets a job be that stays within its memory', async () => {
    const plan = fixture.plan({ command: ['sleep', '1.5'] }, { memoryBytesPerNode: LIMITED_BYTES });
    expect(await launcher.run(plan)).toMatchObject({ state: 'COMPLETED' });
  });

  it('finds an attempt again that runs on while no launcher watches', async () => {
    const plan = fixture.plan({ script: 'until [ -e go ]; do sleep 0.05; done; exit 3' }, { ranks: 2 });
    await launcher.start(plan);
    await launcher.close();
    launcher = fixture.launcher({ processTracking });
    expect(await launcher.recover(plan)).toEqual({ kind: 'running' });
    writeFileSync(join(plan.workFolder, 'go'), '');
    expect(await launcher.exitOf(plan)).toMatchObject({ state: 'FAILED', exitCode: 3 });
  });

  it('ends an attempt that an earlier launcher started', async () => {
    const plan = fixture.plan({ script: NASTY }, { ranks: 2 });
    await launcher.start(plan);
    await until(() => existsSync(join(plan.workFolder, 'forked')));
    await launcher.close();
    launcher = fixture.launcher({ processTracking });
    await launcher.recover(plan);
    await launcher.kill(1, 1, 100);
    expect(await launcher.exitOf(plan)).toMatchObject({ state: 'FAILED', exitCode: 137 });
  });

  it('reads how an attempt ended while no launcher watched, and sees off what it left', async () => {
    const plan = fixture.plan({ script: '(setsid sleep 1000 &)\nexit 9' });
    const files = new AttemptFiles(plan.attemptFolder);
    await launcher.start(plan);
    await launcher.close();
    await until(() => files.status(0, false) !== null);
    launcher = fixture.launcher({ processTracking });
    expect(await launcher.recover(plan)).toMatchObject({
      kind: 'ended',
      exit: { state: 'FAILED', exitCode: 9, message: 'rank 0 on n1 exited with status 9' },
    });
  });

  it('fences an attempt that never began: it cannot start any more', async () => {
    const plan = fixture.plan({ command: ['touch', 'ran'] }, { ranks: 2 });
    expect(await launcher.recover(plan)).toEqual({ kind: 'unclaimed' });
    expect(await launcher.start(plan)).toMatchObject({ kind: 'failed' });
    expect(existsSync(join(plan.workFolder, 'ran'))).toBe(false);
  });

  it('tells an attempt that was running when the machine went down', async () => {
    const plan = fixture.plan({ command: ['sh', '-c', 'kill -KILL $PPID'] });
    await launcher.run(plan);
    const record = join(plan.attemptFolder, 'attempt.json');
    const text = readFileSync(record, 'utf8');
    writeFileSync(record, text.replace(/"bootId":"[^"]*"/, '"bootId":"of another boot"'));
    expect(await launcher.recover(plan)).toMatchObject({
      kind: 'ended',
      exit: { state: 'FAILED', isNodeLost: true },
    });
  });
});
