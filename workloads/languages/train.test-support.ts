import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findPython } from '../../src/backend/local/python.ts';
import { freePorts } from '../../test/support/free-ports.ts';
import { type EndedRank, ONE_THREAD, type Rank, type StartRank, workloadFolder } from './ranks.test-support.ts';

const trainScript = join(workloadFolder, 'train.py');

/** A Python with torch. Throws when there is none: these tests are about PyTorch. */
export async function torchPython(): Promise<string> {
  const found = await findPython(process.env);
  if (!found.isMissing) return found.path;
  throw new Error(
    `no Python with torch (looked in ${found.tried.join(', ')}): set ORRERY_PYTHON, or install python3-torch`,
  );
}

export interface Gang {
  ranks: readonly Rank[];
  ended: Promise<EndedRank[]>;
}

const running = new Set<Rank>();

/** Ends what a failed test left behind. */
export function killLeftovers(): void {
  for (const rank of running) rank.kill('SIGKILL');
}

/** Starts the ranks of train.py. `prelude` is Python that runs before it in every rank, for faults that must strike at a certain call. */
export async function startGang(options: {
  start: StartRank;
  size: number;
  args: readonly string[];
  env?: Record<string, string>;
  /** Where each rank tells its pace. */
  rankMetrics?: (rank: number) => string;
  prelude?: string;
}): Promise<Gang> {
  const [port = 0] = await freePorts(1);
  const ranks = Array.from({ length: options.size }, (_, rank) => {
    const started = options.start({
      argv: [trainScript, ...options.args],
      env: {
        ...process.env,
        RANK: String(rank),
        LOCAL_RANK: String(rank),
        WORLD_SIZE: String(options.size),
        MASTER_ADDR: '127.0.0.1',
        MASTER_PORT: String(port),
        ...ONE_THREAD,
        ...options.env,
        ...(options.rankMetrics && { ORRERY_RANK_METRICS: options.rankMetrics(rank) }),
      },
      prelude: options.prelude ?? '',
    });
    running.add(started);
    void started.ended.finally(() => running.delete(started));
    return started;
  });
  return { ranks, ended: Promise.all(ranks.map(({ ended }) => ended)) };
}

/** Runs the gang to its end. */
export async function runGang(options: Parameters<typeof startGang>[0]): Promise<EndedRank[]> {
  return (await startGang(options)).ended;
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
  const isRunning = () => gang.ranks.every((rank) => !rank.hasEnded());
  while (!readMetrics(path).some(condition)) {
    if (!isRunning()) throw new Error('the gang ended before the awaited metric');
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
  }
}
