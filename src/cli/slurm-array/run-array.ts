import { setTimeout as sleep } from 'node:timers/promises';
import type { SlurmCommands } from '../../backend/slurm/slurm-commands.ts';
import { SlurmFailure } from '../../backend/slurm/slurm-failure.ts';
import { OrreryError } from '../../contract/errors.ts';
import { shellCommand, shellQuote } from '../../lib/shell-quote.ts';
import { errorOf } from '../answer.ts';
import { WorkFolder } from './work-folder.ts';

/** Slurm's default of MaxArraySize less one: the largest task id everywhere that nobody has made smaller. */
const ARRAY_TASKS_MAX = 1000;
const LOOK_MS = { min: 500, max: 5_000 } as const;
/** Slurm is asked less often than the folder is looked at. */
const QUEUE_MS = 5_000;
/** A task that is in no queue any more and has not answered is tried again so often. */
const TRIES_MAX = 3;

export interface ArrayRun {
  commands: SlurmCommands;
  /** Variables for sbatch, such as SBATCH_PARTITION. */
  variables: Readonly<Record<string, string>>;
  /** Below it the array's folder is made; all nodes see it under this path. */
  sharedFolder: string;
  name: string;
  items: readonly unknown[];
  /** Program and arguments of a task; it finds its folder in ORRERY_ARRAY_FOLDER and its number in ORRERY_ARRAY_TASK. */
  argv: readonly string[];
  /** Told in a line what Slurm was given, and why nothing runs while all of it waits. */
  onRemark: (line: string) => void;
  /** Told how many have answered. */
  onProgress: (done: number) => void;
  /** Asked now and then: true ends it with what there is. */
  isStopping: () => boolean;
  /** What is thrown for the failure of the task of this index; default the error itself. */
  failureOf?: (error: Error, index: number) => Error;
}

/**
 * Runs one task an item as a Slurm array and resolves with their results in the order of the items; null for those that had not answered when
 * `isStopping` said so. A task that Slurm lost is submitted again. Throws what the first task that failed threw, by `failureOf`; the rest is cancelled then.
 */
export async function runSlurmArray<Result>(run: ArrayRun): Promise<(Result | null)[]> {
  const folder = WorkFolder.create<unknown, Result>(run.sharedFolder, run.items);
  const array = new SlurmArray(run, folder);
  try {
    return await array.run();
  } finally {
    await array.cancel();
    if (!array.areLogsWanted) folder.remove();
  }
}

class SlurmArray<Result> {
  readonly #run: ArrayRun;
  readonly #folder: WorkFolder<unknown, Result>;
  readonly #results: (Result | null)[];
  readonly #open = new Set<number>();
  /** Slurm's ids of the arrays whose tasks may still be in the queue. */
  #arrayIds: string[] = [];
  #tries = 0;
  /** Slurm's word for why all tasks wait, as said last; null while one runs. */
  #reason: string | null = null;
  /** Tasks ended and nobody knows why: what they wrote is all there is. */
  areLogsWanted = false;

  constructor(run: ArrayRun, folder: WorkFolder<unknown, Result>) {
    this.#run = run;
    this.#folder = folder;
    this.#results = run.items.map(() => null);
    for (const index of run.items.keys()) this.#open.add(index);
  }

  async run(): Promise<(Result | null)[]> {
    await this.#submit();
    let lookMs: number = LOOK_MS.min;
    let askedMs = performance.now();
    for (;;) {
      const before = this.#open.size;
      this.#collect();
      this.#run.onProgress(this.#run.items.length - this.#open.size);
      if (this.#open.size === 0 || this.#run.isStopping()) return this.#results;
      lookMs = this.#open.size < before ? LOOK_MS.min : Math.min(LOOK_MS.max, lookMs * 1.3);
      if (performance.now() - askedMs > QUEUE_MS) {
        askedMs = performance.now();
        await this.#resubmitLost();
      }
      await sleep(lookMs);
    }
  }

  async cancel(): Promise<void> {
    if (this.#open.size === 0 || this.#arrayIds.length === 0) return;
    await this.#run.commands.run('scancel', this.#arrayIds).catch(() => undefined);
  }

  #collect(): void {
    for (const index of this.#folder.answered()) {
      if (!this.#open.delete(index)) continue;
      const answer = this.#folder.readAnswer(index);
      if (answer.kind === 'done') this.#results[index] = answer.result;
      else {
        const error = errorOf(answer);
        throw this.#run.failureOf?.(error, index) ?? error;
      }
    }
  }

  /** Those that have neither answered nor are in the queue: their node died, or Slurm forgot them. */
  async #resubmitLost(): Promise<void> {
    const queued = await this.#queued();
    if (queued > 0) return;
    // One that ended while Slurm was asked has answered by now.
    await sleep(LOOK_MS.min);
    this.#collect();
    if (this.#open.size > 0 && !this.#run.isStopping()) await this.#submit();
  }

  /** How many tasks Slurm still has; also where it does not answer: then nothing is known to be lost. */
  async #queued(): Promise<number> {
    try {
      const text = await this.#run.commands.run('squeue', [
        '--noheader',
        '--format=%T %r',
        `--jobs=${this.#arrayIds.join()}`,
      ]);
      const lines = text.split('\n').filter((line) => line !== '');
      this.#noteReason(lines);
      return lines.length;
    } catch (error) {
      if (error instanceof SlurmFailure && error.kind === 'unknownJob') return 0;
      return 1;
    }
  }

  #noteReason(lines: readonly string[]): void {
    const waiting = lines.filter((line) => line.startsWith('PENDING '));
    const isWaiting = waiting.length > 0 && waiting.length === lines.length;
    const reason = isWaiting ? (waiting[0]?.slice('PENDING '.length) ?? '') : null;
    if (reason !== null && reason !== this.#reason) {
      this.#run.onRemark(`array job ${this.#arrayIds.join(', ')} waits in Slurm's queue (${reason})`);
    }
    this.#reason = reason;
  }

  async #submit(): Promise<void> {
    this.#tries += 1;
    if (this.#tries > TRIES_MAX) {
      this.areLogsWanted = true;
      throw new OrreryError(
        'ORR_FAILED',
        `${this.#open.size} of ${this.#run.items.length} tasks ended ${TRIES_MAX} times without an answer: see ${this.#folder.path}/logs`,
      );
    }
    const { commands, variables, argv, name } = this.#run;
    this.#arrayIds = [];
    const open = [...this.#open].sort((a, b) => a - b);
    for (let first = 0; first < open.length; first += ARRAY_TASKS_MAX) {
      const tasks = open.slice(first, first + ARRAY_TASKS_MAX);
      const script = [
        '#!/bin/sh',
        // Task ids of Slurm are below MaxArraySize: ours are counted on from the first of each array.
        `set -- ${tasks.join(' ')}`,
        'shift "$SLURM_ARRAY_TASK_ID"',
        `export ORRERY_ARRAY_FOLDER=${shellQuote(this.#folder.path)} ORRERY_ARRAY_TASK="$1"`,
        `exec ${shellCommand(argv)}`,
        '',
      ].join('\n');
      const options = [
        '--parsable',
        '--requeue',
        `--job-name=${name}`,
        `--array=0-${tasks.length - 1}`,
        '--ntasks=1',
        `--output=${this.#folder.logPattern}`,
        '--open-mode=append',
        ...(Object.keys(variables).some((key) => key.startsWith('SBATCH_MEM')) ? [] : ['--mem=2G']),
      ];
      const answer = await commands.run('sbatch', options, { stdin: script, variables });
      this.#arrayIds.push(answer.trim().split(';')[0] ?? '');
    }
    const tasks = open.length === 1 ? '1 task' : `${open.length} tasks`;
    const again = this.#tries > 1 ? ' again: they ended without an answer' : '';
    this.#run.onRemark(`${tasks} submitted to Slurm as array job ${this.#arrayIds.join(', ')}${again}`);
  }
}
