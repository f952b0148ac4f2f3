import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { Backend } from '../../backend/port.ts';
import { type ErrorCode, OrreryError } from '../../contract/errors.ts';
import type { StartForecast } from '../../twin/forecast.ts';
import type { SoonerStart } from '../../twin/sooner.ts';
import type { ForecastSource } from './basis.ts';

export interface ForecastRequest {
  source: ForecastSource;
  /** As the source names it. */
  job: string;
  draws: number;
  seed: number;
  horizonMs: number;
}

/** What the worker says. `none`: the job is not pending, or is held. */
export type ForecastAnswer =
  | { kind: 'start'; start: StartForecast; sooner: SoonerStart[]; historyJobs: number }
  | { kind: 'none' }
  | { kind: 'failed'; code: ErrorCode; message: string };

/** So many futures give the tenth and the ninetieth percentile with some care and cost a second on a large queue. */
const DRAWS = 30;
const SEED = 1;
const HORIZON_MS = 7 * 86_400_000;

/** Runs forecasts in threads of their own, so that the daemon goes on answering. */
export class Forecaster {
  readonly #backend: Backend;
  readonly #source: () => Promise<ForecastSource>;
  readonly #onEnd: (ms: number) => void;

  /** `source` names jobs by their native ids; `onEnd` is told how long each forecast took, whatever came of it. */
  constructor(backend: Backend, source: () => Promise<ForecastSource>, onEnd: (ms: number) => void) {
    this.#backend = backend;
    this.#source = source;
    this.#onEnd = onEnd;
  }

  /** When the job starts, from now on; null where it is not pending, or is held. Throws what reading the cluster gave cause to. */
  async start(jobId: number): Promise<(StartForecast & { sooner: SoonerStart[]; historyJobs: number }) | null> {
    const job = this.#backend.nativeId(jobId);
    if (job === null) return null;
    const startedAt = performance.now();
    const answer = await this.#source()
      .then((source) => inThread({ source, job, draws: DRAWS, seed: SEED, horizonMs: HORIZON_MS }))
      .finally(() => this.#onEnd(performance.now() - startedAt));
    if (answer.kind === 'failed') throw new OrreryError(answer.code, answer.message);
    return answer.kind === 'none' ? null : { ...answer.start, sooner: answer.sooner, historyJobs: answer.historyJobs };
  }
}

function inThread(request: ForecastRequest): Promise<ForecastAnswer> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(workerEntry(), { workerData: request });
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', (status) => reject(new Error(`the forecast ended with status ${status} and no result`)));
  });
}

function workerEntry(): string {
  // Modules of the bundle lie beside the worker's, those of the sources as they are here.
  const beside = fileURLToPath(new URL('forecast-worker.js', import.meta.url));
  return existsSync(beside) ? beside : fileURLToPath(new URL('forecast-worker.ts', import.meta.url));
}
