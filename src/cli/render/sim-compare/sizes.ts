import type { MttfFigures, SizeClass } from '../../../twin/report.ts';
import { axes, drawing, linearScale, logScale, polyline, type Scale, type Value, valuesOf } from '../page-chart.ts';
import { html, type Markup, table } from '../page-markup.ts';
import { comparedDevice, inked, type Lettered, markOf } from './scenarios.ts';
import { PLOT, sizeScale } from '../sim-page/ettr.ts';
import { spreadBar } from '../sim-page/marks.ts';
import { key } from '../sim-page/section.ts';
import { SPANS } from '../sim-page/time.ts';
import { shortTime, whole } from '../sim-words.ts';

/** Between the marks of two scenarios at the same size, and of all of them at most. */
const DODGE = 7;
const DODGE_ALL = 21;

/** A mark of a scenario at a size. */
interface Point {
  size: SizeClass;
  value: number;
  low: number;
  high: number;
  text: string;
}

/** Each size once, the smallest first. */
export function sizesOf(sizes: readonly SizeClass[]): SizeClass[] {
  return [...new Map(sizes.map((size) => [size.label, size])).values()].toSorted((a, b) => a.from - b.from);
}

/** ETTR by size of the job. Null where no job was long enough. */
export function ettrBySize(scenarios: readonly Lettered[], isSpread: boolean): Markup | null {
  const device = comparedDevice(scenarios);
  const series = scenarios.map(({ summary, letter }) =>
    summary.ettr.map(({ size, jobs, ettr }): Point => {
      const range = ettr.low === ettr.high ? '' : ` (${ettr.low.toFixed(3)} to ${ettr.high.toFixed(3)})`;
      return {
        size,
        value: ettr.mean,
        low: ettr.low,
        high: ettr.high,
        text: `${size.label} ${device}s, ${letter}: ETTR ${ettr.mean.toFixed(3)}${range}, ${whole(jobs)} jobs`,
      };
    }),
  );
  const lowest = Math.min(0.9, ...series.flat().map(({ low }) => low));
  const y = linearScale(lowest, 1, PLOT.height - PLOT.bottom, PLOT.top);
  return sizeChart('compared-ettr', 'ETTR by size of the job', scenarios, series, y, {
    x: `${device}s of the job (logarithmic)`,
    y: 'ETTR',
    text: (value) => value.toFixed(2),
    spread: isSpread ? 'lowest to highest seed' : null,
  });
}

/** Mean time to failure by size of the job, all seeds together. Null where nothing failed. */
export function mttfBySize(scenarios: readonly Lettered[]): Markup | null {
  const device = comparedDevice(scenarios);
  const series = scenarios.map(({ summary, letter }) =>
    summary.failures.flatMap((figures): Point[] => {
      const { size, mttfHours, intervalHours } = figures;
      if (mttfHours === null || intervalHours.high === null) return [];
      const text = `${size.label} ${device}s, ${letter}: MTTF ${mttfWords(figures)}`;
      return [{ size, value: mttfHours, low: intervalHours.low, high: intervalHours.high, text }];
    }),
  );
  const heights = series.flat().flatMap(({ low, high }) => [low, high]);
  if (heights.length === 0) return null;
  const { at } = logScale(Math.min(...heights), Math.max(...heights), PLOT.height - PLOT.bottom, PLOT.top);
  const isWithin = (value: number) => value >= PLOT.top && value <= PLOT.height - PLOT.bottom;
  const y = { at, ticks: SPANS.map(([seconds]) => seconds / 3600).filter((hours) => isWithin(at(hours))) };
  return sizeChart('compared-mttf', 'Mean time to failure by size of the job', scenarios, series, y, {
    x: `${device}s of the job (logarithmic)`,
    y: 'mean time to failure (logarithmic)',
    text: (hours) => SPANS.find(([seconds]) => seconds / 3600 === hours)?.[1] ?? '',
    spread: '90 % interval',
  });
}

/** With the number of failures, those sizes too of which nothing failed. */
export function mttfTable(scenarios: readonly Lettered[]): Markup {
  const device = comparedDevice(scenarios);
  const sizes = sizesOf(scenarios.flatMap(({ summary }) => summary.failures.map(({ size }) => size)));
  const rows = sizes.map((size) => {
    const cells = scenarios.map(({ summary }) => {
      const figures = summary.failures.find((each) => each.size.label === size.label);
      const hours = figures?.mttfHours ?? null;
      return html`<td>${figures === undefined ? '-' : whole(figures.failures)}</td><td>${hours === null ? '-' : shortTime(hours * 3600)}</td>`;
    });
    return html`<tr><th scope="row">${size.label}</th>${cells}</tr>`;
  });
  const headers = scenarios.flatMap(({ letter }) => [`${letter}: failures`, 'MTTF']);
  return table('Failures by size', [`${device}s`, ...headers], rows);
}

function mttfWords({ failures, mttfHours, intervalHours: { low, high } }: MttfFigures): string {
  const hours = (value: number) => shortTime(value * 3600);
  return `${hours(mttfHours ?? 0)} (${hours(low)} to ${hours(high ?? 0)}), ${whole(failures)} failures`;
}

function sizeChart(
  id: string,
  title: string,
  scenarios: readonly Lettered[],
  series: readonly (readonly Point[])[],
  y: Scale,
  words: { x: string; y: string; text: (value: number) => string; spread: string | null },
): Markup | null {
  const points = series.flat();
  if (points.length === 0) return null;
  const x = sizeScale(
    points.map(({ size }) => size.from),
    PLOT,
  );
  const dodge = Math.min(DODGE, DODGE_ALL / scenarios.length);
  const xOf = (size: SizeClass, index: number) => x.at(size.from) + dodge * (index - (scenarios.length - 1) / 2);
  const values: Value[] = [];
  const marks = scenarios.map((scenario, index) => {
    const own = series[index] ?? [];
    for (const { size, value, text } of own) values.push({ x: xOf(size, index), y: y.at(value), text });
    const bars = own.map(({ size, low, high }) => spreadBar(xOf(size, index), y.at(low), xOf(size, index), y.at(high)));
    const curve = polyline(
      'trace',
      own.map(({ size, value }) => [xOf(size, index), y.at(value)]),
    );
    return inked(scenario, [
      ...bars,
      curve,
      ...own.map(({ size, value }) => markOf(index)('open', xOf(size, index), y.at(value))),
    ]);
  });
  const chart = drawing(
    id,
    title,
    `${values.map(({ text }) => text).join('; ')}.`,
    PLOT.height,
    html`${axes(x, y, { x: words.x, y: words.y }, { x: whole, y: words.text }, PLOT)}${marks}`,
    { width: PLOT.width, attributes: valuesOf(values, 'columns') },
  );
  const entries = scenarios.map(
    (scenario, index) =>
      [
        inked(scenario, [html`<path class="trace" d="M0,7H34"/>`, markOf(index)('open', 17, 7)]),
        `${scenario.letter}: ${scenario.title}`,
      ] as const,
  );
  const [first] = scenarios;
  const spread =
    words.spread === null || first === undefined
      ? []
      : ([[inked(first, spreadBar(17, 1, 17, 13)), words.spread]] as const);
  return html`<figure>${chart}${key([...entries, ...spread])}</figure>`;
}
