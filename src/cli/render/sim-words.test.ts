import { describe, expect, it } from 'vitest';
import { digits, percent, reservationFacts, shortTime } from './sim-words.ts';

describe('figures in words', () => {
  it('say which nodes are reserved and when, of many the first few', () => {
    const repair = { name: 'repair', nodes: 1, startSeconds: 0, endSeconds: 90 };
    const others = Array.from({ length: 9 }, (_, index) => ({ ...repair, name: `other${index}`, nodes: 4 }));
    expect(reservationFacts([repair])).toEqual([['reservation repair', '1 node, 0 s to 90 s']]);
    const facts = reservationFacts([repair, ...others]);
    expect(facts.slice(-2)).toEqual([
      ['reservation other6', '4 nodes, 0 s to 90 s'],
      ['more reservations', '2'],
    ]);
    expect(reservationFacts([])).toEqual([]);
  });

  it('say times in the unit a reader thinks in', () => {
    const seconds = [0, 0.0123, 4.25, 59, 720, 5400, 32_760, 200_000, 8e6, 24_935 * 86_400, -720];
    expect(seconds.map(shortTime)).toEqual([
      '0 s',
      '12 ms',
      '4.3 s',
      '59 s',
      '12 min',
      '90 min',
      '9.1 h',
      '2.3 d',
      '93 d',
      '68 y',
      '-12 min',
    ]);
  });

  it('keep two digits that count', () => {
    expect([0, 0.0123, 0.62, 9.14, 9.96, 12_345.6].map(digits)).toEqual(['0', '0.012', '0.62', '9.1', '10', '12,346']);
  });

  it('say shares as percent', () => {
    expect([0, 0.0004, 0.83123, 1].map(percent)).toEqual(['0.0 %', '0.04 %', '83.1 %', '100.0 %']);
    expect([2.1e-7, 9.9e-5, 1e-4, -2.1e-7, -0.0004].map(percent)).toEqual([
      '< 0.01 %',
      '< 0.01 %',
      '0.01 %',
      '> -0.01 %',
      '-0.04 %',
    ]);
  });
});
