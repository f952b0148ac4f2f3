import type { Evaluation, LanguageScore } from '../evaluate/evaluation.ts';
import { counted, percent, whole } from './sim-words.ts';
import { renderTable } from './table.ts';
import type { Terminal } from './terminal.ts';

const WORST_SHOWN_MAX = 15;
const UNKNOWN_SHOWN_MAX = 5;

/** What an evaluation came to, and the languages it went worst with. */
export function renderEvaluation(evaluation: Evaluation, terminal: Terminal): string {
  const { accuracy, languages, firstCharacters } = evaluation;
  const cut = firstCharacters === null ? '' : `, the first ${firstCharacters} characters of each`;
  const facts = [
    ['model', `${evaluation.model} (${counted(evaluation.modelLanguages, 'language')})`],
    ['texts', `${whole(evaluation.texts)} in ${counted(languages.length, 'language')}${cut}`],
    [
      'accuracy',
      `${percent(accuracy.share)} of the texts (95 %: ${percent(accuracy.low)} to ${percent(accuracy.high)})`,
    ],
    ['', `${percent(evaluation.macroAccuracy)} in the mean of the languages`],
    ['F1', `${percent(evaluation.macroF1)} in the mean of the languages`],
  ].map(([name = '', text = '']) => `${name.padEnd(9)} ${text}`);
  const worst = languages.filter(({ f1 }) => f1 < 1).slice(0, WORST_SHOWN_MAX);
  if (worst.length === 0) return [...facts, '', 'No text was taken for another language'].join('\n');
  const table = renderTable<LanguageScore>(
    [
      { header: 'LANGUAGE', isFlexible: true, text: ({ name }) => name },
      { header: 'CODE', text: ({ code }) => code },
      { header: 'TEXTS', align: 'right', text: ({ texts }) => whole(texts) },
      { header: 'RECALL', align: 'right', text: ({ recall }) => percent(recall) },
      { header: 'PRECISION', align: 'right', text: ({ precision }) => percent(precision) },
      { header: 'F1', align: 'right', text: ({ f1 }) => percent(f1) },
      { header: 'TAKEN FOR', text: ({ takenFor: [most] }) => (most ? `${most.name} (${whole(most.texts)})` : '') },
    ],
    worst,
    terminal,
  );
  return [...facts, '', table].join('\n');
}

/** What was left out of it, in lines for stderr. */
export function evaluationRemarks({ unknownLabels, badLines, firstBad }: Evaluation): string[] {
  const texts = unknownLabels.reduce((sum, label) => sum + label.texts, 0);
  const most = unknownLabels.slice(0, UNKNOWN_SHOWN_MAX).map((label) => `${label.label} ${whole(label.texts)}`);
  const more = unknownLabels.length > most.length ? ', ...' : '';
  return [
    ...(texts === 0
      ? []
      : [
          `left out: ${counted(texts, 'text')} with ${counted(unknownLabels.length, 'label')} that the model does not know (${most.join(', ')}${more})`,
        ]),
    ...(badLines === 0
      ? []
      : [
          `left out: ${counted(badLines, 'bad line')}`,
          ...firstBad.slice(0, UNKNOWN_SHOWN_MAX).map(({ file, line, reason }) => `  ${file}:${line} ${reason}`),
        ]),
  ];
}
