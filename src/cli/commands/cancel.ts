import type { Command } from 'commander';
import { defineJobAction } from '../job-action.ts';

export function register(program: Command): Command {
  return defineJobAction(program, {
    name: 'cancel',
    summary: 'End jobs: SIGTERM, then SIGKILL after 30 s; pending ones never start.',
    act: (client, jobId) => client.cancel(jobId),
    said: 'Cancelled',
    duringOutage: 'what Slurm has of it is ended once it does',
    examples: [
      ['orrery cancel 12', 'end job 12'],
      ['orrery cancel 12 13 14', 'several at once'],
    ],
  });
}
