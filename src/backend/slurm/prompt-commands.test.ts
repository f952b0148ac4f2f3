import { expect, it } from 'vitest';
import { promptCommands } from './prompt-commands.ts';
import { SlurmFailure } from './slurm-failure.ts';

it('what somebody waits for fails at once while Slurm is away, and for no other reason', async () => {
  let lastFailure: unknown = null;
  const { run } = promptCommands({ run: async (program, args) => [program, ...args].join(' ') }, () => lastFailure);
  expect(await run('sshare', ['-alP'])).toBe('sshare -alP');
  lastFailure = new SlurmFailure('unreachable', 'squeue: connect failure: more', 'connect failure');
  await expect(run('sshare', ['-alP'])).rejects.toMatchObject({
    code: 'ORR_UNREACHABLE',
    kind: 'unreachable',
    message:
      'Slurm does not answer (connect failure): try again once it does; jobs run on and are caught up with once it answers',
  });
  // squeue's answer may be none that is understood, and Slurm all there.
  lastFailure = new SlurmFailure('unclear', 'squeue: printed more than 512 MiB');
  expect(await run('scontrol', ['uhold', '5'])).toBe('scontrol uhold 5');
});
