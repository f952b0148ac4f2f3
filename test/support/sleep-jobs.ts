import { execFileSync } from 'node:child_process';
import type { SlurmCluster } from './slurm-cluster.ts';

/** A job that does nothing but hold its nodes; null: sbatch is not told. */
export interface SleepJob {
  nodes: number;
  gpusPerNode: number;
  limitMinutes: number;
  runSeconds: number;
  user: string | null;
  account: string | null;
  qos: string | null;
  partition: string | null;
  /** The job that has to complete before it. */
  afterId: number | null;
}

/** The arguments of an sbatch that prints the id alone. */
export function sleepJobArguments(job: SleepJob): string[] {
  const told = (option: string, value: string | null) => (value === null ? [] : [`--${option}=${value}`]);
  return [
    '--parsable',
    '--output=/dev/null',
    '--chdir=/',
    `--nodes=${job.nodes}`,
    '--ntasks-per-node=1',
    `--gpus-per-node=${job.gpusPerNode}`,
    `--time=${job.limitMinutes}`,
    ...told('uid', job.user),
    ...told('account', job.account),
    ...told('qos', job.qos),
    ...told('partition', job.partition),
    ...told('dependency', job.afterId === null ? null : `afterok:${job.afterId}`),
    `--wrap=exec sleep ${job.runSeconds}`,
  ];
}

export async function untilQueueIsEmpty(slurm: SlurmCluster, pollMs: number): Promise<void> {
  for (;;) {
    const queue = execFileSync('/usr/bin/squeue', ['-h', '-o', '%i'], { env: slurm.env, encoding: 'utf8' });
    if (queue.trim() === '') return;
    await new Promise((done) => {
      setTimeout(done, pollMs);
    });
  }
}
