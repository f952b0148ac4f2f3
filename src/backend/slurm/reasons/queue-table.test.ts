import { describe, expect, it } from 'vitest';
import { parseQueueTable, QueueTable } from './queue-table.ts';
import { SlurmFailure } from '../slurm-failure.ts';

/** As 22.05 prints them. */
const TABLE = `3|0-9%2|me|main,spare|PENDING|Resources|4294901757|2|N/A|
4|0,3,6,9|games|main|PENDING|JobHeldUser|0|2|N/A|
1|N/A|games|main|RUNNING|None|4294901759|1|NONE|s1
2|N/A|me|main|RUNNING|None|4294901758|2|1795709896|s[2,4]
`;

describe('the table of all that wait and run', () => {
  it('is read as squeue prints it', () => {
    const [array, held, endless, running, ...others] = parseQueueTable(TABLE);
    expect(others).toEqual([]);
    expect(array).toEqual({
      slurmJobId: 3,
      tasks: 10,
      user: 'me',
      partitions: ['main', 'spare'],
      isRunning: false,
      reason: 'Resources',
      priority: 4_294_901_757,
      nodeCount: 2,
      nodeList: '',
      endMs: null,
    });
    expect(held).toMatchObject({ tasks: 4, priority: 0 });
    expect(endless).toMatchObject({ isRunning: true, tasks: 1, nodeList: 's1', endMs: null });
    expect(running).toMatchObject({ nodeCount: 2, nodeList: 's[2,4]', endMs: 1_795_709_896_000 });
    expect(
      parseQueueTable('5|3|me|main|RUNNING|None|1|1|N/A|s1\n6|1,5-9:2|me|main|PENDING|Priority|1|1|N/A|'),
    ).toMatchObject([{ tasks: 1 }, { tasks: 4 }]);
    expect(parseQueueTable('slurm_load_jobs error: Unable to contact\n\nx|y\n')).toEqual([]);
  });

  it('is asked for when somebody wants it, not again within seconds, and stays what it was while Slurm does not answer', async () => {
    let nowMs = 0;
    let answer: string | null = TABLE;
    const asked: number[] = [];
    const run = async () => {
      asked.push(nowMs);
      if (answer === null) throw new SlurmFailure('unreachable', 'away');
      return answer;
    };
    const table = new QueueTable({ run }, () => nowMs);
    expect(asked).toEqual([]);
    expect(await Promise.all([table.read(), table.read()])).toMatchObject([{ length: 4 }, { length: 4 }]);
    nowMs = 6000;
    answer = null;
    expect(await table.read()).toHaveLength(4);
    nowMs = 12_000;
    answer = '';
    expect(await table.read()).toHaveLength(0);
    expect(asked).toEqual([0, 6000, 12_000]);
  });
});
