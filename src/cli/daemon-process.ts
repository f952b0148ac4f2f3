import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, fstatSync, openSync, readFileSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ERROR_CODES, type ErrorCode, OrreryError } from '../contract/errors.ts';
import { readDaemonFile } from './daemon-address.ts';
import { makeFolder } from '../daemon/make-folder.ts';
import { note } from './output.ts';
import { packageFolder } from './package-folder.ts';

const POLL_MS = 20;
/** Recovery reads every unfinished job; beyond this we say that it is at work. */
const SLOW_START_MS = 5_000;

export interface RunningDaemon {
  file: { pid: number; url: string; policy?: string | undefined };
  logFile: string;
  child: ChildProcess;
  /** Exit status of the daemon's process. */
  ended: Promise<number>;
}

/**
 * Starts the daemon as a process of its own, writing to `daemon.log` in the home, and resolves once it listens.
 * Throws what the daemon said if it ends before that.
 */
export async function startDaemon(home: string, args: readonly string[], isDetached: boolean): Promise<RunningDaemon> {
  const logFile = join(home, 'daemon.log');
  const log = openLog(home, logFile);
  const logOffset = fstatSync(log).size;
  const child = spawn(process.execPath, [daemonEntry(), ...args], {
    cwd: home,
    detached: isDetached,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 1)));
  });
  let status: number | null = null;
  void ended.then((code) => {
    status = code;
  });
  const startedMs = Date.now();
  let isSlowSaid = false;
  for (;;) {
    const file = readDaemonFile(home);
    if (file !== null && file.pid === child.pid) {
      if (isDetached) child.unref();
      return { file, logFile, child, ended };
    }
    if (status !== null) throw startFailure(status, logFile, logOffset);
    if (!isSlowSaid && Date.now() - startedMs > SLOW_START_MS) {
      isSlowSaid = true;
      note(`the daemon is still starting; its log: ${logFile}`);
    }
    await sleep(POLL_MS);
  }
}

function openLog(home: string, logFile: string): number {
  try {
    makeFolder(home);
    return openSync(logFile, 'a', 0o600);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new OrreryError(
      'ORR_STORAGE',
      `cannot write to the home ${home}: ${reason}. Choose another with ORRERY_HOME`,
      {
        cause,
      },
    );
  }
}

function daemonEntry(): string {
  // Modules of the bundle lie in dist/ beside daemon.js, those of the sources under src/cli/.
  const beside = fileURLToPath(new URL('daemon.js', import.meta.url));
  return existsSync(beside) ? beside : join(packageFolder(), 'src', 'daemon', 'main.ts');
}

/** The daemon's last words are in its log: `orrery: MESSAGE`, and its exit status says which kind of error it was. */
export function startFailure(status: number, logFile: string, logOffset: number, isFull = isDiskFull): OrreryError {
  const said = readFileSync(logFile).subarray(logOffset).toString().split('\n');
  const line = said.findLast((text) => text.startsWith('orrery: '));
  if (line === undefined) {
    // On a full disk its last words have no room either.
    if (isFull(dirname(logFile))) {
      return new OrreryError('ORR_STORAGE', `no space is left on the file system of ${dirname(logFile)}: free some`);
    }
    return new OrreryError('ORR_FAILED', `the daemon ended with status ${status} before it listened: see ${logFile}`);
  }
  return new OrreryError(codeOf(status, line), line.slice('orrery: '.length));
}

function codeOf(status: number, line: string): ErrorCode {
  if (status === ERROR_CODES.ORR_HOME_LOCKED.exit) return 'ORR_HOME_LOCKED';
  if (status === ERROR_CODES.ORR_UNREACHABLE.exit) return 'ORR_UNREACHABLE';
  if (status === ERROR_CODES.ORR_PORT_IN_USE.exit) return /\bports? \d+/.test(line) ? 'ORR_PORT_IN_USE' : 'ORR_USAGE';
  return /\bENOSPC\b|\bdisk I\/O error\b|\bdisk is full\b|; nothing was written$/.test(line)
    ? 'ORR_STORAGE'
    : 'ORR_FAILED';
}

function isDiskFull(folder: string): boolean {
  const { bavail, files, ffree } = statfsSync(folder);
  // Some file systems do not count files.
  return bavail === 0 || (files > 0 && ffree === 0);
}
