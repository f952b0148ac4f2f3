import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, existsSync, renameSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { errorCode } from '../../lib/error-code.ts';
import type { AttemptFiles } from './attempt-files.ts';
import { faultPoint, supervisorFault } from './fault-points.ts';
import { identify, type ProcessId } from './process-table.ts';

/** Beside this module in the sources, beside the bundle once built. */
const SOURCE = fileURLToPath(new URL('supervisor.sh', import.meta.url));

/**
 * Puts the supervisor's script into `folder` and returns its path. A daemon runs from this copy for as long as it lives: a package that
 * is built or updated under it does not break its launches, and a rename leaves the supervisors that run with the text they read.
 */
export function installSupervisor(folder: string): string {
  const path = join(folder, 'supervisor.sh');
  const half = `${path}.${process.pid}.tmp`;
  copyFileSync(SOURCE, half);
  renameSync(half, path);
  return path;
}

export interface SupervisorStart {
  /** As `installSupervisor` gave it. */
  script: string;
  files: AttemptFiles;
  rank: number;
  workFolder: string;
  environment: Record<string, string>;
  /** Folders the task joins; '' for none. */
  processGroup: string;
  memoryGroup: string;
  argv: readonly string[];
}

/** A supervisor this process started: it has claimed its task and waits for the word. */
export class Supervisor {
  readonly id: ProcessId;
  /** Resolves once it is gone, however that came. */
  readonly gone: Promise<void>;
  readonly #socket: Duplex;

  constructor(id: ProcessId, socket: Duplex, gone: Promise<void>) {
    this.id = id;
    this.#socket = socket;
    this.gone = gone;
  }

  /** The gang may run (its `go` file exists) or not: the supervisor looks. */
  release(): void {
    this.#socket.end('\n');
  }
}

/** Started, or why not; `isRetryable` where the machine was short of something or somebody killed it. */
export type SupervisorResult = { supervisor: Supervisor } | { supervisor: null; message: string; isRetryable: boolean };

/** What passes by itself: too many processes or files, no memory, no room. */
const PASSING_ERRORS = new Set(['EAGAIN', 'ENOMEM', 'EMFILE', 'ENFILE']);

export function isPassing(error: unknown): boolean {
  return PASSING_ERRORS.has(errorCode(error));
}

/** Spawns one and waits for its claim. */
export async function startSupervisor(start: SupervisorStart): Promise<SupervisorResult> {
  const { files, rank } = start;
  const [stdout, stderr] = await Promise.all([open(files.stdout(rank), 'a'), open(files.stderr(rank), 'a')]);
  try {
    const child = spawnSupervisor(start, stdout.fd, stderr.fd);
    const result = claimed(child, rank);
    faultPoint('launcher:spawned');
    return await result;
  } finally {
    await Promise.all([stdout.close(), stderr.close()]);
  }
}

function spawnSupervisor(start: SupervisorStart, stdout: number, stderr: number): ChildProcess {
  const { script, files, rank, workFolder, environment, processGroup, memoryGroup, argv } = start;
  if (!existsSync(workFolder)) throw new Error(`the folder to run in is gone: ${workFolder}`);
  const parameters = [files.prefix(rank), files.go, processGroup, memoryGroup, supervisorFault()];
  const child = spawn('/bin/sh', [script, ...parameters, ...argv], {
    cwd: workFolder,
    env: environment,
    // A session of its own: it outlives the daemon, and no terminal reaches it.
    detached: true,
    stdio: ['ignore', stdout, stderr, 'pipe'],
  });
  // Our process may end while it runs on.
  child.unref();
  return child;
}

function claimed(child: ChildProcess, rank: number): Promise<SupervisorResult> {
  const socket = child.stdio[3];
  return new Promise((resolve) => {
    child.once('error', (error) => {
      const message = `rank ${rank} could not be started: ${error.message}`;
      resolve({ supervisor: null, message, isRetryable: isPassing(error) });
    });
    const gone = new Promise<void>((done) => {
      child.once('exit', (code, signal) => {
        const how = signal === null ? `exited with ${code}` : `was killed by ${signal}`;
        const message = `the supervisor of rank ${rank} ${how} before it had claimed its task`;
        resolve({ supervisor: null, message, isRetryable: signal !== null });
        done();
      });
    });
    if (!(socket instanceof Duplex)) return;
    // Its end of the socket may close at any time; `exit` tells.
    socket.on('error', () => undefined);
    socket.once('data', () => {
      const id = child.pid === undefined ? null : identify(child.pid);
      if (id !== null) resolve({ supervisor: new Supervisor(id, socket, gone) });
      socket.resume();
    });
  });
}
