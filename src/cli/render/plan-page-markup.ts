/** Text that is HTML or SVG already; made by `html` alone, so that nothing else reaches a page unescaped. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Content = Markup | string | number | readonly Content[];

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function textOf(content: Content): string {
  if (content instanceof Markup) return content.text;
  if (typeof content === 'number') return String(content);
  if (typeof content === 'string') return content.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '');
  return content.map(textOf).join('');
}

/** A piece of markup: strings put into it are escaped, markup and lists of it are taken as they are. Attribute values must be quoted. */
export function html(parts: TemplateStringsArray, ...values: readonly Content[]): Markup {
  let text = parts[0] ?? '';
  for (const [index, value] of values.entries()) text += textOf(value) + (parts[index + 1] ?? '');
  return new Markup(text);
}

export const NOTHING: Markup = new Markup('');

/** A table that scrolls sideways on its own where the screen is narrow. Columns of words are aligned left, others right. */
export function table(label: string, headers: readonly (string | { words: string })[], rows: Content): Markup {
  const head = headers.map((header) =>
    typeof header === 'string'
      ? html`<th scope="col">${header}</th>`
      : html`<th scope="col" class="words">${header.words}</th>`,
  );
  return html`<div class="scroll" role="region" aria-label="${label}" tabindex="0"><table><thead><tr>${head}</tr></thead><tbody>${rows}</tbody></table></div>`;
}
