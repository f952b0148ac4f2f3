import { parentPort, workerData } from 'node:worker_threads';
import { answerOf } from '../answer.ts';
import type { Grid } from './grid.ts';
import { planCase } from './plan-case.ts';

/** The thread that plans cases of a grid: it is told an index, answers, and is told the next. */
const grid: Grid = workerData;

async function plan(index: number): Promise<void> {
  const gridCase = grid.cases[index];
  if (gridCase === undefined) throw new Error(`no case ${index}`);
  parentPort?.postMessage({ index, answer: await answerOf(planCase(grid, gridCase)) });
}

parentPort?.on('message', (index: number) => void plan(index));
