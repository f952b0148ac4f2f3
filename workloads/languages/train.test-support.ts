import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findPython } from '../../src/backend/local/python.ts';
import { freePorts } from '../../test/support/free-ports.ts';

export const workloadFolder = dirname(fileURLToPath(import.meta.url));
const trainScript = join(workloadFolder, 'train.py');

/** A Python with torch. Throws when there is none: these tests are about PyTorch. */
export async function torchPython(): Promise<string> {
  const found = await findPython(process.env);
  if (!found.isMissing) return found.path;
  throw new Error(
    `no Python with torch (looked in ${found.tried.join(', ')}): set ORRERY_PYTHON, or install python3-torch`,
  );
}

export interface EndedRank {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface Gang {
  ranks: ChildProcess[];
  ended: Promise<EndedRank[]>;
}

const running = new Set<ChildProcess>();

/** Ends what a failed test left behind. */
export function killLeftovers(): void {
  for (const child of running) child.kill('SIGKILL');
}

/**
 * Starts the ranks of train.py as plain processes. `prelude` is Python that runs before it in every rank, for faults that must
 * strike at a certain call.
 */
export async function startGang(options: {
  python: string;
  size: number;
  args: readonly string[];
  env?: Record<string, string>;
  /** Where each rank tells its pace. */
  rankMetrics?: (rank: number) => string;
  prelude?: string;
}): Promise<Gang> {
  const [port = 0] = await freePorts(1);
  const program =
    options.prelude === undefined
      ? [trainScript]
      : [
          '-c',
          `import runpy, sys\nsys.argv = sys.argv[1:]\nsys.path.insert(0, ${JSON.stringify(workloadFolder)})\n` +
            `${options.prelude}\nrunpy.run_path(sys.argv[0], run_name='__main__')`,
          trainScript,
        ];
  const ranks = Array.from({ length: options.size }, (_, rank) =>
    spawn(options.python, [...program, ...options.args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        RANK: String(rank),
        LOCAL_RANK: String(rank),
        WORLD_SIZE: String(options.size),
        MASTER_ADDR: '127.0.0.1',
        MASTER_PORT: String(port),
        OMP_NUM_THREADS: '1',
        ...options.env,
        ...(options.rankMetrics && { ORRERY_RANK_METRICS: options.rankMetrics(rank) }),
      },
    }),
  );
  return { ranks, ended: Promise.all(ranks.map(ended)) };
}

/** Runs the gang to its end. */
export async function runGang(options: Parameters<typeof startGang>[0]): Promise<EndedRank[]> {
  return (await startGang(options)).ended;
}

function ended(child: ChildProcess): Promise<EndedRank> {
  running.add(child);
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk) => (stdout += chunk));
  child.stderr?.on('data', (chunk) => (stderr += chunk));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      running.delete(child);
      resolve({ code, signal, stdout, stderr });
    });
  });
}

export interface Sentence {
  /** Index into `labels`. */
  label: number;
  /** Index into `declarations`. */
  declaration: number;
  text: string;
}

export interface Split {
  labels: { code: string; name: string; tag: string; members: string[] }[];
  declarations: string[];
  train: Sentence[];
  test: Sentence[];
}

/** The sentences as the training code sees them; a remainder of 1 to 4 holds out train articles instead of the test articles. */
export function readSplit(python: string, remainder = 0): Split {
  const args = ['-B', join(workloadFolder, 'declarations.py'), '--validation', String(remainder)];
  return JSON.parse(execFileSync(python, args, { maxBuffer: 1 << 28, encoding: 'utf8' }));
}

/** The NDJSON lines written so far; a last line that is still being written is left out. */
export function readMetrics(path: string): Record<string, unknown>[] {
  if (!existsSync(path)) return [];
  const whole = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  return whole.map((line): Record<string, unknown> => JSON.parse(line));
}

/** Waits until a metrics line meets the condition, while the gang runs. */
export async function waitForMetric(
  path: string,
  gang: Gang,
  condition: (line: Record<string, unknown>) => boolean,
): Promise<void> {
  const isRunning = () => gang.ranks.every((rank) => rank.exitCode === null && rank.signalCode === null);
  while (!readMetrics(path).some(condition)) {
    if (!isRunning()) throw new Error('the gang ended before the awaited metric');
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
  }
}
