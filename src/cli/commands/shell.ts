import type { Command } from 'commander';
import { readSlurmFile } from '../../daemon/slurm-file.ts';
import { defineCommand } from '../command.ts';
import { ExitStatus } from '../exit-status.ts';
import { fieldsFromOptions, type JobOptions, withFields } from '../job-options.ts';
import { homeFolder } from '../home.ts';
import { note, printJson } from '../output.ts';
import { addResourceOptions } from '../resource-options.ts';

export function register(program: Command): Command {
  const command = defineCommand(program, 'shell', {
    summary: 'A shell, or a program you type to, inside an allocation.',
    examples: [
      ['orrery shell -c 4 --mem 8G', 'a shell on one node'],
      ['orrery shell -N 1 --gpus-per-node 1 -t 2h', 'with a GPU, for two hours at most'],
      ['orrery shell -- python3 -i', 'another program than your shell'],
    ],
  });
  return addResourceOptions(command.usage('[options] [--] [COMMAND...]').argument('[words...]', 'what to run'))
    .passThroughOptions()
    .action(shell);
}

async function shell(words: string[], options: JobOptions & { json?: boolean }): Promise<void> {
  const slurm = readSlurmFile(homeFolder());
  const fields = withFields({}, fieldsFromOptions(options));
  if (slurm !== null) {
    const { runSlurmShell } = await import('../shell/slurm-shell.ts');
    throw new ExitStatus(await runSlurmShell(fields, words, slurm.host));
  }
  const { runShell } = await import('../shell/local-shell.ts');
  const { exitStatusOf } = await import('../wait.ts');
  const job = await runShell(fields, words, options.json === true ? process.stderr : process.stdout);
  const { id, name, state, exitCode } = job;
  if (options.json === true) printJson({ id, name, state, exitCode });
  else if (state !== 'COMPLETED' && state !== 'FAILED') note(`Job ${id} ${state}`);
  throw new ExitStatus(exitStatusOf(job));
}
