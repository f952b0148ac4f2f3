import type { JobSpec } from '../../../contract/job.ts';
import { loginShellCommand } from '../../../lib/shell-quote.ts';
import { requestOptions } from './batch-script.ts';

/**
 * argv that opens `program` in an allocation of Slurm's and connects the caller's terminal to it: srun, through ssh where the cluster is behind a login
 * node. `isTerminal`: somebody sits at one; else the program reads what is piped in. Pure.
 */
export function interactiveCommand(
  spec: JobSpec,
  program: readonly string[],
  place: { host: string | null; isTerminal: boolean },
): string[] {
  const { host, isTerminal } = place;
  const srun = [
    'srun',
    `--job-name=${spec.name ?? 'shell'}`,
    ...requestOptions({ ...spec, tasksPerNode: spec.tasksPerNode ?? 1 }, spec.exclude),
    ...(isTerminal ? ['--pty'] : ['--unbuffered', '--input=0', '--output=0', '--error=0']),
    ...program,
  ];
  if (host === null) return srun;
  return ['ssh', isTerminal ? '-t' : '-T', '--', host, loginShellCommand(srun)];
}
