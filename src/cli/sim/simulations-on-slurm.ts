import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SlurmCommands } from '../../backend/slurm/slurm-commands.ts';
import type { ScenarioFields } from '../../formats/scenario-file.ts';
import { homeFolder } from '../home.ts';
import { packageFolder } from '../package-folder.ts';
import { type ArrayRun, runSlurmArray } from '../slurm-array/run-array.ts';
import type { SimulationResult } from './simulate.ts';
import type { SimulationRequest } from './simulation.ts';

const TIMEOUT_MS = 60_000;

/**
 * Runs scenarios as the tasks of a Slurm array, through the commands on the PATH, and gives their results in order; null for those that were not
 * done when `isStopping` said so. Results pass through the home, which the nodes have to see, as they do this package.
 */
export async function simulateOnSlurm(
  scenarios: readonly ScenarioFields[],
  control: Pick<ArrayRun, 'onProgress' | 'onRemark' | 'isStopping' | 'failureOf'>,
): Promise<(SimulationResult | null)[]> {
  const variables = Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      name.startsWith('SBATCH_') && value !== undefined ? [[name, value] as const] : [],
    ),
  );
  const items = scenarios.map((fields): SimulationRequest => ({ fields, jobsOut: null }));
  return runSlurmArray<SimulationResult>({
    commands: new SlurmCommands({ host: null, socketFolder: null, env: process.env, timeoutMs: TIMEOUT_MS }),
    variables,
    sharedFolder: join(homeFolder(), 'arrays'),
    name: 'orrery-sim',
    items,
    argv: [process.execPath, taskEntry()],
    ...control,
  });
}

function taskEntry(): string {
  // Modules of the bundle lie in dist/ beside the task's, those of the sources under src/.
  const beside = fileURLToPath(new URL('array-task.js', import.meta.url));
  return existsSync(beside) ? beside : join(packageFolder(), 'src', 'cli', 'slurm-array', 'array-task.ts');
}
