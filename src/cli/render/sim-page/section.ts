import type { TwinReport } from '../../../twin/report.ts';
import { type Content, html, Markup } from '../page-markup.ts';

/** Given: put in, or drawn from what was put in. Predicted: follows from it. */
type Kind = 'given' | 'predicted';

/** A titled part of the page that says whether it shows what was given or what was predicted. */
export function section(id: string, kind: Kind, title: string, content: Content): Markup {
  return html`<section id="${id}" aria-labelledby="${id}-heading"><h2 id="${id}-heading">${title} <span class="tag ${kind}">${kind}</span></h2>
${content}</section>`;
}

/** The paper on RSC is about a GPU cluster with failures: beside other runs its figures would mean nothing. */
export function isLikePaper({ inputs }: TwinReport): boolean {
  return inputs.cluster.unit === 'gpu' && inputs.incidents.count > 0;
}

/** A value for scripts of the page; nothing in it can end the element. */
export function embedded(id: string, value: unknown): Markup {
  return html`<script type="application/json" id="${id}">${new Markup(JSON.stringify(value).replaceAll('<', '\\u003c'))}</script>`;
}

/** Run once the page is there. */
export function script(text: string): Markup {
  return html`<script type="module">${new Markup(`\n${text}`)}</script>`;
}

/** What the marks of a chart mean. */
export function key(entries: readonly (readonly [mark: Markup, words: string])[]): Markup {
  const items = entries.map(
    ([mark, words]) =>
      html`<li><svg viewBox="0 0 34 14" aria-hidden="true" focusable="false">${mark}</svg>${words}</li>`,
  );
  return html`<ul class="key">${items}</ul>`;
}
