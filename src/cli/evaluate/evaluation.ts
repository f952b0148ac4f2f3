import type { Scores } from '../../inference/confusions.ts';
import type { LanguageLabel } from '../../inference/language-model.ts';
import type { BadLine } from './evaluate-share.ts';

/** How well a model names the languages of labelled texts. Shares are 0 to 1. */
export interface Evaluation {
  model: string;
  /** Languages that it knows. */
  modelLanguages: number;
  files: readonly string[];
  /** Of each text only so many code points; null: all. */
  firstCharacters: number | null;
  texts: number;
  /** Share of the texts that are right, with its 95 % interval. */
  accuracy: { share: number; low: number; high: number };
  /** Means over the languages that have texts, each counted once. */
  macroAccuracy: number;
  macroF1: number;
  languages: LanguageScore[];
  /** Labels that the model does not know, the most frequent first: their texts count nowhere. */
  unknownLabels: { label: string; texts: number }[];
  badLines: number;
  firstBad: readonly BadLine[];
}

export interface LanguageScore {
  code: string;
  name: string;
  texts: number;
  recall: number;
  precision: number;
  f1: number;
  /** The most frequent first. */
  takenFor: { code: string; name: string; texts: number }[];
}

/** The scores in the names of the languages, the worst first by F1. */
export function evaluationOf(found: {
  model: string;
  files: readonly string[];
  firstCharacters: number | null;
  labels: readonly LanguageLabel[];
  scores: Scores;
  unknown: ReadonlyMap<string, number>;
  badLines: number;
  firstBad: readonly BadLine[];
}): Evaluation {
  const { labels, scores, unknown, ...same } = found;
  const named = (label: number) => ({ code: labels[label]?.code ?? '', name: labels[label]?.name ?? '' });
  return {
    ...same,
    modelLanguages: labels.length,
    texts: scores.texts,
    accuracy: scores.accuracy,
    macroAccuracy: scores.macroRecall,
    macroF1: scores.macroF1,
    languages: scores.labels
      .map(({ label, texts, recall, precision, f1, takenFor }) => ({
        ...named(label),
        texts,
        recall,
        precision,
        f1,
        takenFor: takenFor.map((other) => ({ ...named(other.label), texts: other.texts })),
      }))
      .sort((left, right) => left.f1 - right.f1),
    unknownLabels: [...unknown]
      .map(([label, texts]) => ({ label, texts }))
      .sort((left, right) => right.texts - left.texts || (left.label < right.label ? -1 : 1)),
  };
}
