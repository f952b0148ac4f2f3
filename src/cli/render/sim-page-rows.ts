import { type Frame, round, type Scale } from './page-chart.ts';
import { html, type Markup } from './page-markup.ts';

const ROW_HEIGHT = 26;
/** Two labels of the axis are at least as far apart as this. */
const LABEL_WIDTH = 46;

/** With the words at its ticks. */
export interface NamedScale extends Scale {
  textOf: (value: number) => string;
}

/** A chart with a row for each of a few things, and room for their names at the left. */
export function rowsFrame(count: number, left: number): Frame {
  return { width: 440, height: 30 + ROW_HEIGHT * count + 48, left, right: 18, top: 30, bottom: 48 };
}

/** The middle of a row. */
export function rowY({ top }: Frame, index: number): number {
  return top + ROW_HEIGHT * (index + 0.5);
}

/** Names of the rows, grid and ticks of the axis below them. */
export function rowAxes(
  frame: Frame,
  names: readonly string[],
  x: NamedScale,
  titles: { rows: string; x: string },
): Markup {
  const { width, height, left, right, top, bottom } = frame;
  const ground = height - bottom;
  const labels = names.map(
    (name, index) =>
      html`<text x="${left - 8}" y="${round(rowY(frame, index) + 4)}" text-anchor="end">${name}</text><line class="grid" x1="${left}" x2="${width - right}" y1="${round(rowY(frame, index))}" y2="${round(rowY(frame, index))}"/>`,
  );
  let last = -Infinity;
  const ticks = x.ticks.map((tick) => {
    const at = round(x.at(tick));
    const isNamed = at - last >= LABEL_WIDTH;
    if (isNamed) last = at;
    return html`<line class="grid" x1="${at}" x2="${at}" y1="${top - 6}" y2="${ground + (isNamed ? 5 : 0)}"/>${isNamed ? html`<text x="${at}" y="${ground + 19}" text-anchor="middle">${x.textOf(tick)}</text>` : ''}`;
  });
  return html`<text x="4" y="14">${titles.rows}</text>${labels}${ticks}<line class="axis" x1="${left}" x2="${width - right}" y1="${ground}" y2="${ground}"/><text x="${(left + width - right) / 2}" y="${height - 8}" text-anchor="middle">${titles.x}</text>`;
}
