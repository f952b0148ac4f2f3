import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SlurmCommands } from '../../backend/slurm/slurm-commands.ts';
import { homeFolder } from '../home.ts';
import { packageFolder } from '../package-folder.ts';
import { type ArrayRun, runSlurmArray } from './run-array.ts';
import type { TaskKind, TaskWork } from './task-work.ts';

const TIMEOUT_MS = 60_000;

/** Told how far the tasks are, and asked whether to go on; see `ArrayRun`. */
export type ArrayControl = Pick<ArrayRun, 'onProgress' | 'onRemark' | 'isStopping' | 'failureOf'>;

/**
 * Does each request in a task of a Slurm array, through the commands on the PATH, and gives the results in order; null for those that were not
 * done when `isStopping` said so. Results pass through the home, which the nodes have to see, as they do this package and every file that is named.
 */
export async function workOnSlurm<Kind extends TaskKind>(
  kind: Kind,
  requests: readonly TaskWork[Kind]['request'][],
  name: string,
  control: ArrayControl,
): Promise<(TaskWork[Kind]['result'] | null)[]> {
  const variables = Object.fromEntries(
    Object.entries(process.env).flatMap(([key, value]) =>
      key.startsWith('SBATCH_') && value !== undefined ? [[key, value] as const] : [],
    ),
  );
  return runSlurmArray<TaskWork[Kind]['result']>({
    commands: new SlurmCommands({ host: null, socketFolder: null, env: process.env, timeoutMs: TIMEOUT_MS }),
    variables,
    sharedFolder: join(homeFolder(), 'arrays'),
    name,
    items: requests.map((request) => ({ kind, request })),
    argv: [process.execPath, taskEntry()],
    ...control,
  });
}

function taskEntry(): string {
  // Modules of the bundle lie in dist/ beside the task's, those of the sources under src/.
  const beside = fileURLToPath(new URL('array-task.js', import.meta.url));
  return existsSync(beside) ? beside : join(packageFolder(), 'src', 'cli', 'slurm-array', 'array-task.ts');
}
