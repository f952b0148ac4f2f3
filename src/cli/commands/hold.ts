import type { Command } from 'commander';
import { defineJobAction } from '../job-action.ts';

export function register(program: Command): Command {
  return defineJobAction(program, {
    name: 'hold',
    summary: 'Keep pending jobs from starting.',
    act: (client, jobId) => client.hold(jobId),
    said: 'Held',
    examples: [
      ['orrery hold 12', 'keep job 12 in the queue'],
      ['orrery hold 12 13 14', 'several at once'],
    ],
  });
}
