import type { LanguageGuess } from '../../inference/language-identifier.ts';
import type { IdentifiedText } from '../identify.ts';
import { renderTable } from './table.ts';
import type { Terminal } from './terminal.ts';

const NO_LETTERS = 'no letters';

/** Of one text its likely languages, one a line; of several one line each, the likeliest language first. */
export function renderLanguages(results: readonly IdentifiedText[], terminal: Terminal): string {
  const [only, ...others] = results;
  if (only !== undefined && others.length === 0) {
    if (only.languages.length === 0) return `The text holds ${NO_LETTERS}`;
    return renderTable(
      [
        { header: 'LANGUAGE', isFlexible: true, text: (guess) => guess.name },
        { header: 'CODE', text: (guess) => guess.code },
        { header: 'PROBABILITY', align: 'right', text: percent },
      ],
      only.languages,
      terminal,
    );
  }
  return renderTable(
    [
      { header: 'LANGUAGE', text: ({ languages: [first] }) => first?.name ?? NO_LETTERS },
      { header: 'CODE', text: ({ languages: [first] }) => first?.code ?? '' },
      { header: 'PROBABILITY', align: 'right', text: ({ languages: [first] }) => (first ? percent(first) : '') },
      { header: 'TEXT', isFlexible: true, text: ({ text }) => text },
    ],
    results,
    terminal,
  );
}

function percent({ probability }: LanguageGuess): string {
  return `${(probability * 100).toFixed(1)}%`;
}
