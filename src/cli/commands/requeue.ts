import type { Command } from 'commander';
import { defineJobAction } from '../job-action.ts';

export function register(program: Command): Command {
  return defineJobAction(program, {
    name: 'requeue',
    summary: 'Put jobs back in the queue under their ids; running ones are ended first.',
    act: (client, jobId) => client.requeue(jobId),
    said: 'Requeued',
    examples: [
      ['orrery requeue 12', 'run job 12 again, as it was submitted'],
      ['orrery requeue 12 13 14', 'several at once'],
    ],
  });
}
