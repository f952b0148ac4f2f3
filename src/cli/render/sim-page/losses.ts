import type { Loss, TwinReport } from '../../../twin/report.ts';
import { linearScale, type Value } from '../page-chart.ts';
import { html, type Markup, table } from '../page-markup.ts';
import { deviceWord } from '../sim-facts.ts';
import { bar } from './marks.ts';
import { rowsChart, rowsFrame, rowY } from './rows.ts';
import { key, section } from './section.ts';
import { digits, percent, whole } from '../sim-words.ts';

const BAR_HEIGHT = 14;
/** Names in words. */
const CAUSES: Partial<Record<Loss['cause'], string>> = {
  gpu: 'GPU',
  nvlink: 'NVLink',
  ib_link: 'InfiniBand link',
  pcie: 'PCIe',
  mount: 'file system mount',
  unattributed: 'not attributed',
  false_positive: 'false alarm',
  timeout: 'time limit',
  user_failure: 'own failure',
  cancel: 'cancelled',
  requeue: 'requeued',
};

export function lossesSection(report: TwinReport): Markup {
  const { losses, deviceTime, attempts } = report.predictions;
  const device = deviceWord(report);
  const costly = losses.filter(({ lostHours, overheadHours }) => lostHours + overheadHours > 0);
  if (losses.length === 0) {
    return section(
      'losses',
      'predicted',
      'Losses by cause: none',
      html`<p>${attempts === 0 ? 'No attempt ended in this run.' : 'Every attempt that ended did what it was to do.'}</p>`,
    );
  }
  const rows = losses.map(
    ({ cause, deviceHours, lostHours, overheadHours, ...loss }) =>
      html`<tr><th scope="row">${causeName(cause)}</th><td>${whole(loss.attempts)}</td><td>${digits(lostHours)}</td><td>${digits(overheadHours)}</td><td>${digits(deviceHours)}</td></tr>`,
  );
  const lost = table('Losses by cause', ['ended by', 'attempts', `lost ${device}-hours`, 'overhead', 'in all'], rows);
  const chart =
    costly.length === 0
      ? html`<p>${`None of them cost a ${device}-hour of work.`}</p>`
      : html`<figure>${lossChart(costly, device)}${key([
          [html`<rect class="lost" x="4" y="1" width="26" height="12"/>`, 'work that was not kept'],
          [html`<rect class="hollow" x="4" y="1" width="26" height="12"/>`, 'restarts and stalls of these attempts'],
        ])}</figure>`;
  return section(
    'losses',
    'predicted',
    `Losses by cause: ${digits(deviceTime.lost)} ${device}-hours of work were not kept`,
    html`<p>${`Attempts that ended before their job was done, by what ended them. ${percent(deviceTime.capacity === 0 ? 0 : deviceTime.lost / deviceTime.capacity)} of all ${device} time was lost.`}</p>
<div class="pair">${chart}${lost}</div>`,
  );
}

export function causeName(cause: Loss['cause']): string {
  return CAUSES[cause] ?? cause;
}

function lossChart(rows: readonly Loss[], device: string): Markup {
  const frame = rowsFrame(rows.length, 142);
  const most = Math.max(...rows.map(({ lostHours, overheadHours }) => lostHours + overheadHours));
  const scale = linearScale(0, most, frame.left, frame.width - frame.right, 4);
  const values: Value[] = [];
  const bars = rows.map(({ cause, lostHours, overheadHours, attempts }, index) => {
    const y = rowY(frame, index);
    const [middle, end] = [scale.at(lostHours), scale.at(lostHours + overheadHours)];
    values.push({
      x: end,
      y,
      text: `${causeName(cause)}: ${digits(lostHours)} ${device}-hours lost, ${digits(overheadHours)} overhead, ${whole(attempts)} attempts`,
    });
    return [bar('lost', scale.at(0), middle, y, BAR_HEIGHT), bar('hollow', middle, end, y, BAR_HEIGHT)];
  });
  return rowsChart('losses-chart', `${device}-hours lost by cause`, frame, {
    names: rows.map(({ cause }) => causeName(cause)),
    x: { ...scale, textOf: shortNumber },
    titles: { rows: 'ended by', x: `${device}-hours` },
    values,
    marks: bars,
  });
}

/** `2.5M`, `400k`, `80`. */
export function shortNumber(value: number): string {
  if (value >= 1e6) return `${Number((value / 1e6).toPrecision(3))}M`;
  return value >= 1000 ? `${Number((value / 1000).toPrecision(3))}k` : String(Number(value.toPrecision(3)));
}
