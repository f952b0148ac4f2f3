import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { formatHostList, NODES_MAX, parseHostList } from './host-list.ts';

it.each([
  ['n1', ['n1']],
  ['n1,n2', ['n1', 'n2']],
  ['dgx-[001-003,7]', ['dgx-001', 'dgx-002', 'dgx-003', 'dgx-7']],
  ['r[1-2]n[1-2]', ['r1n1', 'r1n2', 'r2n1', 'r2n2']],
  ['a[9-11],b', ['a9', 'a10', 'a11', 'b']],
])('%s stands for %j', (text, names) => {
  expect(parseHostList(text)).toEqual(names);
});

it.each(['', 'n1,', 'n[1', 'n1]', 'n[]', 'n[3-1]', 'n[a-b]', 'n[1-99999999]'])(
  '%j is malformed or too long',
  (text) => {
    expect(parseHostList(text)).toBeUndefined();
  },
);

it('takes as many names as the largest clusters have', () => {
  expect(parseHostList('n[1-1000000]', NODES_MAX)).toHaveLength(1_000_000);
});

it('gives back any list of plain names', () => {
  const names = fc.array(fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/), { minLength: 1 });
  fc.assert(
    fc.property(names, (list) => {
      expect(parseHostList(list.join(','))).toEqual(list);
    }),
  );
});

it.each([
  [['n1'], 'n1'],
  [['n1', 'n2', 'n3', 'n5'], 'n[1-3,5]'],
  [['n008', 'n009', 'n010'], 'n[008-010]'],
  [['n9', 'n10', 'n9'], 'n[9-10,9]'],
  [['r1n1', 'r1n2', 'r2n1', 'login'], 'r1n[1-2],r2n1,login'],
])('%j is written as %s', (names, text) => {
  expect(formatHostList(names)).toBe(text);
});

it('reads as the names that it was written from, in their order', () => {
  const name = fc
    .tuple(fc.constantFrom('n', 'gpu-', 'r1n', ''), fc.constantFrom('', '0', '00', 'x'), fc.nat(120))
    .map(([prefix, middle, number]) => `a${prefix}${middle}${number}`);
  fc.assert(
    fc.property(fc.array(name, { minLength: 1, maxLength: 40 }), (list) => {
      const ordered = [...list, ...list.toSorted()];
      expect(parseHostList(formatHostList(ordered))).toEqual(ordered);
    }),
  );
});
