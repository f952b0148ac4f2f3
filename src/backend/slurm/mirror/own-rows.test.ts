import { beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { OwnRows } from './own-rows.ts';

const rowSchema = z.object({ job_id: z.int(), name: z.string(), user_name: z.string() });
type Row = z.infer<typeof rowSchema>;

const OURS: Row = { job_id: 7, name: 'x.ours-7', user_name: 'me' };
const OTHER: Row = { job_id: 8, name: 'y', user_name: 'bob' };
const MINUTE = 60_000;

let queue: Row[];
let asked: string[];
let doesFilter: boolean;
let nowMs: number;
let fault: string | null;
let rows: OwnRows;
beforeEach(() => {
  [queue, asked, doesFilter, nowMs, fault] = [[OURS, OTHER], [], true, 0, null];
  const run = (_program: string, args: readonly string[]) => {
    const isFiltered = args.includes('--me');
    const isJson = args.includes('--json');
    asked.push(isJson ? (isFiltered ? 'ours' : 'all') : 'lines');
    const jobs = queue.filter(({ user_name: user }) => !isFiltered || (isJson && !doesFilter) || user === 'me');
    if (isJson && fault !== null) return Promise.resolve(fault);
    return Promise.resolve(isJson ? JSON.stringify({ jobs }) : jobs.map(({ name }) => `${name}\n`).join(''));
  };
  const isOurs = (name: string) => name.includes('.ours-');
  rows = new OwnRows({ commands: { run }, isOurs, user: 'me', now: () => nowMs });
});
const read = async () => (await rows.read()).map((row) => rowSchema.parse(row).job_id);

describe('what is asked of squeue at a look', () => {
  it('are the jobs of our user alone, once ours have been seen to be among them', async () => {
    expect(await read()).toEqual([7, 8]);
    expect(await read()).toEqual([7]);
    expect(asked).toEqual(['ours', 'all', 'ours']);
  });

  it('is the same where Slurm lists everybody whatever is asked', async () => {
    doesFilter = false;
    expect(await read()).toEqual([7, 8]);
    expect(await read()).toEqual([7, 8]);
    expect(asked).toEqual(['ours', 'ours']);
  });

  it('are all jobs while one of ours is another user’s, which would look lost, and it is tried again after a while', async () => {
    queue.push({ job_id: 9, name: 'x.ours-9', user_name: 'former' });
    for (let look = 0; look < 3; look += 1) expect(await read()).toEqual([7, 8, 9]);
    expect(asked).toEqual(['ours', 'all', 'all', 'all']);
    queue.pop();
    nowMs = 11 * MINUTE;
    expect(await read()).toEqual([7, 8]);
    expect(await read()).toEqual([7]);
  });

  describe('where Slurm lists everybody and they are many', () => {
    const crowd = Array.from({ length: 600 }, (_, index) => ({ ...OTHER, job_id: 1000 + index }));
    beforeEach(() => {
      [queue, doesFilter] = [[OURS, ...crowd], false];
    });

    it('are lines of our jobs first, and everything again only where those have changed', async () => {
      await read();
      for (let look = 0; look < 3; look += 1) expect(await read()).toEqual([7]);
      queue.push({ ...OURS, job_id: 10, name: 'x.ours-10' });
      for (let look = 0; look < 2; look += 1) expect(await read()).toEqual([7, 10]);
      expect(asked.slice(1)).toEqual(['lines', 'ours', 'lines', 'lines', 'lines', 'ours', 'lines']);
      // They have gone home.
      queue = [OURS];
      await read();
      expect(await read()).toEqual([7]);
      expect(asked.slice(8)).toEqual(['lines', 'ours', 'ours']);
    });

    it('is everything while one of ours is another user’s, of whom lines would not tell', async () => {
      queue.push({ job_id: 9, name: 'x.ours-9', user_name: 'former' });
      await read();
      expect(await read()).toContain(9);
      expect(asked.slice(1)).toEqual(['ours']);
    });

    it('is everything again after an answer that was none', async () => {
      await read();
      await read();
      queue[0] = { ...OURS, name: 'y.ours-7' };
      fault = 'slurm_load_jobs error';
      await expect(read()).rejects.toThrow('not JSON');
      fault = null;
      await read();
      expect(asked.slice(3)).toEqual(['lines', 'ours', 'lines', 'ours']);
    });
  });
});
