import { describe, expect, it } from 'vitest';
import { jobSpecSchema } from '../../../contract/job.ts';
import { interactiveCommand } from './interactive.ts';

const spec = jobSpecSchema.parse({
  command: ['x'],
  gpusPerNode: 2,
  cpus: 4,
  memory: '8G',
  time: '2h',
  partition: 'debug',
});

describe('interactive work on Slurm', () => {
  it('is one task on a terminal, with what the job asks for', () => {
    expect(interactiveCommand(spec, ['python3', '-i'], { host: null, isTerminal: true })).toEqual([
      'srun',
      '--job-name=shell',
      '--nodes=1',
      '--ntasks-per-node=1',
      '--cpus-per-task=4',
      '--mem=8192M',
      '--gpus-per-node=2',
      '--time=0-02:00:00',
      '--partition=debug',
      '--pty',
      'python3',
      '-i',
    ]);
  });

  it('goes through ssh with every word as it is', () => {
    const [file, ...args] = interactiveCommand(spec, ['echo', "it's", '$HOME; rm'], {
      host: 'login1',
      isTerminal: false,
    });
    expect([file, ...args.slice(0, 3)]).toEqual(['ssh', '-T', '--', 'login1']);
    expect(args[3]).toMatch(/^srun --job-name=shell .* --error=0 echo 'it'\\''s' '\$HOME; rm'$/);
  });
});
