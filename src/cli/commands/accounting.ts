import { ACCOUNTING_KEYS, type AccountingKey } from '../../contract/api.ts';
import { type Command, Option } from 'commander';
import { defineCommand } from '../command.ts';
import { connect } from '../connection.ts';
import { print, printJson } from '../output.ts';
import { renderAccounting } from '../render/accounting-table.ts';
import { renderShares } from '../render/priority-table.ts';
import { terminalOf } from '../render/terminal.ts';

export function register(program: Command): Command {
  return defineCommand(program, 'accounting', {
    summary:
      'GPU-hours, those lost, node failures, preemptions and ETTR (productive run time / time scheduled or queued) by job, user or account; or shares.',
    examples: [
      ['orrery accounting', 'by account'],
      ['orrery accounting --by user', 'by whose jobs they were'],
      ['orrery accounting --by job --json', 'each job, for programs'],
      ['orrery accounting --shares', 'fair-share of each user: promised, used, and the factor that follows'],
    ],
  })
    .addOption(new Option('--by <key>', 'what one row is').choices(ACCOUNTING_KEYS).default('account'))
    .option('--shares', 'fair-share instead')
    .action(async (options: { by: AccountingKey; shares?: boolean; json?: boolean }) => {
      if (options.shares === true) return showShares(options.json === true);
      const rows = await connect().accounting(options.by);
      if (options.json === true) printJson({ rows });
      else if (rows.length === 0) print('Nothing ran yet. Submit a job: orrery run --follow -- hostname');
      else print(renderAccounting(rows, options.by, terminalOf(process.stdout)));
    });
}

async function showShares(isJson: boolean): Promise<void> {
  const shares = await connect().shares();
  if (isJson) return printJson({ shares });
  if (shares.length === 0)
    print('No user has a share yet: they get one with their first job, or in the policy (users).');
  else print(renderShares(shares, terminalOf(process.stdout)));
}
