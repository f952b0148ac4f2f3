import { describe, expect, it } from 'vitest';
import { Confusions } from './confusions.ts';

describe('confusions', () => {
  it('scores three labels as by hand', () => {
    const confusions = new Confusions(4);
    // Of 4 texts of label 0 three are right, one is taken for 2; of 2 of label 2 one is right, one is taken for 3; nobody expects 3.
    confusions.add(0, 0, 3);
    confusions.add(0, 2);
    confusions.add(2, 2);
    confusions.add(2, 3);
    const scores = confusions.scores();
    expect(scores).toMatchObject({ texts: 6, accuracy: { share: 4 / 6 } });
    expect(scores?.labels).toEqual([
      { label: 0, texts: 4, recall: 0.75, precision: 1, f1: 6 / 7, takenFor: [{ label: 2, texts: 1 }] },
      { label: 2, texts: 2, recall: 0.5, precision: 0.5, f1: 0.5, takenFor: [{ label: 3, texts: 1 }] },
    ]);
    expect(scores?.macroRecall).toBeCloseTo(0.625, 12);
    expect(scores?.macroF1).toBeCloseTo((6 / 7 + 0.5) / 2, 12);
  });

  it('names the most frequent confusion first', () => {
    const confusions = new Confusions(3);
    confusions.add(0, 1);
    confusions.add(0, 2, 5);
    expect(confusions.scores()?.labels[0]?.takenFor).toEqual([
      { label: 2, texts: 5 },
      { label: 1, texts: 1 },
    ]);
  });

  it('says the same of parts put together as of the whole', () => {
    const pairs = Array.from({ length: 500 }, (_, index) => [(index * 7) % 11, (index * index) % 11] as const);
    const whole = new Confusions(11);
    for (const [expected, predicted] of pairs) whole.add(expected, predicted);
    const together = new Confusions(11);
    for (const share of [0, 1, 2]) {
      const part = new Confusions(11);
      for (const [expected, predicted] of pairs.filter((_, index) => index % 3 === share))
        part.add(expected, predicted);
      for (const [expected, predicted, texts] of part.counts()) together.add(expected, predicted, texts);
    }
    expect(together.counts()).toEqual(whole.counts());
    expect(together.scores()).toEqual(whole.scores());
  });

  it('has no scores of nothing', () => {
    expect(new Confusions(2).scores()).toBe(null);
  });
});
