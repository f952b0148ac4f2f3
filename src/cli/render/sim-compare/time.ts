import type { SpreadOverTime } from '../../../twin/series-spread.ts';
import { drawing, type Frame, round } from '../page-chart.ts';
import { html, type Markup, NOTHING } from '../page-markup.ts';
import { comparedDevice, inked, type Lettered, letterKey } from './scenarios.ts';
import { shortNumber } from '../sim-page/losses.ts';
import { niceTicks } from '../sim-page/occupancy.ts';
import { embedded } from '../sim-page/section.ts';
import { stepBand, stepLine, type Stretch } from '../sim-page/steps.ts';
import { momentText, timeAxis } from '../sim-page/time.ts';
import { digits, percent, whole } from '../sim-words.ts';

const WIDE: Frame = { width: 1040, height: 580, left: 66, right: 30, top: 26, bottom: 46 };
const NARROW: Frame = { width: 420, height: 580, left: 58, right: 22, top: 26, bottom: 46 };
const GAP = 40;
const PANELS = 3;
const LETTER_HEIGHT = 14;

interface Panel {
  title: string;
  valuesOf: (scenario: Lettered) => SpreadOverTime;
  /** Of what is drawn; null: as much as there is. */
  most: number | null;
  ticks: number;
}

/** Occupancy and queue of each scenario over time: the mean over the seeds, with the least and the greatest of them. */
export function timeCharts(scenarios: readonly Lettered[], isSpread: boolean): Markup {
  const device = comparedDevice(scenarios);
  const end = Math.max(...scenarios.map(({ summary }) => summary.endSeconds));
  const warmup = Math.max(...scenarios.map(({ inputs }) => inputs.warmupDays)) * 86_400;
  const chart = (frame: Frame, kind: string) =>
    html`<div class="${kind}">${chartOf(frame, kind, scenarios, device, end, isSpread)}</div>`;
  const band = isSpread ? 'Means over the seeds, in a band from the lowest to the highest one.' : '';
  const warm =
    warmup > 0 ? ` The first ${momentText(warmup, end)} warmed the cluster up and is in no other figure.` : '';
  return html`<figure class="wide">${chart(WIDE, 'wide-only')}${chart(NARROW, 'narrow')}${embedded('time-values', textsOf(scenarios, device, end))}${letterKey(scenarios)}<figcaption>${`${band}${warm}`}</figcaption></figure>`;
}

function chartOf(
  frame: Frame,
  kind: string,
  scenarios: readonly Lettered[],
  device: string,
  end: number,
  isSpread: boolean,
): Markup {
  const { width, height, left, right, top, bottom } = frame;
  const time = timeAxis(end, left, width - right, width > 600 ? 12 : 6);
  const tall = (height - top - bottom - (PANELS - 1) * GAP) / PANELS;
  const panels: Panel[] = [
    {
      title: `allocated ${device}s, % of the cluster`,
      valuesOf: ({ summary }) => scaled(summary.series.allocated, 100),
      most: 100,
      ticks: 4,
    },
    { title: 'jobs that wait', valuesOf: ({ summary }) => summary.series.pendingJobs, most: null, ticks: 3 },
    {
      title: `${device}s they ask for`,
      valuesOf: ({ summary }) => summary.series.pendingDevices,
      most: null,
      ticks: 3,
    },
  ];
  const drawn = panels.map((panel, index) => {
    const ground = top + (index + 1) * tall + index * GAP;
    return panelMarks(frame, panel, ground, tall, scenarios, time.at, isSpread);
  });
  const ground = height - bottom;
  const columns = time.ticks.map((tick) => {
    const at = round(time.at(tick));
    return html`<line class="axis" x1="${at}" x2="${at}" y1="${ground}" y2="${ground + 5}"/><text x="${at}" y="${ground + 19}" text-anchor="middle">${time.text(tick)}</text>`;
  });
  const description = scenarios
    .map(({ letter, summary }) => {
      const { mean } = summary.series.allocated;
      return `${letter}: between ${percent(Math.min(...mean))} and ${percent(Math.max(...mean))} allocated, up to ${whole(Math.max(...summary.series.pendingJobs.mean))} jobs wait`;
    })
    .join('; ');
  return drawing(
    `time-${kind}`,
    'Occupancy and queue over time',
    `${description}.`,
    height,
    html`${drawn}${columns}<text x="${(left + width - right) / 2}" y="${height - 6}" text-anchor="middle">${`${time.unit} of the run`}</text>`,
    {
      width,
      attributes: html` data-texts="time-values" data-span="${`${left} ${width - right} ${top} ${ground}`}"`,
    },
  );
}

function panelMarks(
  { width, left, right }: Frame,
  { title, valuesOf, most, ticks }: Panel,
  ground: number,
  tall: number,
  scenarios: readonly Lettered[],
  xOf: (seconds: number) => number,
  isSpread: boolean,
): Markup {
  const highest = most ?? Math.max(1, ...scenarios.flatMap((scenario) => valuesOf(scenario).high));
  const named = niceTicks(highest, ticks);
  const yOf = (value: number) => ground - (Math.min(value, highest) / highest) * tall;
  const grid = named.map((tick) => {
    const at = round(yOf(tick));
    return html`<line class="${tick === 0 ? 'axis' : 'grid'}" x1="${left}" x2="${width - right}" y1="${at}" y2="${at}"/><text x="${left - 8}" y="${at + 4}" text-anchor="end">${shortNumber(tick)}</text>`;
  });
  const bands = scenarios.map((scenario) => {
    const { low, high } = valuesOf(scenario);
    const path = isSpread ? stepBand(stretchesOf(scenario), low, high, xOf, yOf) : '';
    return path === ''
      ? NOTHING
      : inked(scenario, html`<path class="${scenarios.length > 2 ? 'band faint' : 'band'}" d="${path}"/>`);
  });
  const lines = scenarios.map((scenario) =>
    inked(
      scenario,
      html`<path class="trace" d="${stepLine(stretchesOf(scenario), valuesOf(scenario).mean, xOf, yOf)}"/>`,
    ),
  );
  const ends = scenarios.map((scenario) => {
    const stretches = stretchesOf(scenario);
    return { scenario, x: xOf(stretches.at(-1)?.to ?? 0) + 6, y: yOf(valuesOf(scenario).mean.at(-1) ?? 0) + 4 };
  });
  const letters = apart(ends, ground - tall + 4).map(({ scenario, x, y }) =>
    inked(scenario, html`<text class="named halo" x="${round(x)}" y="${round(y)}">${scenario.letter}</text>`),
  );
  return html`<text x="4" y="${round(ground - tall - 10)}">${title}</text>${grid}${bands}${lines}${letters}`;
}

/** Letters that would lie on others moved up, from the lowest one on; as far down as those above it need, so that all stay below `top`. */
function apart<End extends { x: number; y: number }>(ends: readonly End[], top: number): End[] {
  const placed: End[] = [];
  const sorted = ends.toSorted((a, b) => b.y - a.y);
  for (const [index, end] of sorted.entries()) {
    const isNear = ({ x }: End) => Math.abs(x - end.x) < LETTER_HEIGHT;
    const above = sorted.slice(index + 1).filter(isNear).length;
    const wanted = Math.max(end.y, top + LETTER_HEIGHT * above);
    placed.push({ ...end, y: Math.min(wanted, ...placed.filter(isNear).map(({ y }) => y - LETTER_HEIGHT)) });
  }
  return placed;
}

function stretchesOf({ summary: { series, endSeconds } }: Lettered): Stretch[] {
  const { stepSeconds } = series;
  return series.allocated.mean.map((_, step) => ({
    from: step * stepSeconds,
    to: Math.min((step + 1) * stepSeconds, endSeconds),
  }));
}

/** What there is to read at each step. */
function textsOf(scenarios: readonly Lettered[], device: string, end: number): string[] {
  const steps = Math.max(...scenarios.map(({ summary }) => summary.series.allocated.mean.length));
  return Array.from({ length: steps }, (_, step) => {
    const [longest] = scenarios;
    const lines = scenarios.flatMap(({ letter, summary: { series } }) => {
      const share = series.allocated.mean[step];
      if (share === undefined) return [];
      const [low = share, high = share] = [series.allocated.low[step], series.allocated.high[step]];
      const band = high - low < 0.001 ? '' : ` (${percent(low)} to ${percent(high)})`;
      return [
        `${letter}: ${percent(share)} allocated${band}, ${digits(series.pendingJobs.mean[step] ?? 0)} jobs wait for ${whole(series.pendingDevices.mean[step] ?? 0)} ${device}s`,
      ];
    });
    return [momentText(step * (longest?.summary.series.stepSeconds ?? 0), end), ...lines].join('\n');
  });
}

function scaled({ mean, low, high }: SpreadOverTime, factor: number): SpreadOverTime {
  const times = (values: readonly number[]) => values.map((value) => value * factor);
  return { mean: times(mean), low: times(low), high: times(high) };
}
