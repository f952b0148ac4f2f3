import { type Content, html, type Markup, NOTHING } from './page-markup.ts';

/** The drawing and, within its margins, the plot. */
export interface Frame {
  width: number;
  height: number;
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** Chart coordinates: narrow enough for text to stay readable on a phone. */
export const CHART = { width: 520, height: 340, left: 62, right: 16, top: 30, bottom: 52 } as const satisfies Frame;

/** What a letter of a chart's text takes in its coordinates: on a phone, where text is larger. */
export const LETTER_WIDTH = 7.5;

/** What a chart says at a point of it, shown where the reader points or steps to. */
export interface Value {
  x: number;
  y: number;
  text: string;
}

/** From a value to a coordinate, with the values to label. */
export interface Scale {
  at: (value: number) => number;
  ticks: readonly number[];
}

/** Over whole steps of 1, 2 or 5 times a power of ten that hold `low` to `high`. */
export function linearScale(low: number, high: number, from: number, to: number, tickCount = 5): Scale {
  const span = high > low ? high - low : Math.abs(high) || 1;
  const raw = span / tickCount;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 5].find((factor) => factor * power >= raw) ?? 10) * power;
  const first = Math.floor(low / step) * step;
  const count = Math.max(1, Math.ceil((high - first) / step - 1e-9));
  const last = first + count * step;
  return {
    at: (value) => from + ((value - first) / (last - first)) * (to - from),
    ticks: Array.from({ length: count + 1 }, (_, index) => Number((first + index * step).toPrecision(12))),
  };
}

/** Logarithmic, with some room at both ends, `lowRoom` of it (a factor) at the low one. Ticks are decades, or 1, 2 and 5 of each where they are few. */
export function logScale(low: number, high: number, from: number, to: number, lowRoom = 1.25): Scale {
  const [start, end] = [Math.log(low / lowRoom), Math.log(high * 1.25)];
  const factors = end - start > Math.log(500) ? [1] : [1, 2, 5];
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(low)) - 1; power <= Math.log10(high) + 1; power += 1) {
    for (const factor of factors) {
      const value = Number((factor * 10 ** power).toPrecision(3));
      if (Math.log(value) >= start && Math.log(value) <= end) ticks.push(value);
    }
  }
  return { at: (value) => from + ((Math.log(value) - start) / (end - start)) * (to - from), ticks };
}

/** Between two labels of an axis of numbers of GPUs, at least. */
const LABEL_WIDTH = 48;

/** Of values that are labelled where they are: the largest, then as many others as have room, from the largest down. */
export function spacedTicks(values: readonly number[], at: (value: number) => number): number[] {
  const shown: number[] = [];
  for (const value of [...new Set(values)].toSorted((a, b) => b - a)) {
    const last = shown.at(-1);
    if (last === undefined || at(last) - at(value) >= LABEL_WIDTH) shown.push(value);
  }
  return shown;
}

/** An SVG that says in words what it shows. `title` and `description` are read out instead of it. */
export function drawing(
  id: string,
  title: string,
  description: string,
  height: number,
  content: Content,
  { width = CHART.width, attributes = NOTHING }: { width?: number; attributes?: Markup } = {},
): Markup {
  return html`<svg viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="${id}-title ${id}-description"${attributes}><title id="${id}-title">${title}</title><desc id="${id}-description">${description}</desc>${content}</svg>`;
}

/** For the attributes of a drawing: what page-scripts/chart-values.js shows, and whether the reader points to rows or columns of it. */
export function valuesOf(values: readonly Value[], along: 'rows' | 'columns'): Markup {
  const listed = values.map(({ x, y, text }) => [round(x), round(y), text]);
  return html` data-values="${JSON.stringify(listed)}" data-along="${along}"`;
}

/** Grid, tick labels and titles of both axes. */
export function axes(
  x: Scale,
  y: Scale,
  titles: { x: string; y: string },
  texts: { x: (value: number) => string; y: (value: number) => string },
  { width, height, left, right, bottom }: Frame = CHART,
): Markup {
  const ground = height - bottom;
  const rows = y.ticks.map((tick) => {
    const at = round(y.at(tick));
    return html`<line class="grid" x1="${left}" x2="${width - right}" y1="${at}" y2="${at}"/><text x="${left - 8}" y="${at + 4}" text-anchor="end">${texts.y(tick)}</text>`;
  });
  const columns = x.ticks.map((tick) => {
    const at = round(x.at(tick));
    return html`<line class="axis" x1="${at}" x2="${at}" y1="${ground}" y2="${ground + 5}"/><text x="${at}" y="${ground + 19}" text-anchor="middle">${texts.x(tick)}</text>`;
  });
  return html`${rows}${columns}<line class="axis" x1="${left}" x2="${width - right}" y1="${ground}" y2="${ground}"/><text x="${(left + width - right) / 2}" y="${height - 10}" text-anchor="middle">${titles.x}</text><text x="4" y="13">${titles.y}</text>`;
}

export function polyline(style: string, points: readonly (readonly [x: number, y: number])[]): Markup {
  return html`<polyline class="${style}" points="${points.map(([x, y]) => `${round(x)},${round(y)}`).join(' ')}"/>`;
}

/** Coordinates to a tenth. */
export function round(value: number): number {
  return Math.round(value * 10) / 10;
}
