import { describe, expect, it } from 'vitest';
import { exitStatusOf, exitStatusOfAll } from './wait.ts';

describe('exit status of a job', () => {
  it.each([
    ['COMPLETED', 0, 0],
    ['FAILED', 3, 3],
    ['FAILED', 137, 137],
    ['TIMEOUT', 0, 1],
    ['CANCELLED', null, 1],
    ['NODE_FAIL', null, 1],
    ['OUT_OF_MEMORY', 137, 137],
    ['FAILED', 4242, 255],
  ] as const)('%s with exit code %s is %i', (state, exitCode, status) => {
    expect(exitStatusOf({ state, exitCode })).toBe(status);
  });

  it('of several is that of the first that did not complete', () => {
    const completed = { state: 'COMPLETED', exitCode: 0 } as const;
    expect(exitStatusOfAll([completed, completed])).toBe(0);
    expect(exitStatusOfAll([completed, { state: 'FAILED', exitCode: 7 }, { state: 'FAILED', exitCode: 9 }])).toBe(7);
  });
});
