import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { ScenarioFields } from '../../formats/scenario-file.ts';
import { type Answer, errorOf } from '../answer.ts';
import { packageFolder } from '../package-folder.ts';
import { ProgressBoard } from './run-progress.ts';
import type { SimulationResult } from './simulate.ts';

/** What a worker is told. */
export interface SimulationRequest {
  fields: ScenarioFields;
  /** Absolute path of the CSV file of jobs; null for none. */
  jobsOut: string | null;
}

export interface Simulation {
  board: ProgressBoard;
  result: Promise<SimulationResult>;
}

/**
 * Runs a scenario in a thread of its own, so that this one can show how far it is and hear Ctrl-C; `board.stop()` ends it early with what is
 * known so far. The result throws what the scenario's files gave cause to.
 */
export function startSimulation(request: SimulationRequest): Simulation {
  const board = new ProgressBoard();
  const worker = new Worker(workerEntry(), { workerData: { request, memory: board.memory } });
  const result = new Promise<SimulationResult>((resolve, reject) => {
    worker.once('message', (answer: Answer<SimulationResult>) => {
      if (answer.kind === 'done') resolve(answer.result);
      else reject(errorOf(answer));
    });
    worker.once('error', reject);
    worker.once('exit', (status) => reject(new Error(`the simulation ended with status ${status} and no result`)));
  });
  return { board, result };
}

function workerEntry(): string {
  // Modules of the bundle lie in dist/ beside the worker's, those of the sources under src/.
  const beside = fileURLToPath(new URL('simulation-worker.js', import.meta.url));
  return existsSync(beside) ? beside : join(packageFolder(), 'src', 'cli', 'sim', 'simulation-worker.ts');
}
