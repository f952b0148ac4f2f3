import type { Command } from 'commander';
import type { JobName } from '../../contract/client.ts';
import { jobLabel } from '../../contract/job-array.ts';
import { defineCommand, jobNames } from '../command.ts';
import { connect } from '../connection.ts';
import { ExitStatus } from '../exit-status.ts';
import { onInterrupt } from '../interrupt.ts';
import { jobIdsOf } from '../job-names.ts';
import { note, printJson } from '../output.ts';
import { oneLine } from '../render/terminal.ts';
import { exitStatusOfAll, waitForJobs } from '../wait.ts';

export function register(program: Command): Command {
  return defineCommand(program, 'wait', {
    summary: "Wait until jobs have ended; exit with the job's own code, of several with the first that is not 0.",
    examples: [
      ['orrery wait 12', 'until job 12 has ended'],
      ['orrery wait 12 13 && orrery run -- python3 report.py', 'go on only if both completed'],
    ],
  })
    .argument('<job...>', 'job ids; that of an array means all of its tasks', jobNames)
    .action(async (names: JobName[], options: { json?: boolean }) => {
      onInterrupt(`Stopped waiting; nothing was cancelled. To wait again: orrery wait ${names.join(' ')}`);
      const ids = await jobIdsOf(connect(), names);
      const jobs = await waitForJobs(ids, (job) => note(`Job ${jobLabel(job)} (${oneLine(job.name)}) ${job.state}`));
      if (options.json === true) printJson({ jobs });
      throw new ExitStatus(exitStatusOfAll(jobs));
    });
}
