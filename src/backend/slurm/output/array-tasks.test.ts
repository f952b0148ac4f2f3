import { describe, expect, it } from 'vitest';
import {
  addressesOf,
  arrayKeysOf,
  eachTask,
  isListless,
  isOneOf,
  splitAddresses,
  taskAmong,
  taskList,
} from './array-tasks.ts';
import { NO_SUBMISSION } from '../mirror/mirror-job.ts';
import { slurm } from '../mirror/mirror.test-support.ts';
import { addressOf, labelOf } from './slurm-job.ts';

const waiting = (arrayTasks: string, arrayJobId = 123) =>
  eachTask(slurm({ slurmJobId: arrayJobId, arrayJobId, arrayTasks }));

describe('tasks of an array that wait together', () => {
  it('are one job each, without a number', () => {
    const tasks = waiting('4-6,9%3');
    expect(tasks.map(labelOf)).toEqual(['123_4', '123_5', '123_6', '123_9']);
    expect(tasks.map(({ slurmJobId }) => slurmJobId)).toEqual([null, null, null, null]);
  });

  it('are found where they are evenly spaced', () => {
    expect(waiting('1-898:3%2').map(({ arrayTaskId }) => arrayTaskId)).toEqual(
      Array.from({ length: 300 }, (_, place) => 1 + 3 * place),
    );
  });

  it('leave the number to the last of them', () => {
    const [last, ...more] = waiting('9%3');
    expect(more).toEqual([]);
    expect(last).toMatchObject({ slurmJobId: 123, arrayTaskId: 9 });
  });

  it('are found among the jobs that have no number, where squeue does not say which they are', () => {
    const row = { slurmJobId: 123, arrayJobId: 123 };
    const cancelled = slurm({ ...row, state: 'CANCELLED' });
    const cutOff = slurm({ ...row, arrayTasks: '1-2,5,9...%2' });
    expect([cancelled, cutOff].map(isListless)).toEqual([true, true]);
    expect([cancelled, cutOff].flatMap(eachTask)).toEqual([]);
    const others = [slurm(), slurm({ ...row, arrayTasks: '4-6' }), slurm({ ...row, arrayTaskId: 4 })];
    expect(others.map(isListless)).toEqual([false, false, false]);
    const task = taskAmong(cutOff, '123_7');
    expect(task).toMatchObject({ slurmJobId: null, arrayTaskId: 7, state: 'PENDING' });
    expect(splitAddresses(task === null ? [] : [task])).toEqual(['123_[7]']);
    expect([taskAmong(cutOff, '124_7'), taskAmong(cutOff, null)]).toEqual([null, null]);
  });

  it('are not those that have a number, or are no tasks', () => {
    const others = [slurm(), slurm({ slurmJobId: 124, arrayJobId: 123, arrayTaskId: 3 })];
    expect(others.flatMap(eachTask)).toEqual(others);
  });
});

it('is known of a task which array it is of, as long as it has no number of its own', () => {
  const name = 'sweep-2.orrery-0a1b2c3d-12+0x1-3';
  const arrays = arrayKeysOf([slurm({ slurmJobId: 124, arrayJobId: 123, arrayTaskId: 4, name }), slurm()]);
  const record = { ...NO_SUBMISSION, submission: 3, arrayTask: '123_7', arrayKey: '12+0x1' };
  expect(isOneOf(arrays, record)).toBe(true);
  const others = [
    { ...record, slurmJobId: 130 },
    { ...record, submission: 4 },
    { ...record, arrayTask: '122_7' },
    { ...record, arrayKey: '13+0x1' },
    { ...NO_SUBMISSION, submission: 1, slurmJobId: 50 },
  ];
  expect(others.map((other) => isOneOf(arrays, other))).toEqual(others.map(() => false));
});

describe('the address of a job at Slurm', () => {
  it('is its number where that is nothing else too', () => {
    expect(addressOf(slurm({ slurmJobId: 50 }))).toBe('50');
    expect(addressOf(slurm({ slurmJobId: 124, arrayJobId: 123, arrayTaskId: 3 }))).toBe('124');
    expect(addressOf(slurm({ slurmJobId: 123, arrayJobId: 123, arrayTaskId: 9 }))).toBe('123_9');
    expect(waiting('4-5').map(addressOf)).toEqual(['123_4', '123_5']);
  });

  it('is one for all that wait together', () => {
    const jobs = [...waiting('4-6,9%3').slice(1), slurm({ slurmJobId: 50 }), ...waiting('1-2', 200)];
    expect(addressesOf(jobs)).toEqual(['123_[5-6,9]', '200_[1-2]', '50']);
  });

  it('splits off those that are meant, and of all of them all but the last', () => {
    expect(splitAddresses(waiting('4-6,9%3').slice(1, 3))).toEqual(['123_[5-6]']);
    expect(splitAddresses([...waiting('4-6,9%3'), ...waiting('4-6,9%3')])).toEqual(['123_[4-6]']);
    expect(splitAddresses([slurm(), ...waiting('7')])).toEqual([]);
  });
});

it('lists tasks as ranges', () => {
  expect(taskList([0, 1, 2, 5, 7, 8])).toBe('0-2,5,7-8');
});
