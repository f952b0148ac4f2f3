import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseHostList } from './host-list.ts';

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

it('gives back any list of plain names', () => {
  const names = fc.array(fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/), { minLength: 1 });
  fc.assert(
    fc.property(names, (list) => {
      expect(parseHostList(list.join(','))).toEqual(list);
    }),
  );
});
