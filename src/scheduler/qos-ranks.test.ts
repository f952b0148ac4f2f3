import { describe, expect, it } from 'vitest';
import { QosRanks } from './qos-ranks.ts';

const QOS = [
  { name: 'normal' },
  { name: 'low' },
  { name: 'high', preempts: ['low'] },
  { name: 'urgent', preempts: ['normal', 'low', 'high'] },
];

function ranksOf(qos: ConstructorParameters<typeof QosRanks>[0], ...used: string[]): number[] {
  const ranks = new QosRanks(qos);
  for (const name of used) ranks.use(name);
  return used.map((name) => ranks.of(name));
}

describe('the order of QOS that preempt each other', () => {
  it('is by preemption where that tells every pair apart', () => {
    expect(ranksOf(QOS, 'low', 'high')).toEqual([0, 1]);
    expect(ranksOf(QOS, 'low', 'high', 'urgent')).toEqual([0, 1, 2]);
  });

  it('is by tier and priority among QOS of which one stands between others by these alone', () => {
    expect(ranksOf(QOS, 'low', 'normal', 'high')).toEqual([0, 0, 0]);
    expect(ranksOf(QOS, 'normal', 'high')).toEqual([0, 0]);
    expect(ranksOf(QOS, 'low', 'normal', 'high', 'urgent')).toEqual([0, 0, 0, 1]);
  });

  it('is by tier and priority in a circle', () => {
    const circle = [
      { name: 'a', preempts: ['b'] },
      { name: 'b', preempts: ['c'] },
      { name: 'c', preempts: ['a'] },
      { name: 'd', preempts: ['a', 'b', 'c'] },
    ];
    expect(ranksOf(circle, 'a', 'b', 'c', 'd')).toEqual([0, 0, 0, 1]);
  });

  it('is by tier and priority where nobody preempts anybody', () => {
    const ranks = new QosRanks([{ name: 'a' }, { name: 'b' }]);
    expect([ranks.use('a'), ranks.use('b'), ranks.of('a')]).toEqual([false, false, 0]);
  });
});
