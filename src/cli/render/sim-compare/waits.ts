import type { ScenarioSummary } from '../../../twin/scenario-summary.ts';
import type { Spread } from '../../../twin/spread.ts';
import { round, type Value } from '../page-chart.ts';
import { html, type Markup, NOTHING } from '../page-markup.ts';
import { comparedDevice, inked, type Lettered, letterKey } from './scenarios.ts';
import { sizesOf } from './sizes.ts';
import { bar, circle, line, spreadBar, square } from '../sim-page/marks.ts';
import { laneY, rowsChart, type RowsFrame, rowsFrame } from '../sim-page/rows.ts';
import { key } from '../sim-page/section.ts';
import { waitScale } from '../sim-page/waits.ts';
import { percent, shortTime } from '../sim-words.ts';

type WaitRow = ScenarioSummary['waits'][number];

/** Of the column of jobs that never started: the margin it is in, its longest bar, and what is left of that. */
const LEFT_OVER = { right: 118, bar: 38, gap: 12 } as const;

/** Whether a run ended before all of its jobs had started. */
export function isSomeLeft(scenarios: readonly Lettered[]): boolean {
  return scenarios.some(({ summary }) => summary.waits.some(({ notStarted }) => notStarted.high > 0));
}

/**
 * Median and 90 % of the waits by size, scenario below scenario, and beside them the share of jobs that had not started when the run ended, where there
 * are such. Null where there was no job.
 */
export function waitsBySize(scenarios: readonly Lettered[], isSpread: boolean): Markup | null {
  const device = comparedDevice(scenarios);
  const sizes = sizesOf(scenarios.flatMap(({ summary }) => summary.waits.map(({ size }) => size)));
  if (sizes.length === 0) return null;
  const rows = scenarios.flatMap(({ summary }) => summary.waits);
  const isLeft = isSomeLeft(scenarios);
  const lanes = scenarios.map(({ letter }) => letter);
  const frame = rowsFrame(sizes.length, 106, { lanes, ...(isLeft && { right: LEFT_OVER.right }) });
  const longest = Math.max(0, ...rows.map(({ p90Seconds }) => p90Seconds?.high ?? 0));
  const x = waitScale(frame, longest);
  const values: Value[] = [];
  const marks = sizes.map((size, index) =>
    scenarios.map((scenario, lane) => {
      const row = scenario.summary.waits.find((each) => each.size.label === size.label);
      if (row === undefined) return NOTHING;
      const y = laneY(frame, index, lane);
      const { medianSeconds, p90Seconds, notStarted } = row;
      values.push({
        x: p90Seconds === null ? frame.left : x.at(p90Seconds.mean),
        y,
        text: `${size.label} ${device}s, ${scenario.letter}: ${words(row)}`,
      });
      const spread = ({ low, high }: Spread) => spreadBar(x.at(low), y, x.at(high), y);
      const ofStarted =
        medianSeconds === null || p90Seconds === null
          ? []
          : [
              spread(medianSeconds),
              spread(p90Seconds),
              line('thin', x.at(medianSeconds.mean), y, x.at(p90Seconds.mean), y),
              square('open', x.at(p90Seconds.mean), y),
              circle('full', x.at(medianSeconds.mean), y),
            ];
      return inked(scenario, [...ofStarted, isLeft ? leftOver(frame, notStarted, y) : NOTHING]);
    }),
  );
  const chart = rowsChart('compared-waits', 'Waits by size of the job', frame, {
    names: sizes.map(({ label }) => label),
    x,
    titles: { rows: `${device}s of the job`, x: 'wait (logarithmic)' },
    values,
    marks: isLeft ? html`<text x="${frame.width - 4}" y="14" text-anchor="end">not started</text>${marks}` : marks,
  });
  const [first] = scenarios;
  const entries: [Markup, string][] =
    first === undefined
      ? []
      : [
          [inked(first, circle('full', 17, 7)), 'median'],
          [inked(first, square('open', 17, 7)), '90 % wait no longer'],
        ];
  if (first !== undefined && isSpread) entries.push([inked(first, spreadBar(2, 7, 32, 7)), 'lowest to highest seed']);
  return html`<figure>${chart}${key(entries)}${letterKey(scenarios)}</figure>`;
}

/** A bar as long as the share, and the share. */
function leftOver({ width, right }: RowsFrame, { mean }: Spread, y: number): Markup {
  const from = width - right + LEFT_OVER.gap;
  return html`${bar('left-over', from, from + LEFT_OVER.bar * mean, y, 9)}<text x="${width - 4}" y="${round(y + 4)}" text-anchor="end">${percent(mean)}</text>`;
}

function words({ medianSeconds, p90Seconds, notStarted }: WaitRow): string {
  const say = ({ mean, low, high }: Spread) =>
    low === high ? shortTime(mean) : `${shortTime(mean)} (${shortTime(low)} to ${shortTime(high)})`;
  const waits =
    medianSeconds === null || p90Seconds === null
      ? 'none started'
      : `median ${say(medianSeconds)}\n90 % within ${say(p90Seconds)}`;
  return notStarted.high === 0 ? waits : `${waits}\n${percent(notStarted.mean)} had not started at the end`;
}
