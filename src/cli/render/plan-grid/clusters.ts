import { html, type Markup } from '../page-markup.ts';
import { STYLE } from '../page-style.ts';
import { SCENARIO_INKS } from '../sim-compare/style.ts';
import { circle, diamond, square, triangle } from '../sim-page/marks.ts';

/** The first ink is the quiet one of a base, which no cluster is. */
const INKS = SCENARIO_INKS.light.length - 1;
const MARKS = [circle, square, diamond, triangle] as const;

const inksOf = (theme: keyof typeof SCENARIO_INKS) =>
  SCENARIO_INKS[theme]
    .slice(1)
    .map((ink, index) => `--c${index}:${ink}`)
    .join(';');

export const GRID_STYLE = `${STYLE}
:root{${inksOf('light')}}
@media screen and (prefers-color-scheme:dark){:root{${inksOf('dark')}}}
${Array.from({ length: INKS }, (_, index) => `.c${index}{--ink:var(--c${index})}`).join('\n')}
svg .on{fill:var(--ink);stroke:var(--ink);stroke-width:2}
svg .off{fill:var(--ground);stroke:var(--ink);stroke-width:1.5}
svg .trace{stroke:var(--ink);fill:none;stroke-width:1.5;opacity:.7}
svg .front{stroke:var(--text);fill:none;stroke-width:1.5;stroke-dasharray:6 4}
.key svg{display:inline-block;width:16px;height:16px;vertical-align:-3px;margin-right:5px}
td.mark{text-align:center;font-weight:600}
tr.unplanned td{color:var(--lesser)}
tbody th{white-space:nowrap}
summary{font-weight:600;cursor:pointer}
@media (max-width:500px){td.words{min-width:17em}}
`;

/** A mark of a cluster: its shape and ink tell which, filled where `isOnFront`. `index`: among the clusters of the page. */
export function clusterMark(index: number, x: number, y: number, isOnFront: boolean): Markup {
  const mark = MARKS[index % MARKS.length] ?? circle;
  return html`<g class="${inkOf(index)}">${mark(isOnFront ? 'on' : 'off', x, y)}</g>`;
}

export function inkOf(index: number): string {
  return `c${index % INKS}`;
}

/** What the marks stand for. */
export function clusterKey(names: readonly string[]): Markup {
  const items = names.map(
    (name, index) =>
      html`<li><svg viewBox="0 0 16 16" aria-hidden="true">${clusterMark(index, 8, 8, true)}</svg>${name}</li>`,
  );
  return html`<ul class="key">${items}</ul>`;
}
