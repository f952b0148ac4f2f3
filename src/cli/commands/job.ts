import type { Command } from 'commander';
import type { JobName } from '../../contract/client.ts';
import { defineCommand, jobName } from '../command.ts';
import { connect } from '../connection.ts';
import { print, printJson } from '../output.ts';
import { renderJobDetail } from '../render/job-detail.ts';
import { terminalOf } from '../render/terminal.ts';

export function register(program: Command): Command {
  const group = program.command('job').description('Show all about one job: orrery job show JOB.');
  defineCommand(group, 'show', {
    summary: 'Show what a job asked for, where it ran, and each of its attempts.',
    examples: [
      ['orrery job show 12', 'for people'],
      ['orrery job show 12 --json', 'for programs'],
    ],
  })
    .argument('<job>', 'job id, or 12_3', jobName)
    .action(async (id: JobName, options: { json?: boolean }) => {
      const job = await connect().job(id);
      if (options.json === true) printJson(job);
      else print(renderJobDetail(job, Date.now(), terminalOf(process.stdout)));
    });
  return group;
}
