import { parentPort, workerData } from 'node:worker_threads';
import { answerOf } from '../answer.ts';
import { ProgressBoard } from './run-progress.ts';
import { simulate } from './simulate.ts';
import type { SimulationRequest } from './simulation.ts';

/** The thread that runs one scenario. */
async function main(): Promise<void> {
  const { request, memory }: { request: SimulationRequest; memory: SharedArrayBuffer } = workerData;
  parentPort?.postMessage(await answerOf(simulate(request, new ProgressBoard(memory))));
}

await main();
