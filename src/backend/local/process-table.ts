import { readdirSync, readFileSync } from 'node:fs';

/** A process for certain: pids are used again, a pid with its start time is not until the next boot. */
export interface ProcessId {
  pid: number;
  /** Clock ticks since boot (field 22 of /proc/PID/stat). */
  startTicks: number;
}

/** Name of the variable every task is started with and every process it starts inherits. */
export const TASK_KEY = 'ORRERY_TASK_KEY';

/** Of this boot of the machine. */
export function readBootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

interface Stat {
  state: string;
  session: number;
  startTicks: number;
}

/** Fields of /proc/PID/stat after the command's name, which may hold spaces and parentheses (proc_pid_stat(5)). */
function readStat(pid: number): Stat | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', session: Number(fields[3]), startTicks: Number(fields[19]) };
  } catch {
    return null;
  }
}

/** The process that has this pid now, or null. A zombie counts: it is only waiting to be reaped. */
export function identify(pid: number): ProcessId | null {
  const stat = readStat(pid);
  return stat === null ? null : { pid, startTicks: stat.startTicks };
}

/** argv of a process; empty for one that is gone. */
export function commandLine(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

/** False for a process that is gone, a zombie, or another one under the same pid. */
export function isAlive(id: ProcessId): boolean {
  const stat = readStat(id.pid);
  return stat !== null && stat.startTicks === id.startTicks && stat.state !== 'Z' && stat.state !== 'X';
}

/** Signals this very process; one that is gone already is fine. */
export function signalProcess(id: ProcessId, signal: NodeJS.Signals): void {
  if (isAlive(id)) signalPid(id.pid, signal);
}

export function signalPid(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended by itself meanwhile.
  }
}

/** What marks the processes of an attempt or a task: the beginning of their keys (up to a dot), and the sessions their supervisors lead. */
export interface ProcessMark {
  keyPrefix: string;
  supervisors: readonly ProcessId[];
}

/**
 * One look at all processes of the machine. A process belongs to an attempt if it was started with its key, or is still in the session
 * of one of its supervisors (it may have been started with an empty environment, or have written its title over it).
 * What did away with both is found by control groups only.
 */
export class ProcessTable {
  readonly #processes: { pid: number; key: string; stat: Stat }[] = [];

  constructor() {
    for (const name of readdirSync('/proc')) {
      const pid = Number(name);
      if (!Number.isInteger(pid) || pid === process.pid) continue;
      const stat = readStat(pid);
      if (stat !== null && stat.state !== 'Z' && stat.state !== 'X')
        this.#processes.push({ pid, key: readKey(pid), stat });
    }
  }

  /** Its supervisors included. */
  pidsOf({ keyPrefix, supervisors }: ProcessMark): number[] {
    return this.#processes
      .filter(({ key, stat }) => key.startsWith(keyPrefix) || this.#isInSession(stat, supervisors))
      .map(({ pid }) => pid);
  }

  #isInSession({ session, startTicks }: Stat, supervisors: readonly ProcessId[]): boolean {
    const leader = supervisors.find(({ pid }) => pid === session);
    if (leader === undefined || startTicks < leader.startTicks) return false;
    const now = this.#processes.find(({ pid }) => pid === session);
    return now === undefined || now.stat.startTicks === leader.startTicks;
  }
}

/** Its key and a dot, so that rank 1 is no prefix of rank 10; '' if it has none. */
function readKey(pid: number): string {
  try {
    const environment = `\0${readFileSync(`/proc/${pid}/environ`, 'latin1')}`;
    const start = environment.indexOf(`\0${TASK_KEY}=`);
    if (start === -1) return '';
    const value = start + TASK_KEY.length + 2;
    const end = environment.indexOf('\0', value);
    return `${environment.slice(value, end === -1 ? undefined : end)}.`;
  } catch {
    // Another user's process, or one that is gone.
    return '';
  }
}

let pending: Promise<ProcessTable> | undefined;

/** A look at all processes no older than this call; calls of the same moment share it. */
export function readProcessTable(): Promise<ProcessTable> {
  pending ??= new Promise((resolve) => {
    setImmediate(() => {
      pending = undefined;
      resolve(new ProcessTable());
    });
  });
  return pending;
}
