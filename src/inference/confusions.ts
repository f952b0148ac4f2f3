import { wilsonInterval } from '../lib/wilson.ts';

/** How many texts of a label were taken for which: `[expected, predicted, texts]`, labels by index. */
export type ConfusionCount = readonly [expected: number, predicted: number, texts: number];

/** How a classifier did on the texts of one label; shares are 0 to 1. */
export interface LabelScore {
  label: number;
  texts: number;
  /** Share of its texts that were taken for it. */
  recall: number;
  /** Share of what was taken for it that was; 0 where nothing was. */
  precision: number;
  /** Their harmonic mean; 0 where both are. */
  f1: number;
  /** What else its texts were taken for, the most frequent first. */
  takenFor: { label: number; texts: number }[];
}

export interface Scores {
  texts: number;
  /** Share of all texts that are right, and its 95 % interval by Wilson's score. */
  accuracy: { share: number; low: number; high: number };
  /** Means over the labels that have texts, each counted once. */
  macroRecall: number;
  macroF1: number;
  /** Of the labels that have texts, by their index. */
  labels: LabelScore[];
}

/** Counts of what was expected and what was said. They add up, so that several processes can share the work and say the same as one. */
export class Confusions {
  readonly #labels: number;
  /** By `expected * labels + predicted`. */
  readonly #texts = new Map<number, number>();

  constructor(labels: number) {
    this.#labels = labels;
  }

  add(expected: number, predicted: number, texts = 1): void {
    const key = expected * this.#labels + predicted;
    this.#texts.set(key, (this.#texts.get(key) ?? 0) + texts);
  }

  /** In the order of the labels. */
  counts(): ConfusionCount[] {
    return [...this.#texts]
      .sort(([left], [right]) => left - right)
      .map(([key, texts]) => [Math.floor(key / this.#labels), key % this.#labels, texts]);
  }

  /** Null where nothing was counted. */
  scores(): Scores | null {
    const perLabel = () => new Float64Array(this.#labels);
    const [expected, predicted, right] = [perLabel(), perLabel(), perLabel()];
    const takenFor = new Map<number, { label: number; texts: number }[]>();
    for (const [label, said, texts] of this.counts()) {
      expected[label]! += texts;
      predicted[said]! += texts;
      if (said === label) right[label]! += texts;
      else takenFor.set(label, [...(takenFor.get(label) ?? []), { label: said, texts }]);
    }
    const sum = (values: Iterable<number>) => [...values].reduce((total, value) => total + value, 0);
    const texts = sum(expected);
    if (texts === 0) return null;
    const labels = [...expected.keys()].flatMap((label): LabelScore[] => {
      const ofLabel = expected[label] ?? 0;
      if (ofLabel === 0) return [];
      const hits = right[label] ?? 0;
      const said = predicted[label] ?? 0;
      return [
        {
          label,
          texts: ofLabel,
          recall: hits / ofLabel,
          precision: said === 0 ? 0 : hits / said,
          // 2 p r / (p + r), as it comes from the counts.
          f1: (2 * hits) / (ofLabel + said),
          takenFor: (takenFor.get(label) ?? []).sort((a, b) => b.texts - a.texts),
        },
      ];
    });
    const hits = sum(right);
    return {
      texts,
      accuracy: { share: hits / texts, ...wilsonInterval(hits, texts) },
      macroRecall: sum(labels.map(({ recall }) => recall)) / labels.length,
      macroF1: sum(labels.map(({ f1 }) => f1)) / labels.length,
      labels,
    };
  }
}
