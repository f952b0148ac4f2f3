import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { definite } from '../../src/lib/assert.ts';

export const workloadFolder = dirname(fileURLToPath(import.meta.url));
/** Each rank computes on one: another number gives other weights. */
export const ONE_THREAD = { OMP_NUM_THREADS: '1' };

export interface EndedRank {
  code: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
}

export interface Rank {
  kill: (signal: NodeJS.Signals) => void;
  hasEnded: () => boolean;
  ended: Promise<EndedRank>;
}

interface RankOrder {
  /** The script and its arguments. */
  argv: readonly string[];
  env: NodeJS.ProcessEnv;
  /** Python that runs before the script; '' for none. */
  prelude: string;
}

/** Starts a rank, as a process of its own, or as a fork of one that has imported torch. */
export type StartRank = (order: RankOrder) => Rank;

/** Ranks as they are outside of tests. `echo` gets what they write to stdout as they write it. */
export function processes(python: string, echo: NodeJS.WritableStream | null = null): StartRank {
  return ({ argv, env, prelude }) => {
    const before = `import runpy, sys\nsys.argv = sys.argv[1:]\nsys.path.insert(0, ${JSON.stringify(workloadFolder)})\n`;
    const program =
      prelude === '' ? [] : ['-c', `${before}${prelude}\nrunpy.run_path(sys.argv[0], run_name='__main__')`];
    const child = spawn(python, [...program, ...argv], { stdio: ['ignore', 'pipe', 'pipe'], env });
    if (echo !== null) child.stdout?.pipe(echo, { end: false });
    return {
      kill: (signal) => child.kill(signal),
      hasEnded: () => child.exitCode !== null || child.signalCode !== null,
      ended: endOf(child),
    };
  };
}

function endOf(child: ChildProcess): Promise<EndedRank> {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk) => (stdout += chunk));
  child.stderr?.on('data', (chunk) => (stderr += chunk));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

/** Ranks as forks of one process (fork_ranks.py): most of a short run is the import of torch, which they share. */
export class ForkedRanks {
  readonly #parent: ChildProcess;
  readonly #folder: string;
  readonly #told = new Map<number, { pid: number | null; onEnd: (end: EndedRank) => void }>();
  #count = 0;

  /** `folder`: for what they write. */
  constructor(python: string, folder: string) {
    this.#folder = folder;
    mkdirSync(folder);
    this.#parent = spawn(python, [join(workloadFolder, 'fork_ranks.py')], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, ...ONE_THREAD },
    });
    const lines = createInterface({ input: definite(this.#parent.stdout, 'stdout is a pipe') });
    lines.on('line', (line) => this.#hear(JSON.parse(line)));
    this.#parent.once('close', () => {
      for (const { onEnd } of this.#told.values())
        onEnd({ code: null, signal: null, stdout: '', stderr: 'fork_ranks.py ended before it' });
    });
  }

  readonly start: StartRank = ({ argv, env, prelude }) => {
    const id = (this.#count += 1);
    const ended = new Promise<EndedRank>((onEnd) => this.#told.set(id, { pid: null, onEnd }));
    const order = { id, argv, env, prelude, stdout: this.#file(id, 'out'), stderr: this.#file(id, 'err') };
    this.#parent.stdin?.write(`${JSON.stringify(order)}\n`);
    return {
      kill: (signal) => {
        const pid = this.#told.get(id)?.pid ?? null;
        if (pid !== null && existsSync(`/proc/${pid}`)) process.kill(pid, signal);
      },
      hasEnded: () => !this.#told.has(id),
      ended,
    };
  };

  /** Ends those that still run, too. */
  close(): void {
    this.#parent.stdin?.end();
  }

  #hear({ id, pid, status }: { id: number; pid?: number; status?: number }): void {
    const told = definite(this.#told.get(id), 'it was started');
    if (pid !== undefined) told.pid = pid;
    if (status === undefined) return;
    this.#told.delete(id);
    // As wait(2) has it: the signal in the low bits, else the exit status above them.
    const number = status & 0x7f;
    const [name = null] = Object.entries(constants.signals).find(([, value]) => value === number) ?? [];
    told.onEnd({
      code: number === 0 ? status >> 8 : null,
      signal: name,
      stdout: readFileSync(this.#file(id, 'out'), 'utf8'),
      stderr: readFileSync(this.#file(id, 'err'), 'utf8'),
    });
  }

  #file(id: number, stream: 'out' | 'err'): string {
    return join(this.#folder, `${id}.${stream}`);
  }
}
