import type { Command } from 'commander';
import type { JobSummary } from '../contract/api.ts';
import type { OrreryClient } from '../contract/client.ts';
import { defineCommand, jobIds } from './command.ts';
import { connect } from './connection.ts';
import { print, printJson } from './output.ts';

export interface JobAction {
  name: string;
  summary: string;
  act: (client: OrreryClient, jobId: number) => Promise<JobSummary>;
  /** Begins the human answer: `Cancelled job 12 (demo)`. */
  said: string;
  examples: readonly (readonly [string, string])[];
}

/** A command that does one thing to each job named. The first that fails ends it; those before it are done and were said. */
export function defineJobAction(program: Command, { name, summary, act, said, examples }: JobAction): Command {
  return defineCommand(program, name, { summary, examples })
    .argument('<job...>', 'job ids', jobIds)
    .action(async (ids: number[], options: { json?: boolean }) => {
      const client = connect();
      const jobs: JobSummary[] = [];
      for (const id of ids) {
        const job = await act(client, id);
        jobs.push(job);
        if (options.json !== true) print(`${said} job ${id} (${job.name})`);
      }
      if (options.json === true) printJson({ jobs });
    });
}
