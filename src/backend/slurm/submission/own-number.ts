import { OrreryError } from '../../../contract/errors.ts';
import type { SlurmCommands } from '../slurm-commands.ts';

/**
 * Throws ORR_CONFLICT where Slurm has something else under this address by now: a slurmctld that lost its state, or has come to `MaxJobId`, gives numbers
 * again, and most of what `scontrol` is told goes by them alone. `isIt`: by the name and the folder of what is there. What was given the number in the
 * moment between this and the call that follows is not seen.
 */
export async function expectOwn(
  commands: Pick<SlurmCommands, 'run'>,
  address: string,
  isIt: (name: string, folder: string) => boolean,
): Promise<void> {
  // All tasks of an array have one name and one folder.
  const [number = ''] = address.split('_');
  const rows = await commands.run('squeue', ['--noheader', '--states=all', `--jobs=${number}`, '--format=%j|%Z']);
  const lines = rows.split('\n').filter((line) => line !== '');
  const isOwn = lines.every((line) => {
    // No name of ours has a bar in it.
    const [name = '', ...folder] = line.split('|');
    return isIt(name, folder.join('|'));
  });
  if (isOwn && lines.length > 0) return;
  const what = lines.length === 0 ? 'knows no job' : 'has another job';
  throw new OrreryError('ORR_CONFLICT', `Slurm ${what} under the number ${address} now: try again in a moment`);
}
