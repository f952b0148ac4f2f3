import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { errorCode } from '../lib/error-code.ts';

export type CommandOutcome =
  | { kind: 'ended'; exitCode: number; stdout: string; stderr: string }
  /** There is no such program. */
  | { kind: 'missing'; program: string }
  /** It was killed; it may still hang in the kernel. */
  | { kind: 'timedOut'; afterMs: number };

/** What checks read: programs and the files of /proc and /sys. */
export interface Machine {
  /** Runs a program, without a shell. Never rejects. */
  run(argv: readonly string[], timeoutMs: number): Promise<CommandOutcome>;
  /** Null where it is not there or may not be read. */
  read(path: string): Promise<string | null>;
  /** Names in a folder, sorted; null where it is not there. */
  list(path: string): Promise<string[] | null>;
  now(): number;
}

/** Daemons such as slurmd start programs without PATH, and cron with a short one. */
const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** The kernel's log is the longest output, a few MiB at most. */
const OUTPUT_BYTES_MAX = 16 * 1024 ** 2;
/** After a program has ended, children that it left behind may keep its output open: they are not waited for. */
const OUTPUT_GRACE_MS = 200;

/** Programs run as children of this process. */
export interface LocalMachine extends Machine {
  /** Kills what runs; whoever waits for it is told that its time is up. */
  stop(): void;
}

/** This machine; `root` is a folder to read /proc and /sys from. */
export function thisMachine(options: { root?: string; env?: NodeJS.ProcessEnv } = {}): LocalMachine {
  const { root = '/', env = process.env } = options;
  const commands = new Commands(toolEnvironment(env));
  return {
    run: (argv, timeoutMs) => commands.run(argv, timeoutMs),
    read: (path) => readFile(join(root, path), 'utf8').catch(() => null),
    list: async (path) => (await readdir(join(root, path)).catch(() => null))?.sort() ?? null,
    now: Date.now,
    stop: () => commands.stop(),
  };
}

/** The environment in which the system's programs are found, and answer in English. */
export function toolEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...env, PATH: env['PATH'] ? `${env['PATH']}:${SYSTEM_PATH}` : SYSTEM_PATH, LC_ALL: 'C' };
}

class Commands {
  readonly #env: NodeJS.ProcessEnv;
  readonly #running = new Set<() => void>();
  /** Commands that were killed and are still there: they hang in the kernel, and another one would hang beside them. */
  readonly #hanging = new Set<string>();

  constructor(env: NodeJS.ProcessEnv) {
    this.#env = env;
  }

  stop(): void {
    for (const kill of this.#running) kill();
  }

  run(argv: readonly string[], timeoutMs: number): Promise<CommandOutcome> {
    const key = JSON.stringify(argv);
    const { promise, resolve } = Promise.withResolvers<CommandOutcome>();
    if (this.#hanging.has(key)) {
      resolve({ kind: 'timedOut', afterMs: timeoutMs });
      return promise;
    }
    const [program = '', ...args] = argv;
    // A group of its own, so that a time-out ends what it started too.
    const child = spawn(program, args, { env: this.#env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    const outputs = { stdout: new Output(), stderr: new Output() };
    for (const name of ['stdout', 'stderr'] as const) child[name].on('data', (data: Buffer) => outputs[name].add(data));
    let exitCode = 0;
    let grace: NodeJS.Timeout | undefined;
    const settle = (outcome: CommandOutcome) => {
      clearTimeout(timer);
      clearTimeout(grace);
      this.#running.delete(kill);
      child.stdout.destroy();
      child.stderr.destroy();
      child.unref();
      resolve(outcome);
    };
    const ended = () => {
      settle({ kind: 'ended', exitCode, stdout: outputs.stdout.text(), stderr: outputs.stderr.text() });
    };
    const kill = () => {
      this.#hanging.add(key);
      killGroup(child.pid);
      settle({ kind: 'timedOut', afterMs: timeoutMs });
    };
    const timer = setTimeout(kill, timeoutMs);
    this.#running.add(kill);
    child.once('error', (error) => {
      const isMissing = !isThere(program, this.#env['PATH'] ?? '');
      settle(isMissing ? { kind: 'missing', program } : failure(program, errorCode(error)));
    });
    child.once('exit', (code, signal) => {
      this.#hanging.delete(key);
      exitCode = code ?? (signal === null ? 1 : 128 + constants.signals[signal]);
      grace = setTimeout(ended, OUTPUT_GRACE_MS);
    });
    child.once('close', ended);
    return promise;
  }
}

const UNSTARTED: Readonly<Record<string, string>> = {
  ENOENT: 'the interpreter in its first line is not there',
  EACCES: 'it is not executable, or this user may not read it',
  ENOEXEC: 'it is no program',
};

/** One that is there and cannot be started, as a shell reports it. */
function failure(program: string, code: string): CommandOutcome {
  const reason = UNSTARTED[code] ?? code;
  return { kind: 'ended', exitCode: 126, stdout: '', stderr: `cannot run ${program}: ${reason}` };
}

/** A folder of PATH that may not be searched makes the system say that the program may not be run, and not that there is none. */
function isThere(program: string, path: string): boolean {
  if (program.includes('/')) return existsSync(program);
  return path.split(':').some((folder) => existsSync(join(folder, program)));
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has just ended.
  }
}

class Output {
  readonly #chunks: Buffer[] = [];
  #bytes = 0;

  add(data: Buffer): void {
    if (this.#bytes >= OUTPUT_BYTES_MAX) return;
    this.#chunks.push(data);
    this.#bytes += data.length;
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString('utf8');
  }
}
