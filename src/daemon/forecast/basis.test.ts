import { expect, it } from 'vitest';
import { lastLines } from './basis.ts';

it('keeps the header of a table and its last whole lines', () => {
  const table = 'id|state\n1|a\n22|b\n333|c\n';
  expect(lastLines(table, 100)).toBe(table);
  expect(lastLines(table, 6)).toBe('id|state\n333|c\n');
  expect(lastLines(table, 10)).toBe('id|state\n333|c\n');
  expect(lastLines(table, 11)).toBe('id|state\n22|b\n333|c\n');
  expect(lastLines(table, 15)).toBe('id|state\n1|a\n22|b\n333|c\n');
  expect(lastLines('id|state\n', 3)).toBe('id|state\n');
});
