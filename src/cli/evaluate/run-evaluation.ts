import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { OrreryError } from '../../contract/errors.ts';
import { Confusions } from '../../inference/confusions.ts';
import type { LanguageLabel } from '../../inference/language-model.ts';
import { loadLanguageModel } from '../identify.ts';
import { progressBar } from '../render/progress-bar.ts';
import { terminalOf } from '../render/terminal.ts';
import { watchWork } from '../watched-work.ts';
import { type EvaluatedShare, type EvaluationRequest, evaluateShare } from './evaluate-share.ts';
import { type Evaluation, evaluationOf } from './evaluation.ts';

export interface EvaluationOptions {
  modelFolder: string;
  files: readonly string[];
  /** Null: whole texts. */
  firstCharacters: number | null;
  place: 'here' | 'slurm';
  /** Of the array; null: as many as the files are large. */
  tasks: number | null;
}

type SharedRequest = Omit<EvaluationRequest, 'share' | 'shares'>;

const REDRAW_MS = 100;
const CLEAR_LINE = '\r\u001b[K';
/** Bytes of files for a task of an array: about a minute of a core. */
const TASK_BYTES = 64 * 1024 ** 2;
const TASKS_MAX = 1000;

/**
 * Judges a model by labelled texts, in this process or in the tasks of a Slurm array. Throws ORR_BAD_FILE where a file cannot be read or holds no text of
 * a language that the model knows; ORR_INTERRUPTED where Ctrl-C came first.
 */
export async function runEvaluation(options: EvaluationOptions): Promise<Evaluation> {
  const request: SharedRequest = {
    modelFolder: resolve(options.modelFolder),
    files: options.files.map((file) => resolve(file)),
    firstCharacters: options.firstCharacters,
  };
  // Before anything long: a model that is none must not be found by a thousand tasks.
  const { labels } = await loadLanguageModel(request.modelFolder);
  const bytes = await bytesOf(request.files);
  const shares =
    options.place === 'slurm' ? await onSlurm(request, options.tasks ?? tasksFor(bytes)) : [await here(request, bytes)];
  return merged(request, labels, shares);
}

async function bytesOf(files: readonly string[]): Promise<number> {
  // What cannot be read is told by whoever reads it.
  const sizes = await Promise.all(
    files.map((file) =>
      stat(file).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function here(request: SharedRequest, bytes: number): Promise<EvaluatedShare> {
  const bar = new Bar();
  let read = 0;
  try {
    return await evaluateShare({ ...request, share: 0, shares: 1 }, (more) => {
      read += more;
      bar.show(bytes === 0 ? 0 : read / bytes);
    });
  } finally {
    bar.clear();
  }
}

async function onSlurm(request: SharedRequest, shares: number): Promise<EvaluatedShare[]> {
  const { workOnSlurm } = await import('../slurm-array/work-on-slurm.ts');
  const requests = Array.from({ length: shares }, (_, share) => ({ ...request, share, shares }));
  const { results } = await watchWork<EvaluatedShare>(shares, 'tasks', (control) =>
    workOnSlurm('evaluation', requests, 'orrery-evaluate', control),
  );
  const done = results.filter((result) => result !== null);
  if (done.length === shares) return done;
  throw new OrreryError('ORR_INTERRUPTED', `interrupted: ${done.length} of ${shares} tasks were done`);
}

function tasksFor(bytes: number): number {
  return Math.min(TASKS_MAX, Math.max(1, Math.ceil(bytes / TASK_BYTES)));
}

function merged(
  { modelFolder, files, firstCharacters }: SharedRequest,
  labels: readonly LanguageLabel[],
  shares: readonly EvaluatedShare[],
): Evaluation {
  const confusions = new Confusions(labels.length);
  const unknown = new Map<string, number>();
  for (const { counts, unknown: ofShare } of shares) {
    for (const [expected, predicted, texts] of counts) confusions.add(expected, predicted, texts);
    for (const [label, texts] of ofShare) unknown.set(label, (unknown.get(label) ?? 0) + texts);
  }
  const firstBad = shares
    .flatMap((share) => share.firstBad)
    .sort((a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line);
  const badLines = shares.reduce((sum, share) => sum + share.badLines, 0);
  const scores = confusions.scores();
  if (scores === null) {
    const [bad] = firstBad;
    const first = bad === undefined ? '' : `; first at ${bad.file}:${bad.line}: ${bad.reason}`;
    throw new OrreryError(
      'ORR_BAD_FILE',
      `no text of a language that the model knows (${unknown.size} other labels, ${badLines} bad lines${first})`,
    );
  }
  return evaluationOf({ model: modelFolder, files, firstCharacters, labels, scores, unknown, badLines, firstBad });
}

/** On a terminal, how far it is. */
class Bar {
  readonly #terminal = terminalOf(process.stderr);
  #drawnMs = -Infinity;

  show(fraction: number): void {
    if (!this.#terminal.isLive || performance.now() - this.#drawnMs < REDRAW_MS) return;
    this.#drawnMs = performance.now();
    process.stderr.write(`${CLEAR_LINE}${progressBar(fraction, 24, this.#terminal)}`);
  }

  clear(): void {
    if (this.#terminal.isLive && this.#drawnMs > -Infinity) process.stderr.write(CLEAR_LINE);
  }
}
