import { expect, it } from 'vitest';
import { OrreryError } from '../contract/errors.ts';
import { answerOf, errorOf } from './answer.ts';

it('brings what was thrown elsewhere back as what it was', async () => {
  for (const thrown of [new OrreryError('ORR_BAD_FILE', 'a.csv:2: no number'), new TypeError('a defect')]) {
    const answer = structuredClone(await answerOf(Promise.reject(thrown)));
    if (answer.kind !== 'failed') throw new Error('expected a failure');
    const error = errorOf(answer);
    expect([error.message, error.stack]).toEqual([thrown.message, thrown.stack]);
    expect(error instanceof OrreryError && error.code).toBe(thrown instanceof OrreryError && thrown.code);
  }
  expect(await answerOf(Promise.resolve(7))).toEqual({ kind: 'done', result: 7 });
});
