import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode } from '../../lib/error-code.ts';
import { identify, signalPid } from './process-table.ts';

/** Where we may make control groups: one hierarchy that holds processes together, one that limits memory; null where there is none. */
export interface ControlGroupRoots {
  processes: string | null;
  memory: string | null;
}

export const NO_CONTROL_GROUPS: ControlGroupRoots = { processes: null, memory: null };

/**
 * Looks for hierarchies in which this process may make groups below its own: version 2 first, then version 1's freezer and pids.
 * Memory is limited by version 1's controller, or by version 2's where it is delegated to us (cgroups(7)).
 */
export function findControlGroups(): ControlGroupRoots {
  const mounts = readLines('/proc/self/mounts').map((line) => line.split(' '));
  const own = new Map(
    readLines('/proc/self/cgroup').map((line) => {
      const [, controllers = '', path = '/'] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
      return [controllers, path];
    }),
  );
  const rootOf = (type: string, controller: string): string | null => {
    const mount = mounts.find((fields) => fields[2] === type && hasController(fields[3] ?? '', controller))?.[1];
    if (mount === undefined) return null;
    const key = [...own.keys()].find((controllers) => hasController(controllers, controller)) ?? '';
    const path = join(mount, own.get(key) ?? '/');
    const root = existsSync(path) ? path : mount;
    return isUsable(root) ? root : null;
  };
  const unified = rootOf('cgroup2', '');
  const hasUnifiedMemory =
    unified !== null && readText(join(unified, 'cgroup.subtree_control')).split(/\s/).includes('memory');
  return {
    processes: unified ?? rootOf('cgroup', 'freezer') ?? rootOf('cgroup', 'pids'),
    memory: rootOf('cgroup', 'memory') ?? (hasUnifiedMemory ? unified : null),
  };
}

function hasController(list: string, controller: string): boolean {
  return controller === '' || list.split(',').includes(controller);
}

const PROBE = 'orrery-probe-';

/** Whether a process of ours may be put into a group below `root`: permissions and rules of the hierarchy decide, so it is tried. */
function isUsable(root: string): boolean {
  removeStaleProbes(root);
  const probe = join(root, `${PROBE}${process.pid}`);
  try {
    mkdirSync(probe);
  } catch {
    return false;
  }
  const { status } = spawnSync('/bin/sh', ['-c', 'echo 0 > "$1/cgroup.procs"', 'sh', probe], { stdio: 'ignore' });
  // Where the kernel has not let go of it yet, the next start removes it.
  removeControlGroup(probe);
  return status === 0;
}

/** Of processes that were killed while they tried. */
function removeStaleProbes(root: string): void {
  for (const name of readdirSync(root)) {
    const pid = name.startsWith(PROBE) ? Number(name.slice(PROBE.length)) : null;
    if (pid !== null && (pid === process.pid || identify(pid) === null)) removeControlGroup(join(root, name));
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function readLines(path: string): string[] {
  return readText(path).split('\n').filter(Boolean);
}

function tryWrite(path: string, text: string): boolean {
  try {
    writeFileSync(path, text);
    return true;
  } catch {
    return false;
  }
}

export function makeControlGroup(path: string): void {
  mkdirSync(path, { recursive: true });
}

/** Processes in the group now; none if the group is gone. */
export function processesIn(path: string): number[] {
  return readLines(join(path, 'cgroup.procs')).map(Number);
}

/** SIGKILL to everything in the group. Frozen first where that is possible, so that what forks faster than we read is caught too. */
export function killControlGroup(path: string): void {
  if (tryWrite(join(path, 'cgroup.kill'), '1')) return;
  const isVersion2 = existsSync(join(path, 'cgroup.freeze'));
  const freezer = join(path, isVersion2 ? 'cgroup.freeze' : 'freezer.state');
  const canFreeze = existsSync(freezer) && tryWrite(freezer, isVersion2 ? '1' : 'FROZEN');
  for (const pid of processesIn(path)) signalPid(pid, 'SIGKILL');
  if (canFreeze) tryWrite(freezer, isVersion2 ? '0' : 'THAWED');
}

/** False while the kernel still holds on to it. A group that is gone already counts as removed. */
export function removeControlGroup(path: string): boolean {
  try {
    rmdirSync(path);
    return true;
  } catch (error) {
    return errorCode(error) === 'ENOENT';
  }
}

/** Swap included where the kernel counts it, so that the limit is one of memory and not of patience. */
export function limitMemory(path: string, bytes: number): void {
  if (existsSync(join(path, 'memory.max'))) {
    tryWrite(join(path, 'memory.max'), String(bytes));
    tryWrite(join(path, 'memory.swap.max'), '0');
    tryWrite(join(path, 'memory.oom.group'), '1');
    return;
  }
  tryWrite(join(path, 'memory.limit_in_bytes'), String(bytes));
  tryWrite(join(path, 'memory.memsw.limit_in_bytes'), String(bytes));
}

/** How many processes of the group the kernel killed for want of memory. */
export function oomKills(path: string): number {
  const text = readText(join(path, 'memory.events')) || readText(join(path, 'memory.oom_control'));
  return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
}
