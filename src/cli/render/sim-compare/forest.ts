import type { MeasureUnit } from '../../../twin/compared-measures.ts';
import type { ComparedMeasure } from '../../sim/scenario-comparison.ts';
import { LETTER_WIDTH, linearScale, round, type Value } from '../page-chart.ts';
import { html, type Markup, NOTHING } from '../page-markup.ts';
import { inked, type Lettered } from './scenarios.ts';
import { shortNumber } from '../sim-page/losses.ts';
import { arrow, circle, line } from '../sim-page/marks.ts';
import { type NamedScale, laneY, rowsChart, rowsFrame, type RowsFrame } from '../sim-page/rows.ts';
import { key } from '../sim-page/section.ts';
import { isPoint, sayChange, sayInterval, sayMeasure } from '../sim-sentences.ts';
import { digits, percent, shortTime } from '../sim-words.ts';

/** Changes beyond these, in percent of the base, end in an arrow. */
const LOWEST = -100;
const HIGHEST = 200;
/** Around no change at least. */
const REACH_MIN = 1;
/** Of the largest change; an interval that reaches farther only says that nothing is known, and ends in an arrow too. */
const INTERVAL_REACH = 1.5;

/** Of the characters of a label, which a QOS may have many of; what is said of a value has all. */
const LABEL_MAX = 20;

/** The margin with the values of base and variant, and that with those of a lane each, at least; and what an arrow beyond the edge takes of it. */
const ONE_RIGHT = 114;
const LANES_RIGHT = 62;
const ARROW_ROOM = 12;

interface Row {
  label: string;
  /** Of each variant; null where it has no such measure. */
  lanes: (ComparedMeasure | null)[];
}

/** In percent, from the least to the greatest that is drawn. */
interface ChangeScale extends NamedScale {
  low: number;
  high: number;
  within: (change: number) => number;
}

/**
 * Differences of measures to the base, in percent of it, with their confidence intervals: a row a measure, a lane a scenario where
 * there are several variants. `scenarios`: the base and those that charts show. Null where there is nothing to draw.
 */
export function forest(
  id: string,
  title: string,
  scenarios: readonly Lettered[],
  isShown: (measure: ComparedMeasure) => boolean,
): Markup | null {
  const [base, ...variants] = scenarios;
  const rows = rowsOf(variants, isShown);
  if (base === undefined || rows.length === 0) return null;
  const isOne = variants.length === 1;
  const lanes = isOne ? [] : scenarios.map(({ letter }) => letter);
  const texts = rows.flatMap(({ lanes: measures }) =>
    measures.flatMap((measure) => {
      if (measure === null) return [];
      const { base: from, variant, unit } = measure;
      return isOne ? [fromTo(measure)] : [short(from, unit), short(variant, unit)];
    }),
  );
  const longest = Math.max(...texts.map(({ length }) => length));
  // Text that is wider than the margin would run into the arrows at the edge of the plot.
  const right = Math.max(isOne ? ONE_RIGHT : LANES_RIGHT, Math.ceil(longest * LETTER_WIDTH) + ARROW_ROOM);
  const frame = rowsFrame(rows.length, isOne ? 160 : 176, { lanes, right });
  const x = changeScale(frame, rows);
  const values: Value[] = [];
  const marks = rows.map(({ lanes: measures, label }, index) => {
    const say = (lane: number, text: string) =>
      html`<text x="${frame.width - 4}" y="${round(laneY(frame, index, lane) + 4)}" text-anchor="end">${text}</text>`;
    const ofVariants = variants.map((variant, at) => {
      const measure = measures[at] ?? null;
      if (measure === null) return NOTHING;
      const lane = isOne ? 0 : at + 1;
      const y = laneY(frame, index, lane);
      const change = x.at(x.within(percentOf(measure.difference, measure)));
      values.push({ x: change, y, text: `${isOne ? '' : `${variant.letter}, `}${label}: ${words(measure)}` });
      const text = isOne ? fromTo(measure) : short(measure.variant, measure.unit);
      return html`${inked(variant, changeMark(measure, x, y))}${say(lane, text)}`;
    });
    const first = measures.find((measure) => measure !== null);
    return [isOne || first === undefined ? NOTHING : say(0, short(first.base, first.unit)), ofVariants];
  });
  const zero = round(x.at(0));
  const chart = rowsChart(id, title, frame, {
    names: rows.map(({ label }) => (label.length > LABEL_MAX ? `${label.slice(0, LABEL_MAX - 1)}…` : label)),
    x,
    titles: { rows: '', x: `change, % of ${isOne ? 'the base' : base.letter}` },
    values,
    marks: html`<text x="${frame.width - 4}" y="14" text-anchor="end">${isOne ? 'base → variant' : 'mean'}</text><line class="axis" x1="${zero}" x2="${zero}" y1="${frame.top - 6}" y2="${frame.height - frame.bottom}"/>${marks}`,
  });
  return html`<figure>${chart}${forestKey(variants, rows)}</figure>`;
}

/** In the order of the measures. What is nothing in the base and the variants says nothing. */
function rowsOf(variants: readonly Lettered[], isShown: (measure: ComparedMeasure) => boolean): Row[] {
  const labels = new Map(
    variants.flatMap(({ measures }) => measures.filter(isShown).map(({ name, label }) => [name, label] as const)),
  );
  return [...labels].flatMap(([name, label]): Row[] => {
    const lanes = variants.map(({ measures }) => measures.find((measure) => measure.name === name) ?? null);
    const isSome = lanes.some((measure) => measure !== null && (measure.base !== 0 || measure.variant !== 0));
    return isSome ? [{ label, lanes }] : [];
  });
}

function forestKey([variant]: readonly Lettered[], rows: readonly Row[]): Markup {
  const measures = rows.flatMap(({ lanes }) => lanes.filter((measure) => measure !== null));
  const hasInterval = measures.some(({ interval }) => interval !== null);
  const isExact = measures.every(({ interval }) => interval !== null && isPoint(interval));
  const entries: [Markup, string][] = [];
  if (variant !== undefined && measures.some(({ isClear }) => isClear))
    entries.push([
      inked(variant, [line('thin', 0, 7, 34, 7), circle('full', 17, 7)]),
      isExact ? 'a difference' : 'clear: more than chance, all measures taken together',
    ]);
  if (variant !== undefined && measures.some(({ isClear }) => !isClear))
    entries.push([
      inked(variant, [hasInterval ? line('thin', 0, 7, 34, 7) : NOTHING, circle('open', 17, 7)]),
      isExact ? 'no difference' : hasInterval ? 'no more than chance does' : 'one seed: no interval',
    ]);
  return key(entries);
}

function changeMark(measure: ComparedMeasure, x: ChangeScale, y: number): Markup[] {
  const { interval, isClear, difference } = measure;
  const style = isClear ? 'full' : 'open';
  const change = percentOf(difference, measure);
  const isBeyond = change > x.high;
  const mark = isBeyond ? arrow(style, x.at(x.high) + 4, y, 1) : circle(style, x.at(change), y);
  if (interval === null) return [mark];
  const [low, high] = [percentOf(interval.low, measure), percentOf(interval.high, measure)];
  const [from, to] = [x.at(x.within(low)), x.at(x.within(high))];
  const ends = [
    low < x.low ? arrow('full', from - 4, y, -1) : NOTHING,
    high > x.high && !isBeyond ? arrow('full', to + 4, y, 1) : NOTHING,
  ];
  return [line('thin', from, y, to, y), ...ends, mark];
}

/** Infinite where the base has none of it. */
function percentOf(change: number, { base }: ComparedMeasure): number {
  if (change === 0) return 0;
  return base === 0 ? Math.sign(change) * Infinity : (100 * change) / Math.abs(base);
}

function clipped(change: number): number {
  return Math.max(LOWEST, Math.min(change, HIGHEST));
}

/** Over all that is drawn and no change. */
function changeScale({ width, left, right }: RowsFrame, rows: readonly Row[]): ChangeScale {
  const measures = rows.flatMap(({ lanes }) => lanes.filter((measure) => measure !== null));
  const changes = measures.map((measure) => clipped(percentOf(measure.difference, measure)));
  const reach = INTERVAL_REACH * Math.max(REACH_MIN, ...changes.map(Math.abs));
  const ends = measures.flatMap((measure) => {
    if (measure.interval === null) return [];
    return [measure.interval.low, measure.interval.high]
      .map((end) => clipped(percentOf(end, measure)))
      .filter((end) => measure.isClear || Math.abs(end) <= reach);
  });
  const [low, high] = [Math.min(-REACH_MIN, ...changes, ...ends), Math.max(REACH_MIN, ...changes, ...ends)];
  const scale = linearScale(low, high, left + 8, width - right - 8, 4);
  const [first = low, last = high] = [scale.ticks[0], scale.ticks.at(-1)];
  return {
    ...scale,
    low: first,
    high: last,
    within: (change) => Math.max(first, Math.min(change, last)),
    textOf: (change) => `${change > 0 ? '+' : ''}${digits(change)}`,
  };
}

function words({ base, variant, difference, interval, unit, isClear }: ComparedMeasure): string {
  const values = `${sayMeasure(base, unit)} to ${sayMeasure(variant, unit)} (${sayChange(difference, unit)})`;
  if (interval === null || isPoint(interval)) return values;
  const chance = isClear ? '' : ': no more than chance does';
  return `${values}\n95 % interval ${sayInterval(interval, unit)}${chance}`;
}

/** `70.2 → 27.3 %`. */
function fromTo({ base, variant, unit }: ComparedMeasure): string {
  const from = short(base, unit);
  return `${unit === 'share' ? from.replace(' %', '') : from} → ${short(variant, unit)}`;
}

/** Without the unit, where the label of the row has it. */
function short(value: number, unit: MeasureUnit): string {
  if (unit === 'seconds') return shortTime(value);
  if (unit === 'share') return percent(value);
  return Math.abs(value) < 10_000 ? digits(value) : shortNumber(value);
}
