import { expect, it } from 'vitest';
import { nameEnd } from '../batch/job-key.ts';
import { expectOwn } from './own-number.ts';

const END = nameEnd('0a1b2c3d', 12, { arrayKey: '12+0x1', submission: 2 });

/** Asks about `address` where squeue prints these lines; gives what squeue was asked. */
async function asked(address: string, lines: string): Promise<string> {
  let said = '';
  const commands = {
    run: (_program: string, args: readonly string[]) => {
      said = args.join(' ');
      return Promise.resolve(lines);
    },
  };
  await expectOwn(commands, address, (name, folder) => name.endsWith(END) || folder === '/jobs/12');
  return said;
}

it('takes a number for the job only while what Slurm has there bears its name, or runs in its folder', async () => {
  const own = `train.orrery-0a1b2c3d-12+0x1-2|/jobs/12\n`;
  expect(await asked('90_[3-4]', own + own)).toBe('--noheader --states=all --jobs=90 --format=%j|%Z');
  expect(await asked('90', 'renamed|/jobs/12\n')).toMatch(/jobs=90/);
  await expect(asked('90', '')).rejects.toThrow('Slurm knows no job under the number 90 now: try again in a moment');
  const others = 'Slurm has another job under the number 90 now: try again in a moment';
  await expect(asked('90', 'theirs|/home/them\n')).rejects.toThrow(others);
  // Of the same home: another job, an earlier submission, and a name that only looks alike.
  for (const name of ['a.orrery-0a1b2c3d-11-2', 'a.orrery-0a1b2c3d-12+0x1-1', `${END.slice(1)}x`])
    await expect(asked('90', `${name}|/elsewhere\n`)).rejects.toThrow(others);
});
