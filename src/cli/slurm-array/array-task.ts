import { answerOf } from '../answer.ts';
import type { TaskItem, TaskKind, TaskWork } from './task-work.ts';
import { WorkFolder } from './work-folder.ts';

type Result = TaskWork[TaskKind]['result'];

/** One task of an array, on a node of Slurm's: reads its work, does it, writes the answer. */
async function main(): Promise<void> {
  const { ORRERY_ARRAY_FOLDER: path, ORRERY_ARRAY_TASK: task } = process.env;
  if (path === undefined || task === undefined) throw new Error('expected ORRERY_ARRAY_FOLDER and ORRERY_ARRAY_TASK');
  const folder = new WorkFolder<TaskItem, Result>(path);
  const index = Number(task);
  folder.writeAnswer(index, await answerOf(work(folder.readItem(index))));
}

async function work(item: TaskItem): Promise<Result> {
  if (item.kind === 'evaluation') {
    const { evaluateShare } = await import('../evaluate/evaluate-share.ts');
    return evaluateShare(item.request);
  }
  if (item.kind === 'planning') {
    const { planShare } = await import('../plan-grid/plan-share.ts');
    return planShare(item.request);
  }
  const [{ simulate }, { ProgressBoard }] = await Promise.all([
    import('../sim/simulate.ts'),
    import('../sim/run-progress.ts'),
  ]);
  return simulate(item.request, new ProgressBoard());
}

await main();
