import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { interactiveCommand } from '../../backend/slurm/batch/interactive.ts';
import { OrreryError } from '../../contract/errors.ts';
import { type JobSpecInput, jobSpecSchema } from '../../contract/job.ts';
import { errorCode } from '../../lib/error-code.ts';
import { faultInFlags } from '../job-validation.ts';

/** The user's shell, whatever it is where the program runs. */
const SHELL = ['/bin/sh', '-c', 'exec "${SHELL:-/bin/sh}"'];

/** Runs `argv`, or a shell where it is empty, in an allocation of Slurm's with this terminal. Resolves with its exit status. */
export async function runSlurmShell(
  fields: JobSpecInput,
  argv: readonly string[],
  host: string | null,
): Promise<number> {
  const fault = faultInFlags(fields, true);
  if (fault !== null) throw fault;
  const program = argv.length > 0 ? argv : SHELL;
  const spec = jobSpecSchema.parse({ ...fields, command: [...program] });
  const isTerminal = process.stdin.isTTY && process.stdout.isTTY;
  const [file = 'srun', ...args] = interactiveCommand(spec, program, { host, isTerminal });
  const child = spawn(file, args, { stdio: 'inherit' });
  // The key goes to the program at the other end; this one waits for it.
  const ignore = () => undefined;
  process.on('SIGINT', ignore);
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once('error', (error) => {
        const what = errorCode(error) === 'ENOENT' ? `${file}: not found on the PATH` : `${file}: ${error.message}`;
        reject(new OrreryError('ORR_FAILED', what));
      });
      child.once('exit', (code, signal) => resolve(signal === null ? (code ?? 1) : 128 + constants.signals[signal]));
    });
  } finally {
    process.off('SIGINT', ignore);
  }
}
