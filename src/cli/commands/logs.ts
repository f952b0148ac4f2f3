import type { Command } from 'commander';
import type { LogChunk } from '../../contract/api.ts';
import { defineCommand, integer, jobId } from '../command.ts';
import { followLogs } from '../follow.ts';
import { onInterrupt } from '../interrupt.ts';
import { printLogs } from '../job-logs.ts';
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
      ['orrery logs -f 12 --rank 0', 'rank 0, until the job ends'],
      ['orrery logs 12 --attempt 1 --stderr --tail 20', "the first attempt's last errors"],
    ],
  })
    .argument('<job>', 'job id', jobId)
    .option('-f, --follow', 'go on until the job has ended (with --json: one object a line)')
    .option('--attempt <n>', 'only this attempt', integer(1))
    .option('--rank <n>', 'only this rank', integer(0))
    .option('--stderr', 'only standard error')
    .option('--tail <n>', 'only the last lines of each file', integer(0))
    .action(async (id: number, options: Options) => {
      const query = {
        ...(options.follow === true ? { follow: true } : {}),
        ...(options.attempt === undefined ? {} : { attempt: options.attempt }),
        ...(options.rank === undefined ? {} : { rank: options.rank }),
        ...(options.stderr === true ? { stream: 'stderr' as const } : {}),
        ...(options.tail === undefined ? {} : { tail: options.tail }),
      };
      if (options.follow === true) onInterrupt(`The job was left alone. Back to its output: orrery logs -f ${id}`);
      if (options.json !== true) return printLogs(id, query, process.stdout);
      const chunks: LogChunk[] = [];
      await followLogs(id, query, (chunk) => (options.follow === true ? printJson(chunk) : chunks.push(chunk)));
      if (options.follow !== true) printJson({ jobId: id, chunks });
    });
}
