import { expect, it } from 'vitest';
import { grouped } from './grouped.ts';

it('puts those of a key together, where the first of them is, and leaves those without one alone', () => {
  const list = [1, 20, 3, 21, 30, 5, 22];
  const tensOf = (one: number) => (one < 10 ? undefined : Math.floor(one / 10));
  expect(grouped(list, tensOf)).toEqual([[1], [20, 21, 22], [3], [30], [5]]);
  expect(grouped([], tensOf)).toEqual([]);
});
