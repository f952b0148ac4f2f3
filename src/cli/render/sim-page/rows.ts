import { drawing, type Frame, round, type Scale, type Value, valuesOf } from '../page-chart.ts';
import { type Content, html, type Markup } from '../page-markup.ts';

const ROW_HEIGHT = 26;
const LANE_HEIGHT = 15;
/** Between the lanes of two rows. */
const ROW_GAP = 8;
/** Of the letters of lanes, left of the plot. */
const LETTERS_WIDTH = 16;
/** Two labels of the axis are at least as far apart as this. */
const LABEL_WIDTH = 46;

/** With the words at its ticks. */
export interface NamedScale extends Scale {
  textOf: (value: number) => string;
}

/** A chart with a row for each of a few things; `lanes`: letters of what is side by side in each row, if anything. */
export interface RowsFrame extends Frame {
  rowHeight: number;
  lanes: readonly string[];
}

/** With room for the names of the rows at the left. */
export function rowsFrame(
  count: number,
  left: number,
  { lanes = [], right = 18 }: { lanes?: readonly string[]; right?: number } = {},
): RowsFrame {
  const rowHeight = Math.max(ROW_HEIGHT, LANE_HEIGHT * lanes.length + ROW_GAP);
  return { width: 440, height: 30 + rowHeight * count + 48, left, right, top: 30, bottom: 48, rowHeight, lanes };
}

/** The middle of a row. */
export function rowY({ top, rowHeight }: RowsFrame, index: number): number {
  return top + rowHeight * (index + 0.5);
}

/** The middle of a lane of a row. */
export function laneY(frame: RowsFrame, index: number, lane: number): number {
  return rowY(frame, index) + LANE_HEIGHT * (lane - (Math.max(frame.lanes.length, 1) - 1) / 2);
}

/** Names of the rows, grid and ticks of the axis below them. */
function rowAxes(
  frame: RowsFrame,
  names: readonly string[],
  x: NamedScale,
  titles: { rows: string; x: string },
): Markup {
  const { width, height, left, right, top, bottom, lanes } = frame;
  const ground = height - bottom;
  const labels = names.map((name, index) => {
    const letters = lanes.map(
      (letter, lane) =>
        html`<text x="${left - 8}" y="${round(laneY(frame, index, lane) + 4)}" text-anchor="end">${letter}</text>`,
    );
    // Rows of lanes are told apart by a line between them.
    const y = round(rowY(frame, index) + (lanes.length === 0 ? 0 : frame.rowHeight / 2));
    return html`<text x="${left - 8 - (lanes.length === 0 ? 0 : LETTERS_WIDTH)}" y="${round(rowY(frame, index) + 4)}" text-anchor="end">${name}</text>${letters}<line class="grid" x1="${lanes.length === 0 ? left : 4}" x2="${width - right}" y1="${y}" y2="${y}"/>`;
  });
  let last = -Infinity;
  const ticks = x.ticks.map((tick) => {
    const at = round(x.at(tick));
    const isNamed = at - last >= LABEL_WIDTH;
    if (isNamed) last = at;
    return html`<line class="grid" x1="${at}" x2="${at}" y1="${top - 6}" y2="${ground + (isNamed ? 5 : 0)}"/>${isNamed ? html`<text x="${at}" y="${ground + 19}" text-anchor="middle">${x.textOf(tick)}</text>` : ''}`;
  });
  return html`<text x="4" y="14">${titles.rows}</text>${labels}${ticks}<line class="axis" x1="${left}" x2="${width - right}" y1="${ground}" y2="${ground}"/><text x="${(left + width - right) / 2}" y="${height - 8}" text-anchor="middle">${titles.x}</text>`;
}

/** A chart of rows: names, axis and marks, with what it says at each of its values. `description`: read out instead of these. */
export function rowsChart(
  id: string,
  title: string,
  frame: RowsFrame,
  {
    names,
    x,
    titles,
    values,
    marks,
    description = `${values.map(({ text }) => text.replaceAll('\n', ', ')).join('; ')}.`,
  }: {
    names: readonly string[];
    x: NamedScale;
    titles: { rows: string; x: string };
    values: readonly Value[];
    marks: Content;
    description?: string;
  },
): Markup {
  return drawing(id, title, description, frame.height, html`${rowAxes(frame, names, x, titles)}${marks}`, {
    width: frame.width,
    attributes: valuesOf(values, 'rows'),
  });
}
