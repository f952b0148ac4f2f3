import { beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { OwnRows } from './own-rows.ts';

const rowSchema = z.object({ job_id: z.int(), name: z.string(), user: z.string() });
type Row = z.infer<typeof rowSchema>;

const OURS: Row = { job_id: 7, name: 'x.ours-7', user: 'me' };
const OTHER: Row = { job_id: 8, name: 'y', user: 'bob' };
const MINUTE = 60_000;

let queue: Row[];
let asked: string[];
let doesFilter: boolean;
let nowMs: number;
let rows: OwnRows;
beforeEach(() => {
  [queue, asked, doesFilter, nowMs] = [[OURS, OTHER], [], true, 0];
  const run = (_program: string, args: readonly string[]) => {
    const isFiltered = args.includes('--me');
    asked.push(isFiltered ? 'ours' : 'all');
    const jobs = queue.filter(({ user }) => !isFiltered || !doesFilter || user === 'me');
    return Promise.resolve(JSON.stringify({ jobs }));
  };
  rows = new OwnRows({ commands: { run }, isOurs: (name) => name.includes('.ours-'), now: () => nowMs });
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
    expect(asked).toEqual(['ours', 'all', 'ours']);
  });

  it('are all jobs while one of ours is another user’s, which would look lost, and it is tried again after a while', async () => {
    queue.push({ job_id: 9, name: 'x.ours-9', user: 'former' });
    for (let look = 0; look < 3; look += 1) expect(await read()).toEqual([7, 8, 9]);
    expect(asked).toEqual(['ours', 'all', 'all', 'all']);
    queue.pop();
    nowMs = 11 * MINUTE;
    expect(await read()).toEqual([7, 8]);
    expect(await read()).toEqual([7]);
  });
});
