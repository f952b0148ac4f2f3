import { type WatchedResults, watchWork, type WorkControl } from '../watched-work.ts';
import type { Grid } from './grid.ts';
import type { PlannedCase } from './plan-case.ts';
import { planOnThreads } from './plan-on-threads.ts';

/** Of an array where nothing is said: some ten seconds of a core. */
const TASK_CASES = 100;
/** A search for the fewest nodes is some twenty searches. */
const TASK_CASES_DEADLINE = 10;

export interface GridPlace {
  on: 'here' | 'slurm';
  /** Of the array; null: as many as the cases are. */
  tasks: number | null;
}

/** Plans all cases, in threads on all CPUs of this machine or in the tasks of a Slurm array; the answers in the order of the cases, null for those that Ctrl-C left out. */
export async function runGrid(grid: Grid, { on, tasks }: GridPlace): Promise<WatchedResults<PlannedCase>> {
  return watchWork<PlannedCase>(grid.cases.length, 'cases', (control) =>
    on === 'slurm' ? runOnSlurm(grid, tasks, control) : planOnThreads(grid, control),
  );
}

async function runOnSlurm(grid: Grid, asked: number | null, control: WorkControl): Promise<(PlannedCase | null)[]> {
  const { workOnSlurm } = await import('../slurm-array/work-on-slurm.ts');
  const { length } = grid.cases;
  const tasks = Math.min(
    length,
    asked ?? Math.ceil(length / (grid.deadlineSeconds === null ? TASK_CASES : TASK_CASES_DEADLINE)),
  );
  // Neighbours are alike in what they take: each task gets some of all.
  const shares = Array.from({ length: tasks }, (_, task) => ({
    ...grid,
    cases: grid.cases.filter((_case, index) => index % tasks === task),
  }));
  const planned = await workOnSlurm('planning', shares, 'orrery-plan', {
    ...control,
    onProgress: (done) => control.onProgress((length * done) / tasks),
  });
  return grid.cases.map((_, index) => planned[index % tasks]?.[Math.floor(index / tasks)] ?? null);
}
