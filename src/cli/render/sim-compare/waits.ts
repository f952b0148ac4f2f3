import type { ScenarioSummary } from '../../../twin/scenario-summary.ts';
import type { Value } from '../page-chart.ts';
import { html, type Markup, NOTHING } from '../page-markup.ts';
import { comparedDevice, inked, type Lettered, letterKey } from './scenarios.ts';
import { sizesOf } from './sizes.ts';
import { circle, line, spreadBar, square } from '../sim-page/marks.ts';
import { laneY, rowsChart, rowsFrame } from '../sim-page/rows.ts';
import { key } from '../sim-page/section.ts';
import { waitScale } from '../sim-page/waits.ts';
import { shortTime } from '../sim-words.ts';

type WaitRow = ScenarioSummary['waits'][number];

/** Median and 90 % of the waits by size, scenario below scenario. Null where no job started. */
export function waitsBySize(scenarios: readonly Lettered[], isSpread: boolean): Markup | null {
  const device = comparedDevice(scenarios);
  const sizes = sizesOf(scenarios.flatMap(({ summary }) => summary.waits.map(({ size }) => size)));
  if (sizes.length === 0) return null;
  const frame = rowsFrame(sizes.length, 106, { lanes: scenarios.map(({ letter }) => letter) });
  const longest = Math.max(
    ...scenarios.flatMap(({ summary }) => summary.waits.map(({ p90Seconds }) => p90Seconds.high)),
  );
  const x = waitScale(frame, longest);
  const values: Value[] = [];
  const marks = sizes.map((size, index) =>
    scenarios.map((scenario, lane) => {
      const row = scenario.summary.waits.find((each) => each.size.label === size.label);
      if (row === undefined) return NOTHING;
      const y = laneY(frame, index, lane);
      values.push({
        x: x.at(row.p90Seconds.mean),
        y,
        text: `${size.label} ${device}s, ${scenario.letter}: ${words(row)}`,
      });
      const spread = ({ low, high }: WaitRow['p90Seconds']) => spreadBar(x.at(low), y, x.at(high), y);
      return inked(scenario, [
        spread(row.medianSeconds),
        spread(row.p90Seconds),
        line('thin', x.at(row.medianSeconds.mean), y, x.at(row.p90Seconds.mean), y),
        square('open', x.at(row.p90Seconds.mean), y),
        circle('full', x.at(row.medianSeconds.mean), y),
      ]);
    }),
  );
  const chart = rowsChart('compared-waits', 'Waits by size of the job', frame, {
    names: sizes.map(({ label }) => label),
    x,
    titles: { rows: `${device}s of the job`, x: 'wait (logarithmic)' },
    values,
    marks,
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

function words({ medianSeconds, p90Seconds }: WaitRow): string {
  const say = ({ mean, low, high }: WaitRow['p90Seconds']) =>
    low === high ? shortTime(mean) : `${shortTime(mean)} (${shortTime(low)} to ${shortTime(high)})`;
  return `median ${say(medianSeconds)}\n90 % within ${say(p90Seconds)}`;
}
