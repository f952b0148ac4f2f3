import { expect, it } from 'vitest';
import { nothingWritten } from './job-logs.ts';

it('tells why there is no output', () => {
  const job = { id: 7, reason: 'None', attempt: 1 } as const;
  expect(nothingWritten({ ...job, state: 'COMPLETED' }, false)).toBe('note: job 7 (COMPLETED) wrote nothing');
  expect(nothingWritten({ ...job, state: 'RUNNING' }, false)).toBe('note: job 7 (RUNNING) has written nothing yet');
  expect(nothingWritten({ ...job, state: 'CANCELLED', attempt: 0 }, false)).toBe('note: job 7 (CANCELLED) never ran');
  expect(nothingWritten({ ...job, state: 'FAILED' }, true)).toBe(
    'note: job 7 (FAILED) wrote nothing of what was asked for',
  );
  const task = { arrayJobId: 5, arrayTaskId: 2 };
  expect(nothingWritten({ ...job, ...task, state: 'PENDING', reason: 'Priority', attempt: 0 }, false)).toBe(
    'note: job 5_2 is PENDING (Priority) and has written nothing; more: orrery why 5_2',
  );
});
