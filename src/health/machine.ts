import { spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
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

/** This machine; `root` is a folder to read /proc and /sys from. */
export function thisMachine(options: { root?: string; env?: NodeJS.ProcessEnv } = {}): Machine {
  const { root = '/', env = process.env } = options;
  const commandEnv = { ...env, PATH: env['PATH'] ? `${env['PATH']}:${SYSTEM_PATH}` : SYSTEM_PATH, LC_ALL: 'C' };
  return {
    run: (argv, timeoutMs) => runCommand(argv, timeoutMs, commandEnv),
    read: (path) => readFile(join(root, path), 'utf8').catch(() => null),
    list: async (path) => (await readdir(join(root, path)).catch(() => null))?.sort() ?? null,
    now: Date.now,
  };
}

function runCommand(argv: readonly string[], timeoutMs: number, env: NodeJS.ProcessEnv): Promise<CommandOutcome> {
  const [program = '', ...args] = argv;
  return new Promise((resolve) => {
    // A group of its own, so that a time-out ends what it started too.
    const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    const outputs = { stdout: new Output(), stderr: new Output() };
    for (const name of ['stdout', 'stderr'] as const) child[name].on('data', (data: Buffer) => outputs[name].add(data));
    let exitCode = 0;
    let grace: NodeJS.Timeout | undefined;
    const settle = (outcome: CommandOutcome) => {
      clearTimeout(timer);
      clearTimeout(grace);
      child.stdout.destroy();
      child.stderr.destroy();
      child.unref();
      resolve(outcome);
    };
    const ended = () => {
      settle({ kind: 'ended', exitCode, stdout: outputs.stdout.text(), stderr: outputs.stderr.text() });
    };
    const timer = setTimeout(() => {
      killGroup(child.pid);
      settle({ kind: 'timedOut', afterMs: timeoutMs });
    }, timeoutMs);
    child.once('error', (error) => {
      const isMissing = errorCode(error) === 'ENOENT';
      settle(isMissing ? { kind: 'missing', program } : failure(program, errorCode(error)));
    });
    child.once('exit', (code, signal) => {
      exitCode = code ?? (signal === null ? 1 : 128);
      grace = setTimeout(ended, OUTPUT_GRACE_MS);
    });
    child.once('close', ended);
  });
}

/** One that is there and cannot be started, as a shell reports it. */
function failure(program: string, reason: string): CommandOutcome {
  return { kind: 'ended', exitCode: 126, stdout: '', stderr: `cannot run ${program}: ${reason}` };
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
