import { describe, expect, it } from 'vitest';
import { afterSchema, delayText, isAnyEnough, isSingleton, parseDependencies } from './dependency.ts';

describe('dependencies as sbatch has them', () => {
  it('are read one by one, each with its own delay', () => {
    expect(parseDependencies('afterok:1:2,afterany:3_4')).toEqual([
      { condition: 'afterok', jobId: 1, taskId: null, delayMs: 0 },
      { condition: 'afterok', jobId: 2, taskId: null, delayMs: 0 },
      { condition: 'afterany', jobId: 3, taskId: 4, delayMs: 0 },
    ]);
    expect(parseDependencies('after:1+2:3:4_5+10?singleton')).toEqual([
      { condition: 'after', jobId: 1, taskId: null, delayMs: 120_000 },
      { condition: 'after', jobId: 3, taskId: null, delayMs: 0 },
      { condition: 'after', jobId: 4, taskId: 5, delayMs: 600_000 },
    ]);
    expect(parseDependencies(undefined)).toEqual([]);
    expect([isAnyEnough('after:1?after:2'), isAnyEnough('after:1,after:2'), isAnyEnough(undefined)]).toEqual([
      true,
      false,
      false,
    ]);
    expect([isSingleton({ after: 'after:1?singleton' }), isSingleton({ after: 'after:1' })]).toEqual([true, false]);
    expect([delayText({}), delayText({ delayMs: 120_000 })]).toEqual(['', '+2']);
  });

  it.each([
    ['afterok:1,afterok:2?after:3', /^expected only "," \(all have to hold\) or only "\?" \(any one is enough\)/],
    ['afterok:1+5', /^expected a delay \("\+MINUTES"\) behind "after:ID" alone, got "afterok:1\+5"$/],
    ['after:1+0', /^expected a delay of 1 to 5270400 minutes behind "\+", got "after:1\+0"$/],
    ['after:1+5270401', /^expected a delay of 1 to 5270400 minutes/],
    ['after:1+x', /^expected "afterok:ID/],
    ['after:1+', /^expected "afterok:ID/],
    ['after', /^expected "afterok:ID/],
    ['afterok:1?', /^expected "afterok:ID/],
    ['expand:1', /^expected "afterok:ID/],
  ])('%s is refused in one line', (text, message) => {
    expect(afterSchema.safeParse(text).error?.issues.map((issue) => issue.message)).toEqual([
      expect.stringMatching(message),
    ]);
  });
});
