import { round } from './page-chart.ts';
import { html, type Markup } from './page-markup.ts';

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

function polygon(style: string, points: readonly (readonly [x: number, y: number])[]): Markup {
  return html`<polygon class="${style}" points="${points.map(([x, y]) => `${round(x)},${round(y)}`).join(' ')}"/>`;
}
