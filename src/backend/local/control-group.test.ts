import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type ControlGroupRoots,
  findControlGroups,
  killControlGroup,
  limitMemory,
  makeControlGroup,
  oomKills,
  processesIn,
  removeControlGroup,
} from './control-group.ts';

/** Every hierarchy of this machine in which we may make groups; none for an ordinary user without delegation. */
const found: ControlGroupRoots = findControlGroups();
const roots = ['/sys/fs/cgroup/freezer', '/sys/fs/cgroup/pids', found.processes].filter(
  (root, index, all): root is string =>
    root !== null && existsSync(root) && all.indexOf(root) === index && isOurs(root),
);

function isOurs(root: string): boolean {
  try {
    makeControlGroup(join(root, 'orrery-test-probe'));
    return removeControlGroup(join(root, 'orrery-test-probe'));
  } catch {
    return false;
  }
}

async function until(condition: () => boolean): Promise<void> {
  const endMs = Date.now() + 50_000;
  while (!condition()) {
    if (Date.now() > endMs) throw new Error('waited in vain');
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
  }
}

describe.skipIf(roots.length === 0).each(roots)('a control group in %s', (root) => {
  const group = join(root, `orrery-test-${process.pid}`);

  it('holds what was started in it, daemons included, and kills all of it', async () => {
    makeControlGroup(group);
    const script = `echo 0 > '${group}/cgroup.procs'; trap '' TERM; setsid -f sleep 1000; (sleep 1000 &); sleep 1000`;
    spawn('sh', ['-c', script], { stdio: 'ignore', env: { PATH: process.env['PATH'] } });
    await until(() => processesIn(group).length >= 4);
    expect(removeControlGroup(group)).toBe(false);
    await until(() => {
      killControlGroup(group);
      return processesIn(group).length === 0;
    });
    await until(() => removeControlGroup(group));
    expect(existsSync(group)).toBe(false);
    expect(removeControlGroup(group)).toBe(true);
    expect(processesIn(group)).toEqual([]);
  });
});

describe.skipIf(found.memory === null)('a control group that limits memory', () => {
  it('counts the processes the kernel killed', async () => {
    const group = join(found.memory ?? '', `orrery-test-memory-${process.pid}`);
    makeControlGroup(group);
    limitMemory(group, 64 * 2 ** 20);
    expect(oomKills(group)).toBe(0);
    const hungry = spawn(process.execPath, [
      '-e',
      'process.stdin.once("data", () => { for (const kept = []; ; ) kept.push(Buffer.alloc(2 ** 20, 1)) })',
    ]);
    writeFileSync(join(group, 'cgroup.procs'), String(hungry.pid));
    expect(readFileSync(join(group, 'cgroup.procs'), 'utf8')).toBe(`${hungry.pid}\n`);
    const signal = new Promise((resolve) => hungry.once('exit', (_, name) => resolve(name)));
    hungry.stdin.write('go');
    expect(await signal).toBe('SIGKILL');
    expect(oomKills(group)).toBeGreaterThan(0);
    await until(() => removeControlGroup(group));
  });
});
