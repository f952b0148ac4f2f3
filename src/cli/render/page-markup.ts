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

export interface Fact {
  name: string;
  value: string;
  meaning: string;
}

/** Figures on cards, each with what it means. */
export function factCards(facts: readonly Fact[]): Markup {
  const cards = facts.map(
    ({ name, value, meaning }) =>
      html`<div class="fact"><dt>${name}</dt><dd><strong>${value}</strong><p>${meaning}</p></dd></div>`,
  );
  return html`<dl class="facts">${cards}</dl>`;
}

/** A whole document. `head`: style and whatever else belongs there. */
export function documentOf(title: string, head: Content, body: Content): string {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
${head}
</head>
<body>
${body}
</body>
</html>
`;
  return page.text;
}
