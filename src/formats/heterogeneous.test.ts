import { expect, it } from 'vitest';
import { looksHeterogeneous } from './heterogeneous.ts';

it('is a lone colon with an option behind it', () => {
  expect(looksHeterogeneous(['hostname', ':', '-N', '2', 'hostname'])).toBe(true);
  expect(looksHeterogeneous(['sh', '-c', ': ; -x'])).toBe(false);
  expect(looksHeterogeneous(['find', '.', ':', 'x'])).toBe(false);
  expect(looksHeterogeneous([':', '-x'])).toBe(false);
});
