import { parentPort, workerData } from 'node:worker_threads';
import { OrreryError } from '../../contract/errors.ts';
import { ProgressBoard } from './run-progress.ts';
import { simulate } from './simulate.ts';
import type { SimulationAnswer, SimulationRequest } from './simulation.ts';

/** The thread that runs one scenario. */
async function main(): Promise<void> {
  const { request, memory }: { request: SimulationRequest; memory: SharedArrayBuffer } = workerData;
  const answer = await simulate(request, new ProgressBoard(memory)).then(
    (result): SimulationAnswer => ({ kind: 'done', result }),
    (error: unknown): SimulationAnswer => ({
      kind: 'failed',
      code: error instanceof OrreryError ? error.code : null,
      message: error instanceof Error ? error.message : String(error),
      stack: error instanceof Error ? (error.stack ?? '') : '',
    }),
  );
  parentPort?.postMessage(answer);
}

await main();
