import type { Command } from 'commander';
import { defineJobAction } from '../job-action.ts';

export function register(program: Command): Command {
  return defineJobAction(program, {
    name: 'release',
    summary: 'Let held jobs start.',
    act: (client, jobId) => client.release(jobId),
    said: 'Released',
    examples: [
      ['orrery release 12', 'job 12 may start again'],
      ['orrery release 12 13 14', 'several at once'],
    ],
  });
}
