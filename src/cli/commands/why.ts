import type { Command } from 'commander';
import { defineCommand, jobId } from '../command.ts';
import { connect } from '../connection.ts';
import { print, printJson } from '../output.ts';
import { oneLine } from '../render/terminal.ts';

export function register(program: Command): Command {
  return defineCommand(program, 'why', {
    summary: 'Say why a job waits, or how it ended, in sentences.',
    examples: [
      ['orrery why 12', 'what job 12 waits for'],
      ['orrery why 12 --json', 'the same for a program'],
    ],
  })
    .argument('<job>', 'job id', jobId)
    .action(async (id: number, options: { json?: boolean }) => {
      const why = await connect().why(id);
      if (options.json === true) return printJson(why);
      const reason = why.reason === 'None' ? '' : ` (${why.reason})`;
      print([`Job ${id} is ${why.state}${reason}`, ...why.detail.map((line) => `  ${oneLine(line)}`)].join('\n'));
    });
}
