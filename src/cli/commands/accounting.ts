import { type Command, Option } from 'commander';
import { defineCommand } from '../command.ts';
import { connect } from '../connection.ts';
import { print, printJson } from '../output.ts';
import { renderAccounting } from '../render/accounting-table.ts';
import { terminalOf } from '../render/terminal.ts';

export function register(program: Command): Command {
  return defineCommand(program, 'accounting', {
    summary: 'GPU-hours, node failures and ETTR (productive run time / time scheduled or queued) by job or account.',
    examples: [
      ['orrery accounting', 'by account'],
      ['orrery accounting --by job --json', 'each job, for programs'],
    ],
  })
    .addOption(new Option('--by <key>', 'what one row is').choices(['account', 'job']).default('account'))
    .action(async (options: { by: 'account' | 'job'; json?: boolean }) => {
      const rows = await connect().accounting(options.by);
      if (options.json === true) printJson({ rows });
      else if (rows.length === 0) print('Nothing ran yet. Submit a job: orrery run --follow -- hostname');
      else print(renderAccounting(rows, options.by, terminalOf(process.stdout)));
    });
}
