import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jobLabel, parseJobArray, parseJobReference } from './job-array.ts';

describe('the tasks of an array', () => {
  it.each([
    ['0-3', [0, 1, 2, 3], null, 1],
    ['7', [7], null, 1],
    ['1,3,5-7', [1, 3, 5, 6, 7], null, 1],
    ['5-7,1,6', [1, 5, 6, 7], null, 1],
    ['0-10:5', [0, 5, 10], null, 5],
    ['0-11:5%2', [0, 5, 10], 2, 5],
    ['0-9%4', [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 4, 1],
  ])('%s', (text, taskIds, runningMax, step) => {
    expect(parseJobArray(text)).toEqual({ taskIds, runningMax, step });
  });

  it.each([
    ['', 'expected tasks such as'],
    ['3-1', 'expected tasks such as'],
    ['-4', 'expected tasks such as'],
    ['0-9%', 'expected tasks such as'],
    ['1:2', 'expected tasks such as'],
    ['0-9:0', 'expected tasks such as'],
    ['1,,2', 'expected tasks such as'],
    ['0-9%0', 'expected at least 1 task at a time'],
    ['0-100000', 'expected at most 100000 tasks'],
    ['0-99999,100000', 'expected at most 100000 tasks'],
    ['4000001', 'expected task ids up to 4000000'],
  ])('%s is refused', (text, message) => {
    expect(parseJobArray(text)).toContain(message);
  });

  it('are those of the ranges, each once', () => {
    const range = fc.record({ from: fc.nat(50), length: fc.nat(20), step: fc.integer({ min: 1, max: 7 }) });
    fc.assert(
      fc.property(fc.array(range, { minLength: 1, maxLength: 5 }), (ranges) => {
        const text = ranges.map(({ from, length, step }) => `${from}-${from + length}:${step}`).join(',');
        const wanted = (taskId: number) =>
          ranges.some(
            ({ from, length, step }) => taskId >= from && taskId <= from + length && (taskId - from) % step === 0,
          );
        const expected = Array.from({ length: 80 }, (_, taskId) => taskId).filter(wanted);
        expect(parseJobArray(text)).toMatchObject({ taskIds: expected });
      }),
    );
  });
});

describe('a job as people write it', () => {
  it('is an id, or a task of an array', () => {
    expect(parseJobReference('12')).toEqual({ jobId: 12, taskId: null });
    expect(parseJobReference('12_0')).toEqual({ jobId: 12, taskId: 0 });
    for (const text of ['', '0', '12_', '_3', '12_x', '12_3_4', '-1', '1.5'])
      expect(parseJobReference(text)).toBeNull();
    expect(jobLabel({ id: 12, arrayJobId: null, arrayTaskId: null })).toBe('12');
    expect(jobLabel({ id: 15, arrayJobId: 12, arrayTaskId: 3 })).toBe('12_3');
  });
});
