import { constants } from 'node:buffer';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { LoginGate } from './login-gate.ts';
import { afterMark, markedCommand } from './login-shell.ts';
import { type FailureKind, failureOf, SlurmFailure, TRIES_AGAIN } from './slurm-failure.ts';

export interface SlurmCommandsOptions {
  /** Login node reached with ssh; null: the commands of this machine. */
  host: string | null;
  /** Folder for the socket of a shared ssh connection, readable by its owner alone; null: a connection a command. */
  socketFolder: string | null;
  env: NodeJS.ProcessEnv;
  timeoutMs: number;
  /** What more of is a failure. Default: as much as can be read. */
  outputBytesMax?: number;
}

export type SlurmProgram =
  | 'sbatch'
  | 'squeue'
  | 'sacct'
  | 'scontrol'
  | 'scancel'
  | 'srun'
  | 'sacctmgr'
  | 'sinfo'
  | 'sprio'
  | 'sshare'
  | 'sdiag';

export interface CommandInput {
  stdin?: string;
  timeoutMs?: number;
  /** Variables on top, as `SLURM_TIME_FORMAT`. */
  variables?: Readonly<Record<string, string>>;
  /** Ends the command. */
  signal?: AbortSignal;
}

/** Of our own environment what Slurm's commands need; not those that change their options (SBATCH_*, SQUEUE_*, ...). */
const KEPT_VARIABLES =
  /^(?:PATH|HOME|USER|LOGNAME|SHELL|TZ|LANG|LC_\w+|LD_LIBRARY_PATH|SLURM_CONF|SLURM_CONF_SERVER|KRB5CCNAME|SSH_AUTH_SOCK|XDG_RUNTIME_DIR)$/;
/** No string can be longer: some 512 MiB. */
const OUTPUT_BYTES_MAX = constants.MAX_STRING_LENGTH;
/** So long after a command has ended, and all of its output is read, more words on stderr are waited for, in milliseconds. */
const LINGER_MS = 500;
/** Of Unix sockets' paths (sun_path), less what ssh appends while it makes one. */
const SOCKET_PATH_MAX = 80;

/**
 * A connection on which nothing has come back for so long is given up and made anew: where the network was away, TCP by itself goes on a minute or more
 * after it is back, and a shared one would hold up all calls.
 */
const KEEP_ALIVE = ['-o', 'ServerAliveInterval=5', '-o', 'ServerAliveCountMax=3'];

/** Runs Slurm's commands, on this machine or on a login node. Words are never seen by a shell unquoted. */
export class SlurmCommands {
  readonly #options: SlurmCommandsOptions;
  readonly #env: NodeJS.ProcessEnv;
  /** Said before what a command on the login node says itself. */
  readonly #mark = `orrery-${randomBytes(8).toString('hex')}`;
  readonly #gate = new LoginGate(() => performance.now());
  /** Told how long each call took, in milliseconds, and what kind of failure it was; null for none. */
  onEnd: (program: SlurmProgram, ms: number, kind: FailureKind | null) => void = () => undefined;

  constructor(options: SlurmCommandsOptions) {
    this.#options = options;
    this.#env = Object.fromEntries(Object.entries(options.env).filter(([name]) => KEPT_VARIABLES.test(name)));
  }

  /** What the command wrote to stdout. Throws SlurmFailure where it could not be run or did not end with 0. */
  run(program: SlurmProgram, args: readonly string[], input: CommandInput = {}): Promise<string> {
    const call = () => this.#timed(program, args, input);
    return this.#options.host === null ? call() : this.#gate.pass(call);
  }

  /** A call that waits for the login node has not begun. */
  async #timed(program: SlurmProgram, args: readonly string[], input: CommandInput): Promise<string> {
    const startedAt = performance.now();
    let kind: FailureKind | null = null;
    try {
      return await this.#call(program, args, input);
    } catch (error) {
      if (error instanceof SlurmFailure) kind = error.kind;
      throw error;
    } finally {
      this.onEnd(program, performance.now() - startedAt, kind);
    }
  }

  #call(program: SlurmProgram, args: readonly string[], input: CommandInput): Promise<string> {
    const { host } = this.#options;
    const { outputBytesMax = OUTPUT_BYTES_MAX } = this.#options;
    const { stdin = '', timeoutMs = this.#options.timeoutMs, variables = {}, signal } = input;
    const [file, argv] = host === null ? [program, args] : ['ssh', this.#sshArguments(host, program, args, variables)];
    return new Promise((resolve, reject) => {
      const child = spawn(file, argv, { env: { ...this.#env, ...variables }, stdio: ['pipe', 'pipe', 'pipe'] });
      const stdout: Buffer[] = [];
      let stderr = '';
      let bytes = 0;
      let isTimedOut = false;
      let isNotFound = false;
      let isDone = false;
      const finish = (status: number | null): void => {
        if (isDone) return;
        isDone = true;
        clearTimeout(timer);
        signal?.removeEventListener('abort', end);
        // What still holds them is none of ours.
        child.stdout.destroy();
        child.stderr.destroy();
        if (bytes > outputBytesMax) {
          const said = `printed more than ${Math.floor(outputBytesMax / 1024 ** 2)} MiB`;
          return reject(new SlurmFailure('unclear', `${program}: ${said}`, said));
        }
        const all = Buffer.concat(stdout);
        const answer = host === null ? all : afterMark(this.#mark, all);
        if (status === 0 && !isTimedOut && answer !== null) return resolve(answer.toString());
        const said = afterMark(this.#mark, Buffer.from(stderr))?.toString() ?? stderr;
        const isUnheard = status === 0 && answer === null;
        const ending = { program, host, status, stderr: said, isTimedOut, isNotFound, isUnheard };
        reject(failureOf({ ...ending, timeoutSeconds: timeoutMs / 1000 }));
      };
      const timer = setTimeout(() => {
        isTimedOut = true;
        child.kill('SIGKILL');
        // What waits for a file server that hangs cannot be killed.
        finish(null);
      }, timeoutMs);
      child.stdout.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > outputBytesMax) child.kill('SIGKILL');
        else stdout.push(chunk);
      });
      child.stderr.on('data', (chunk: Buffer) => {
        if (stderr.length < 65_536) stderr += chunk.toString();
        // It would hold up others for two minutes. Behind ssh it goes on: a job that Slurm takes then is cancelled while it waits, and once it has begun
        // the next submission finds its claim.
        if (program === 'sbatch' && TRIES_AGAIN.test(stderr)) child.kill('SIGTERM');
      });
      child.once('error', () => {
        isNotFound = true;
      });
      // A command that ends without reading its input.
      child.stdin.on('error', () => undefined);
      // As Ctrl-C does, so that srun ends what it started.
      const end = (): void => void child.kill('SIGTERM');
      signal?.addEventListener('abort', end, { once: true });
      if (signal?.aborted === true) end();
      child.once('close', finish);
      // An older ssh (8.0) leaves its stderr to the shared connection that it made, for as long as that lasts.
      child.once('exit', (status) => {
        const later = (): void => void setTimeout(() => finish(status), LINGER_MS);
        if (child.stdout.readableEnded) later();
        else child.stdout.once('end', later);
      });
      child.stdin.end(stdin);
    });
  }

  #sshArguments(
    host: string,
    program: string,
    args: readonly string[],
    variables: Readonly<Record<string, string>>,
  ): string[] {
    return [
      '-T',
      '-o',
      'BatchMode=yes',
      '-o',
      'ConnectTimeout=10',
      ...KEEP_ALIVE,
      ...this.#sharedConnection(),
      '--',
      host,
      markedCommand(this.#mark, [program, ...args], variables),
    ];
  }

  #sharedConnection(): string[] {
    const { socketFolder } = this.#options;
    // ssh puts 40 characters in the place of %C.
    if (socketFolder === null || socketFolder.length + 41 > SOCKET_PATH_MAX) return [];
    return ['-o', 'ControlMaster=auto', '-o', `ControlPath=${socketFolder}/%C`, '-o', 'ControlPersist=120'];
  }
}
