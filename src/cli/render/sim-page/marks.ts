import { round } from '../page-chart.ts';
import { html, type Markup, NOTHING } from '../page-markup.ts';

/** Marks that differ in shape, not by colour alone. `style`: of the page's style sheet. */
export function circle(style: string, x: number, y: number): Markup {
  return html`<circle class="${style}" cx="${round(x)}" cy="${round(y)}" r="4.5"/>`;
}

export function square(style: string, x: number, y: number): Markup {
  return html`<rect class="${style}" x="${round(x - 4)}" y="${round(y - 4)}" width="8" height="8"/>`;
}

export function diamond(style: string, x: number, y: number): Markup {
  return polygon(style, [
    [x, y - 5.5],
    [x + 5.5, y],
    [x, y + 5.5],
    [x - 5.5, y],
  ]);
}

export function triangle(style: string, x: number, y: number): Markup {
  return polygon(style, [
    [x, y - 5.5],
    [x + 5, y + 4],
    [x - 5, y + 4],
  ]);
}

/** That something goes on beyond the edge of a chart: to the right, or to the left where `direction` is -1. */
export function arrow(style: string, x: number, y: number, direction: 1 | -1): Markup {
  return polygon(style, [
    [x, y],
    [x - 6 * direction, y - 4.5],
    [x - 6 * direction, y + 4.5],
  ]);
}

export function line(style: string, x1: number, y1: number, x2: number, y2: number): Markup {
  return html`<line class="${style}" x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}"/>`;
}

/** A part of a bar from left to right, around `y`; nothing where it would not be seen. */
export function bar(style: string, from: number, to: number, y: number, height: number): Markup {
  if (to - from < 0.05) return NOTHING;
  return html`<rect class="${style}" x="${round(from)}" y="${round(y - height / 2)}" width="${round(Math.max(0.5, to - from))}" height="${height}"/>`;
}

/** From the lowest to the highest, across or upwards, to be drawn below the mean; nothing where they are the same. */
export function spreadBar(x1: number, y1: number, x2: number, y2: number): Markup {
  if (Math.abs(x2 - x1) + Math.abs(y2 - y1) < 0.5) return NOTHING;
  const [x, width] = y1 === y2 ? [Math.min(x1, x2), Math.abs(x2 - x1)] : [x1 - 3.5, 7];
  const [y, height] = y1 === y2 ? [y1 - 3.5, 7] : [Math.min(y1, y2), Math.abs(y2 - y1)];
  return html`<rect class="spread" x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}"/>`;
}

/** From the lowest to the highest, to be seen on a bar too. */
export function whisker(from: number, to: number, y: number): Markup {
  if (to - from < 0.5) return NOTHING;
  const [left, right] = [round(from), round(to)];
  return html`<path class="whisker" d="M${left},${round(y - 3)}v6M${left},${round(y)}H${right}M${right},${round(y - 3)}v6"/>`;
}

function polygon(style: string, points: readonly (readonly [x: number, y: number])[]): Markup {
  return html`<polygon class="${style}" points="${points.map(([x, y]) => `${round(x)},${round(y)}`).join(' ')}"/>`;
}
