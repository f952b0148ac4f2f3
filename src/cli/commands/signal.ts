import type { Command } from 'commander';
import type { JobName } from '../../contract/client.ts';
import { defineCommand, jobName } from '../command.ts';
import { connect } from '../connection.ts';
import { print, printJson } from '../output.ts';
import { oneLine } from '../render/terminal.ts';

export function register(program: Command): Command {
  return defineCommand(program, 'signal', {
    summary: "Send a signal to the main process of each of a running job's ranks.",
    examples: [
      ['orrery signal 12 USR1', 'ask job 12 for a checkpoint, if it listens'],
      ['orrery signal 12 STOP', 'pause it'],
    ],
  })
    .argument('<job>', 'job id, or 12_3', jobName)
    .argument('<signal>', 'USR1, USR2, TERM, STOP, CONT, ...')
    .action(async (id: JobName, signal: string, options: { json?: boolean }) => {
      const job = await connect().signal(id, signal);
      if (options.json === true) printJson({ job });
      else print(`Sent ${signal} to job ${id} (${oneLine(job.name)})`);
    });
}
