import type { Command } from 'commander';
import type { JobSummary } from '../contract/api.ts';
import type { JobName, OrreryClient } from '../contract/client.ts';
import { ERROR_CODES, type ErrorCode, OrreryError } from '../contract/errors.ts';
import { jobLabel } from '../contract/job-array.ts';
import { defineCommand, jobNames } from './command.ts';
import { connect } from './connection.ts';
import { ExitStatus } from './exit-status.ts';
import { isWholeArray } from './job-names.ts';
import { noteOutage } from './outage.ts';
import { note, print, printJson } from './output.ts';
import { oneLine } from './render/terminal.ts';

export interface JobAction {
  name: string;
  summary: string;
  act: (client: OrreryClient, job: JobName) => Promise<JobSummary>;
  /** Begins the human answer: `Cancelled job 12 (demo)`. */
  said: string;
  /** What it means for it that Slurm does not answer, where it is done all the same. */
  duringOutage?: string;
  examples: readonly (readonly [string, string])[];
}

interface JobFailure {
  id: JobName;
  code: ErrorCode;
  message: string;
}

/**
 * A command that does one thing to each job named. A job that refuses is said on stderr and does not keep the others from it; the exit
 * status is the highest of those that failed. Without a daemon none can be done, so that ends it.
 */
export function defineJobAction(
  program: Command,
  { name, summary, act, said, duringOutage, examples }: JobAction,
): Command {
  return defineCommand(program, name, { summary, examples })
    .argument('<job...>', 'job ids, or 12_3; the id of an array means all of its tasks', jobNames)
    .action(async (ids: JobName[], options: { json?: boolean }) => {
      const client = connect();
      const jobs: JobSummary[] = [];
      const errors: JobFailure[] = [];
      for (const id of ids) {
        try {
          const job = await act(client, id);
          jobs.push(job);
          if (options.json !== true) print(sentence(said, id, job));
        } catch (error) {
          if (ids.length === 1 || !(error instanceof OrreryError)) throw error;
          errors.push({ id, code: error.code, message: error.message });
          note(`orrery: ${error.message}`);
          if (error.code === 'ORR_UNREACHABLE') break;
        }
      }
      if (duringOutage !== undefined && jobs.length > 0) await noteOutage(client, duringOutage);
      if (options.json === true) printJson(errors.length === 0 ? { jobs } : { jobs, errors });
      if (errors.length > 0) throw new ExitStatus(Math.max(...errors.map(({ code }) => ERROR_CODES[code].exit)));
    });
}

function sentence(said: string, name: JobName, job: JobSummary): string {
  const all = isWholeArray(name, job) ? ', the tasks of the array' : '';
  return `${said} job ${all === '' ? jobLabel(job) : job.id} (${oneLine(job.name)})${all}`;
}
