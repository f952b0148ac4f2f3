import { version } from '../../version.ts';
import { type Content, documentOf, html, Markup } from '../page-markup.ts';

/** Nothing is loaded, whatever is in the page. */
const CONTENT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

/** Texts of page-scripts/. */
export interface PageScripts {
  chartValues: string;
  nodeTimeline: string;
  measureSearch: string;
  saveDocument: string;
}

/** A page that is whole in itself. */
export function selfContained(title: string, style: string, body: Content): string {
  const head = html`<meta http-equiv="Content-Security-Policy" content="${new Markup(CONTENT_POLICY)}">
<style>${new Markup(style)}</style>`;
  return documentOf(title, head, body);
}

/** Links to the sections, and how to read the charts. */
export function contents(sections: readonly (readonly [id: string, title: string])[]): Markup {
  const links = sections.map(([id, name]) => html`<li><a href="#${id}">${name}</a></li>`);
  return html`<nav aria-label="Contents"><ul>${links}</ul></nav>
<p class="lesser screen">Point to a chart to read its values, or move to it with Tab and through it with the arrow keys.</p>`;
}

/** How to have the document that the page embeds, as a file of this name, and how to make both again. */
export function dataSection(command: string, fileName: string, where: string, again: string): Markup {
  return html`<section id="data" aria-labelledby="data-heading"><h2 id="data-heading">Data and command</h2><p>Everything behind these plots is in this page as one JSON document, the same that the command prints with --json. ${where}</p><p class="screen"><button type="button" id="save" data-name="${fileName}">Save the JSON document</button></p>
<pre><code>${command}</code></pre><p class="lesser">${`Orrery ${version}. ${again}`}</p></section>`;
}
