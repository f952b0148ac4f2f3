import type { Command } from 'commander';
import { defineCommand, jobIds } from '../command.ts';
import { ExitStatus } from '../exit-status.ts';
import { onInterrupt } from '../interrupt.ts';
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
    .argument('<job...>', 'job ids', jobIds)
    .action(async (ids: number[], options: { json?: boolean }) => {
      onInterrupt(`Stopped waiting; nothing was cancelled. To wait again: orrery wait ${ids.join(' ')}`);

      const jobs = await waitForJobs(ids, (job) => note(`Job ${job.id} (${oneLine(job.name)}) ${job.state}`));
      if (options.json === true) printJson({ jobs });
      throw new ExitStatus(exitStatusOfAll(jobs));
    });
}
