import { OrreryError } from '../../contract/errors.ts';
import { ProgressBoard } from '../sim/run-progress.ts';
import { type SimulationResult, simulate } from '../sim/simulate.ts';
import type { SimulationRequest } from '../sim/simulation.ts';
import { type TaskAnswer, WorkFolder } from './work-folder.ts';

/** One task of an array, on a node of Slurm's: reads its work, does it, writes the answer. */
async function main(): Promise<void> {
  const { ORRERY_ARRAY_FOLDER: path, ORRERY_ARRAY_TASK: task } = process.env;
  if (path === undefined || task === undefined) throw new Error('expected ORRERY_ARRAY_FOLDER and ORRERY_ARRAY_TASK');
  const folder = new WorkFolder<SimulationRequest, SimulationResult>(path);
  const index = Number(task);
  const request = folder.readItem(index);
  const answer = await simulate(request, new ProgressBoard()).then(
    (result): TaskAnswer<SimulationResult> => ({ kind: 'done', result }),
    (error: unknown): TaskAnswer<SimulationResult> => ({
      kind: 'failed',
      code: error instanceof OrreryError ? error.code : null,
      message: error instanceof Error ? error.message : String(error),
      stack: error instanceof Error ? (error.stack ?? '') : '',
    }),
  );
  folder.writeAnswer(index, answer);
}

await main();
