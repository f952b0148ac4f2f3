import { expect, it } from 'vitest';
import { errorLine, errorMessage } from './error-message.ts';

it.each<[unknown, string, string]>([
  [new Error('one\ntwo'), 'one\ntwo', 'one'],
  [new TypeError(''), '', 'TypeError'],
  [new Error('\n  \nlast'), '\n  \nlast', 'last'],
  ['thrown as text', 'thrown as text', 'thrown as text'],
  [undefined, 'undefined', 'undefined'],
])('says what was thrown: %s', (error, message, line) => {
  expect([errorMessage(error), errorLine(error)]).toEqual([message, line]);
});
