import { describe, expect, it } from 'vitest';
import { noNewsWords } from './sim-sentences.ts';

const SEEDS = [1, 2, 3, 4];

/** So many measures, of which so many have intervals without 0. */
function measures(count: number, beyond: number): Parameters<typeof noNewsWords>[1] {
  return Array.from({ length: count }, (_, index) => {
    const low = index < beyond ? 1 : -1;
    return { pairs: 4, base: 5, variant: 7, difference: 2, interval: { low, high: 3 }, pValue: 0.04 };
  });
}

describe('where no difference is clear', () => {
  it('is said to be none, where as many intervals leave out 0 as chance makes', () => {
    const words = noNewsWords({ isDrawn: true, seeds: SEEDS }, measures(60, 6));
    expect(words).toBe('no difference that 4 seeds tell from chance');
  });

  it('is said to be something that more seeds would tell, where more do', () => {
    const words = noNewsWords({ isDrawn: true, seeds: SEEDS }, measures(60, 17));
    expect(words).toBe(
      'no difference that 4 seeds tell from chance, all measures taken together; yet 17 of their 60 intervals leave out 0, and chance makes 3: more seeds (--seeds 8) would tell',
    );
  });
});
