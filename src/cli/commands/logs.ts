import type { Command } from 'commander';
import type { JobName } from '../../contract/client.ts';
import { OrreryError } from '../../contract/errors.ts';
import { jobLabel } from '../../contract/job-array.ts';
import type { LogChunk } from '../../contract/api.ts';
import { defineCommand, integer, jobName } from '../command.ts';
import { connect } from '../connection.ts';
import { followLogs } from '../follow.ts';
import { onInterrupt } from '../interrupt.ts';
import { printLogs } from '../job-logs.ts';
import { isWholeArray } from '../job-names.ts';
import { printJson } from '../output.ts';

interface Options {
  follow?: boolean;
  attempt?: number;
  rank?: number;
  stderr?: boolean;
  tail?: number;
  json?: boolean;
}

export function register(program: Command): Command {
  return defineCommand(program, 'logs', {
    summary: 'Print what a job wrote: all attempts in order; lines of several ranks are labelled "rank: ".',
    examples: [
      ['orrery logs 12', 'all of it'],
      ['orrery logs 12_3', 'of task 3 of array 12'],
      ['orrery logs -f 12 --rank 0', 'rank 0, until the job ends'],
      ['orrery logs 12 --attempt 1 --stderr --tail 20', "the first attempt's last errors"],
    ],
  })
    .argument('<job>', 'job id, or 12_3', jobName)
    .option('-f, --follow', 'go on until the job has ended (with --json: one object a line)')
    .option('--attempt <n>', 'only this attempt', integer(1))
    .option('--rank <n>', 'only this rank', integer(0))
    .option('--stderr', 'only standard error')
    .option('--tail <n>', 'only the last lines of each file', integer(0))
    .action(async (id: JobName, options: Options) => {
      const query = {
        ...(options.follow === true ? { follow: true } : {}),
        ...(options.attempt === undefined ? {} : { attempt: options.attempt }),
        ...(options.rank === undefined ? {} : { rank: options.rank }),
        ...(options.stderr === true ? { stream: 'stderr' as const } : {}),
        ...(options.tail === undefined ? {} : { tail: options.tail }),
      };
      const jobId = await jobOfLogs(id);
      if (options.follow === true) onInterrupt(`The job was left alone. Back to its output: orrery logs -f ${id}`);
      if (options.json !== true) return printLogs(jobId, query, process.stdout);
      const chunks: LogChunk[] = [];
      await followLogs(jobId, query, (chunk) => (options.follow === true ? printJson(chunk) : chunks.push(chunk)));
      if (options.follow !== true) printJson({ jobId, chunks });
    });
}

async function jobOfLogs(name: JobName): Promise<number> {
  const job = await connect().job(name);
  if (!isWholeArray(name, job)) return job.id;
  throw new OrreryError('ORR_USAGE', `job ${name} is an array: name one of its tasks, such as ${jobLabel(job)}`);
}
