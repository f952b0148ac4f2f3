import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JobSpecInput } from '../../../contract/job.ts';
import { batchJob } from './batch-script.test-support.ts';
import { type BatchArray, batchSubmission } from './batch-script.ts';

/** `tasks`: what srun does, with the attempt's folder in `$attempt_folder`. */
export interface Run {
  submission?: number;
  tasks?: string;
  jobFolder?: string;
  spec?: JobSpecInput;
  array?: BatchArray;
}

/** The script as Slurm would run it, with an srun that notes that it was called; its exit status. */
export function runScript(
  folder: string,
  { tasks = 'exit 0', spec = { command: ['true'] }, ...job }: Run,
  slurm: Record<string, string>,
): number | null {
  const srun = ['#!/bin/sh', `echo run >> '${folder}/runs'`, 'eval "attempt_folder=\\${$(($# - 4))}"', tasks, ''];
  writeFileSync(join(folder, 'srun'), srun.join('\n'), { mode: 0o755 });
  const { script } = batchSubmission(batchJob(spec, { jobFolder: join(folder, 'job'), ...job }));
  return spawnSync('/bin/sh', [], {
    input: script,
    env: environment(folder, slurm),
    stdio: ['pipe', 'ignore', 'ignore'],
  }).status;
}

export function environment(folder: string, slurm: Record<string, string>): Record<string, string> {
  return { PATH: `${folder}:/usr/bin:/bin`, SLURM_JOB_NODELIST: 'localhost', ...slurm };
}

export function runsOf(folder: string): number {
  return readFileSync(join(folder, 'runs'), 'utf8').match(/run/g)?.length ?? 0;
}

export async function withJob(work: (folder: string) => void | Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-claim-'));
  try {
    mkdirSync(join(folder, 'job'));
    writeFileSync(join(folder, 'job', 'submission'), '1\n');
    writeFileSync(join(folder, 'scontrol'), '#!/bin/sh\necho localhost\n', { mode: 0o755 });
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
