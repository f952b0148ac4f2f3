import { costOf, type RankedCase, type Work } from '../../plan-grid/pareto-front.ts';
import {
  axes,
  CHART,
  drawing,
  type Frame,
  LETTER_WIDTH,
  linearScale,
  logScale,
  polyline,
  round,
  type Scale,
  spacedTicks,
} from '../page-chart.ts';
import { html, type Markup, NOTHING } from '../page-markup.ts';
import { whole } from '../plan-report.ts';
import { clusterMark, inkOf } from './clusters.ts';
import { caseText } from './words.ts';

/** Largest over smallest, beyond which an axis is logarithmic. */
const LINEAR_MOST = 6;
/** With room for a long label at the right end of an axis. */
const FRAME = { ...CHART, right: 26 } as const satisfies Frame;
const LINE_HEIGHT = 14;

interface Point {
  one: RankedCase;
  days: number;
  cost: number;
}

/** What the charts of a work need besides its cases. */
export interface ChartSettings {
  /** Of this page, to tell its drawings apart. */
  id: string;
  isPriced: boolean;
  /** In the order of their marks. */
  clusters: readonly string[];
}

/** Time against cost with the front, and time by the number of GPUs; nothing where there are not two points to draw. */
export function workCharts(work: Work, settings: ChartSettings): Markup {
  const points = work.cases.flatMap((one): Point[] => {
    const [days, cost] =
      one.best === null ? [null, null] : [one.best.expectedDays, costOf(one.best, settings.isPriced)];
    return days === null || cost === null ? [] : [{ one, days, cost }];
  });
  if (points.length < 2) return NOTHING;
  const cost = settings.isPriced ? 'Cost' : 'GPU-hours';
  const sizes = new Set(points.map(({ one }) => one.gpus));
  const byGpus =
    sizes.size === 1
      ? NOTHING
      : html`<figure>${gpusChart(points, sizes, settings)}<figcaption>Days to train by the number of GPUs; filled marks are on the front.</figcaption></figure>`;
  return html`<div class="pair"><figure>${costChart(points, cost, settings)}<figcaption>${`Days to train against ${cost === 'Cost' ? 'cost' : cost}. The dashed line joins the Pareto front, filled marks with their number of GPUs: whoever wants less of one has to take more of the other.`}</figcaption></figure>${byGpus}</div>`;
}

function costChart(points: readonly Point[], cost: string, { id, isPriced, clusters }: ChartSettings): Markup {
  const { width, height, left, right, top, bottom } = FRAME;
  const x = scaleOver(
    points.map((point) => point.cost),
    left,
    width - right,
  );
  const y = scaleOver(
    points.map(({ days }) => days),
    height - bottom,
    top,
  );
  const place = (point: Point) => [x.scale.at(point.cost), y.scale.at(point.days)] as const;
  const front = points.filter(({ one }) => one.isOnFront).toSorted((a, b) => a.days - b.days);
  const titles = {
    x: `${isPriced ? 'cost' : 'GPU-hours'}${x.isLog ? ' (logarithmic)' : ''}`,
    y: `days to train${y.isLog ? ' (logarithmic)' : ''}`,
  };
  return drawing(
    `cost-${id}`,
    `${cost} against days to train`,
    `${whole(points.length)} cases. On the Pareto front: ${front.map(({ one }) => caseText(one, isPriced)).join('; ')}.`,
    height,
    html`${axes(x.scale, y.scale, titles, { x: shortText, y: shortText }, FRAME)}${polyline('front', front.map(place))}${marksOf(points, place, isPriced, clusters)}${labels(front, points, place)}`,
  );
}

function gpusChart(
  points: readonly Point[],
  sizes: ReadonlySet<number>,
  { id, isPriced, clusters }: ChartSettings,
): Markup {
  const { width, height, left, right, top, bottom } = FRAME;
  const x = logScale(Math.min(...sizes), Math.max(...sizes), left, width - right);
  const y = scaleOver(
    points.map(({ days }) => days),
    height - bottom,
    top,
  );
  const place = ({ one, days }: Point) => [x.at(one.gpus), y.scale.at(days)] as const;
  // A line is what differs in the number of GPUs alone. Default batches go along with it; those that were given make a line each.
  const places = new Set(points.map(({ one }) => `${one.gpus} ${one.cluster}`));
  const hasBatches = places.size < points.length;
  const lines = Map.groupBy(points, ({ one }) => `${hasBatches ? one.globalBatch : ''} ${one.cluster}`);
  const traces = [...lines.values()].map((line) => {
    const [first] = line;
    const style = inkOf(clusters.indexOf(first?.one.cluster ?? ''));
    const ascending = line.toSorted((a, b) => a.one.gpus - b.one.gpus);
    return html`<g class="${style}">${polyline('trace', ascending.map(place))}</g>`;
  });
  return drawing(
    `gpus-${id}`,
    'Days to train by number of GPUs',
    `${whole(lines.size)} ${lines.size === 1 ? 'line' : 'lines'}, from ${whole(Math.min(...sizes))} to ${whole(Math.max(...sizes))} GPUs.`,
    height,
    html`${axes(
      { at: x.at, ticks: spacedTicks([...sizes], x.at) },
      y.scale,
      { x: 'GPUs (logarithmic)', y: `days to train${y.isLog ? ' (logarithmic)' : ''}` },
      { x: whole, y: shortText },
      FRAME,
    )}${traces}${marksOf(points, place, isPriced, clusters)}`,
  );
}

type Place = (point: Point) => readonly [x: number, y: number];

/** The front last, to lie on top. */
function marksOf(points: readonly Point[], place: Place, isPriced: boolean, clusters: readonly string[]): Markup[] {
  return points
    .toSorted((a, b) => Number(a.one.isOnFront) - Number(b.one.isOnFront))
    .map((point) => {
      const [x, y] = place(point);
      const { cluster, isOnFront } = point.one;
      return html`<g><title>${caseText(point.one, isPriced)}</title>${clusterMark(clusters.indexOf(cluster), x, y, isOnFront)}</g>`;
    });
}

/** Numbers of GPUs at points of the front, each once, where they lie on no mark and no other label. */
function labels(front: readonly Point[], points: readonly Point[], place: Place): Markup[] {
  const taken = points.map((point) => {
    const [x, y] = place(point);
    return { left: x - 5, right: x + 5, top: y - 5, bottom: y + 5 };
  });
  const { width, height, left, right, top, bottom } = FRAME;
  const apart = front.filter(
    ({ days, cost }, index) => days !== front[index - 1]?.days || cost !== front[index - 1]?.cost,
  );
  return apart.flatMap((point) => {
    const [x, y] = place(point);
    const text = whole(point.one.gpus);
    const wide = text.length * LETTER_WIDTH;
    for (const [at, baseline] of [
      [x + 9, y - 5],
      [x + 9, y + 14],
      [x - 9 - wide, y + 14],
      [x - 9 - wide, y - 5],
    ] as const) {
      const box = { left: at, right: at + wide, top: baseline - LINE_HEIGHT + 3, bottom: baseline + 3 };
      const isInside =
        box.left > left && box.right < width - right + 8 && box.top > top - 8 && box.bottom < height - bottom;
      const isFree = taken.every(
        (other) => box.left > other.right || box.right < other.left || box.top > other.bottom || box.bottom < other.top,
      );
      if (!isInside || !isFree) continue;
      taken.push(box);
      return [html`<text class="halo" x="${round(at)}" y="${round(baseline)}">${text}</text>`];
    }
    return [];
  });
}

function scaleOver(values: readonly number[], from: number, to: number): { scale: Scale; isLog: boolean } {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const isLog = high > LINEAR_MOST * low;
  return { scale: isLog ? logScale(low, high, from, to) : linearScale(low, high, from, to), isLog };
}

/** Room is short at an axis: `1.2 M`, `760 k`, `0.5`. */
function shortText(value: number): string {
  if (value >= 1e6) return `${Number((value / 1e6).toPrecision(3))} M`;
  return value >= 10_000 ? `${Number((value / 1000).toPrecision(3))} k` : String(value);
}
