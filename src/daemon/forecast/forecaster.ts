import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { StartForecast } from '../../twin/forecast.ts';
import type { ForecastBasis } from './basis.ts';

export interface ForecastRequest {
  basis: ForecastBasis;
  jobs: readonly string[];
  draws: number;
  seed: number;
  horizonMs: number;
}

/** So many futures give the tenth and the ninetieth percentile with some care and cost a second on a large queue. */
export const DRAWS = 30;
const SEED = 1;
const HORIZON_MS = 7 * 86_400_000;

/** Runs forecasts in threads of their own, so that the daemon goes on answering. */
export class Forecaster {
  readonly #basis: () => Promise<ForecastBasis>;

  constructor(basis: () => Promise<ForecastBasis>) {
    this.#basis = basis;
  }

  /** When the job starts, from now on; null where it is not pending, or is held. */
  async start(job: string): Promise<(StartForecast & { historyJobs: number }) | null> {
    const basis = await this.#basis();
    const row = basis.snapshot.queue.find((one) => one.job === job);
    if (row === undefined || row.nodeNames !== null || row.isHeld) return null;
    const [forecast] = await inThread({ basis, jobs: [job], draws: DRAWS, seed: SEED, horizonMs: HORIZON_MS });
    return forecast === undefined ? null : { ...forecast, historyJobs: basis.history.length };
  }
}

function inThread(request: ForecastRequest): Promise<StartForecast[]> {
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
