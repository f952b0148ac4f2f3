/** A task list longer than this is not taken apart. */
const TASKS_MAX = 100_000;

/** The tasks of an array as Slurm lists them: `0-3,7,10-20:5`. What it can't read is left out. */
export function arrayTasks(text: string): number[] {
  const tasks: number[] = [];
  for (const part of text.split(',')) {
    const [, first = '', last = first, step = '1'] = /^(\d+)(?:-(\d+)(?::(\d+))?)?$/.exec(part) ?? [];
    if (first === '') continue;
    for (let task = Number(first); task <= Number(last) && tasks.length < TASKS_MAX; task += Math.max(1, Number(step)))
      tasks.push(task);
  }
  return tasks;
}
