import type { Command } from 'commander';
import type { JobName } from '../../contract/client.ts';
import { defineCommand, defineGroup, jobName } from '../command.ts';
import { connect } from '../connection.ts';
import { print, printJson } from '../output.ts';
import { renderJobDetail } from '../render/job-detail.ts';
import { renderPace } from '../render/pace-table.ts';
import { terminalOf } from '../render/terminal.ts';

export function register(program: Command): Command {
  const group = defineGroup(program, 'job', 'Show all about one job: orrery job show JOB, orrery job pace JOB.');
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
  defineCommand(group, 'pace', {
    summary:
      'Show which ranks hold up their gang (stragglers), from the busySeconds they write to ORRERY_RANK_METRICS.',
    examples: [
      ['orrery job pace 12', 'slowest ranks first'],
      ['orrery job pace 12 --json', 'all ranks, for programs'],
    ],
  })
    .argument('<job>', 'job id, or 12_3', jobName)
    .action(async (id: JobName, options: { json?: boolean }) => {
      const pace = await connect().pace(id);
      if (options.json === true) printJson(pace);
      else if (pace.ranks.length > 0) print(renderPace(pace, terminalOf(process.stdout)));
      else
        print(
          pace.attempt === 0
            ? `Job ${id} has not begun.`
            : `No rank of job ${id} has written {"busySeconds":...} to ORRERY_RANK_METRICS in attempt ${pace.attempt}.`,
        );
    });
  return group;
}
