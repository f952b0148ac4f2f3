import { describe, expect, it } from 'vitest';
import { hostList } from './host-list.ts';

describe('hostList', () => {
  it.each([
    [[], ''],
    [['n1'], 'n1'],
    [['n3', 'n1', 'n2'], 'n[1-3]'],
    [['n1', 'n3', 'n4', 'n10'], 'n[1,3-4,10]'],
    [['dgx07', 'dgx08', 'login'], 'dgx[07-08],login'],
    [['n9', 'n09'], 'n09,n9'],
  ])('%j is %s', (names, short) => {
    expect(hostList(names)).toBe(short);
  });
});
