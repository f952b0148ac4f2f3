import type { ScenarioSummary } from '../../../twin/scenario-summary.ts';
import { linearScale, round, type Value } from '../page-chart.ts';
import { html, type Markup, NOTHING, table } from '../page-markup.ts';
import { comparedDevice, inked, type Lettered, letterKey } from './scenarios.ts';
import { causeName, shortNumber } from '../sim-page/losses.ts';
import { bar, circle, spreadBar, whisker } from '../sim-page/marks.ts';
import { laneY, rowsChart, rowsFrame, rowY } from '../sim-page/rows.ts';
import { key } from '../sim-page/section.ts';
import { shareScale } from '../sim-page/states.ts';
import { LAYERS } from '../sim-page/steps.ts';
import { LAYER_INKS } from '../sim-page/style.ts';
import { digits, percent } from '../sim-words.ts';

const BAR_HEIGHT = 10;
/** A part that is narrower bears no number. */
const NUMBER_WIDTH = 14;

/** Work that was not kept, by what ended it. Null where nothing was lost. */
export function lossesByCause(scenarios: readonly Lettered[], isSpread: boolean): Markup | null {
  const device = comparedDevice(scenarios);
  const costOf = (loss: ScenarioSummary['losses'][number]) => loss.lostHours.mean + loss.overheadHours.mean;
  const dearest = new Map<string, ScenarioSummary['losses'][number]>();
  for (const loss of scenarios.flatMap(({ summary }) => summary.losses)) {
    const known = dearest.get(loss.cause);
    if (costOf(loss) > 0 && (known === undefined || costOf(loss) > costOf(known))) dearest.set(loss.cause, loss);
  }
  const causes = [...dearest.values()].toSorted((a, b) => costOf(b) - costOf(a));
  if (causes.length === 0) return null;
  const frame = rowsFrame(causes.length, 160, { lanes: scenarios.map(({ letter }) => letter) });
  const most = Math.max(
    ...scenarios.flatMap(({ summary }) => summary.losses.map((loss) => Math.max(costOf(loss), loss.lostHours.high))),
  );
  const x = linearScale(0, most, frame.left, frame.width - frame.right, 4);
  const values: Value[] = [];
  const bars = causes.map(({ cause }, index) =>
    scenarios.map((scenario, lane) => {
      const loss = scenario.summary.losses.find((each) => each.cause === cause);
      if (loss === undefined) return NOTHING;
      const y = laneY(frame, index, lane);
      const { lostHours, overheadHours } = loss;
      const [middle, end] = [x.at(lostHours.mean), x.at(lostHours.mean + overheadHours.mean)];
      const range = lostHours.low === lostHours.high ? '' : ` (${digits(lostHours.low)} to ${digits(lostHours.high)})`;
      values.push({
        x: end,
        y,
        text: `${causeName(cause)}, ${scenario.letter}: ${digits(lostHours.mean)} ${device}-hours lost${range}, ${digits(overheadHours.mean)} overhead`,
      });
      return inked(scenario, [
        bar('full', x.at(0), middle, y, BAR_HEIGHT - 2),
        bar('open', middle, end, y, BAR_HEIGHT - 2),
        whisker(x.at(lostHours.low), x.at(lostHours.high), y),
      ]);
    }),
  );
  const chart = rowsChart('compared-losses', `${device}-hours lost by cause`, frame, {
    names: causes.map(({ cause }) => causeName(cause)),
    x: { ...x, textOf: shortNumber },
    titles: { rows: 'ended by', x: `${device}-hours` },
    values,
    marks: bars,
  });
  const [first] = scenarios;
  if (first === undefined) return null;
  const entries: [Markup, string][] = [
    [inked(first, bar('full', 4, 30, 7, BAR_HEIGHT)), 'work that was not kept'],
    [inked(first, bar('open', 4, 30, 7, BAR_HEIGHT)), 'restarts and stalls of these attempts'],
  ];
  if (isSpread) entries.push([whisker(4, 30, 7), 'lowest to highest seed']);
  return html`<figure>${chart}${key(entries)}${letterKey(scenarios)}</figure>`;
}

/** How attempts ended. Null where none did. */
export function stateMix(scenarios: readonly Lettered[], isSpread: boolean): Markup | null {
  const states = [...new Set(scenarios.flatMap(({ summary }) => summary.states.map(({ state }) => state)))];
  if (states.length === 0) return null;
  const frame = rowsFrame(states.length, 160, { lanes: scenarios.map(({ letter }) => letter) });
  const x = shareScale(frame);
  const values: Value[] = [];
  const marks = states.map((state, index) =>
    scenarios.map((scenario, lane) => {
      const share = scenario.summary.states.find((each) => each.state === state)?.share;
      if (share === undefined) return NOTHING;
      const y = laneY(frame, index, lane);
      const range = share.low === share.high ? '' : ` (${percent(share.low)} to ${percent(share.high)})`;
      values.push({ x: x.at(share.mean), y, text: `${state}, ${scenario.letter}: ${percent(share.mean)}${range}` });
      return inked(scenario, [spreadBar(x.at(share.low), y, x.at(share.high), y), circle('full', x.at(share.mean), y)]);
    }),
  );
  const chart = rowsChart('compared-states', 'Attempts by state', frame, {
    names: states,
    x,
    titles: { rows: 'state', x: 'share of attempts (logarithmic)' },
    values,
    marks,
  });
  const [first] = scenarios;
  const spread: [Markup, string][] =
    isSpread && first !== undefined ? [[inked(first, spreadBar(2, 7, 32, 7)), 'lowest to highest seed']] : [];
  return html`<figure>${chart}${key(spread)}${letterKey(scenarios)}</figure>`;
}

/** Where the device time of each scenario went: all of it, from 0 to 100 %. */
export function deviceTimeBars(scenarios: readonly Lettered[]): Markup {
  const device = comparedDevice(scenarios);
  const frame = rowsFrame(scenarios.length, 34, { right: 26 });
  const x = linearScale(0, 100, frame.left, frame.width - frame.right, 5);
  const values: Value[] = [];
  const bars = scenarios.map(({ summary, letter }, index) => {
    const y = rowY(frame, index);
    let from = 0;
    const parts = LAYERS.map(({ name }, number) => {
      const share = shareOf(summary, name);
      const start = x.at(100 * from);
      from += share;
      const wide = x.at(100 * Math.min(from, 1)) - start;
      if (wide < 0.05) return NOTHING;
      const text =
        wide < NUMBER_WIDTH
          ? NOTHING
          : html`<text x="${round(start + wide / 2)}" y="${round(y + 5)}" text-anchor="middle" style="fill:${LAYER_INKS[name].text};font-weight:600">${number + 1}</text>`;
      return html`<rect x="${round(start)}" y="${round(y - 9)}" width="${round(wide)}" height="18" style="fill:${LAYER_INKS[name].fill}"/>${text}`;
    });
    const words = LAYERS.map(({ name, title }) => `${title} ${percent(shareOf(summary, name))}`).join('\n');
    values.push({ x: x.at(50), y, text: `${letter}\n${words}` });
    return parts;
  });
  const chart = rowsChart('compared-device-time', `Where the ${device} time went`, frame, {
    names: scenarios.map(({ letter }) => letter),
    x: { ...x, textOf: (value) => `${value} %` },
    titles: { rows: '', x: `of all ${device} time` },
    values,
    marks: bars,
  });
  return html`<figure>${chart}<figcaption>The numbers are those of the table.</figcaption></figure>`;
}

export function deviceTimeTable(scenarios: readonly Lettered[]): Markup {
  const device = comparedDevice(scenarios);
  const rows = LAYERS.map(({ name, title }, index) => {
    const swatch = html`<span class="swatch" style="background:${LAYER_INKS[name].fill};color:${LAYER_INKS[name].text}">${index + 1}</span>`;
    const cells = scenarios.map(({ summary }) => html`<td>${percent(shareOf(summary, name))}</td>`);
    return html`<tr><th scope="row">${swatch} ${title}</th>${cells}</tr>`;
  });
  return table(`Shares of ${device} time`, [`${device} time`, ...scenarios.map(({ letter }) => letter)], rows);
}

function shareOf({ deviceTime }: ScenarioSummary, kind: (typeof LAYERS)[number]['name']): number {
  return deviceTime.find((each) => each.kind === kind)?.share.mean ?? 0;
}
