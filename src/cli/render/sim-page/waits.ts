import type { Distribution, TwinReport, WaitFigures } from '../../../twin/report.ts';
import type { Frame, Value } from '../page-chart.ts';
import { html, type Markup, NOTHING, table } from '../page-markup.ts';
import { deviceWord, leftOver } from '../sim-facts.ts';
import { circle, diamond, line, square, triangle } from './marks.ts';
import { type NamedScale, rowsChart, rowsFrame, rowY } from './rows.ts';
import { key, section } from './section.ts';
import { SPANS } from './time.ts';
import { counted, digits, percent, shortTime, whole } from '../sim-words.ts';

/** Shorter waits are drawn as this. */
const SHORTEST_SECONDS = 1;

interface Row {
  name: string;
  /** Null where none has started. */
  wait: Distribution | null;
  slowdown: Distribution | null;
  notStarted: number;
}

interface StartedRow extends Row {
  wait: Distribution;
}

export function waitsSection(report: TwinReport): Markup {
  const { waits } = report.predictions;
  const left = leftOver(report);
  const device = deviceWord(report);
  const all = waits.all.waitSeconds;
  if (all === null) {
    return section('waits', 'predicted', 'Waits', html`<p>No job started, so nothing is known of waits.</p>`);
  }
  const bySize = rowsOf(waits.bySize.map((figures) => [figures.size.label, figures]));
  const byQos = rowsOf(waits.byQos.map((figures) => [figures.qos, figures]));
  const perQos =
    byQos.length < 2
      ? NOTHING
      : html`<h3>By quality of service (QOS)</h3>${waitTable('Waits by QOS', { words: 'QOS' }, byQos, left !== null)}`;
  const others =
    left === null
      ? ''
      : ` ${counted(left.count, 'job')} (${percent(left.share)}) had not started when the run ended, ${shortTime(left.meanSeconds)} after submission in the mean, and are in none of these figures: waits of all jobs are longer.`;
  const chart = html`<figure>${waitChart(bySize.filter(isStarted), device)}${key([
    [circle('chosen dot', 17, 7), 'median'],
    [square('chosen dot', 17, 7), '90 %'],
    [triangle('chosen dot', 17, 7), '99 % wait no longer'],
    [diamond('mean', 17, 7), 'mean'],
  ])}</figure>`;
  // With a column more it is too wide to stand beside the chart.
  const bySizeTable = waitTable('Waits by size', `${device}s`, bySize, left !== null);
  return section(
    'waits',
    'predicted',
    waitsTitle(all, left !== null),
    html`<p>${`From submission to the first start, of ${counted(all.count, 'job')} by the ${device}s they ask for. The mean is ${shortTime(all.mean)}, 99 jobs in a hundred start ${withinWords(all.p99)}, and the longest wait is ${shortTime(all.max)}.${others}`}</p>
${left === null ? html`<div class="pair">${chart}${bySizeTable}</div>` : html`${chart}${bySizeTable}`}${perQos}
<p class="lesser">${`Slowdown: mean of max(1, (wait + run) / max(run, 10 s)), of jobs that ended. Quantiles are within 1 %, means exact.`}</p>`,
  );
}

/** How soon a job starts. */
export function withinWords(seconds: number): string {
  return seconds < SHORTEST_SECONDS ? 'at once' : `within ${shortTime(seconds)}`;
}

function waitsTitle({ median, p90 }: Distribution, isSomeLeft: boolean): string {
  const jobs = isSomeLeft ? 'jobs that started' : 'jobs';
  if (p90 < SHORTEST_SECONDS) return `Waits: nine of ten ${jobs} ${isSomeLeft ? 'did so' : 'start'} at once`;
  return `Waits: half of the ${jobs} ${isSomeLeft ? 'did so' : 'start'} ${withinWords(median)}, nine of ten ${withinWords(p90)}`;
}

function isStarted(row: Row): row is StartedRow {
  return row.wait !== null;
}

function rowsOf(figures: readonly (readonly [name: string, figures: WaitFigures])[]): Row[] {
  return figures.map(([name, { waitSeconds, boundedSlowdown, notStarted }]) => {
    return { name, wait: waitSeconds, slowdown: boundedSlowdown, notStarted: notStarted?.count ?? 0 };
  });
}

function waitTable(
  label: string,
  first: string | { words: string },
  rows: readonly Row[],
  isSomeLeft: boolean,
): Markup {
  const lines = rows.map(({ name, wait, slowdown, notStarted }) => {
    const times = wait === null ? ['-', '-', '-', '-'] : [wait.median, wait.mean, wait.p90, wait.p99].map(shortTime);
    const cells = [whole(wait?.count ?? 0), ...times, slowdown === null ? '-' : digits(slowdown.mean)];
    if (isSomeLeft) cells.push(whole(notStarted));
    return html`<tr><th scope="row">${name}</th>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>`;
  });
  const last = isSomeLeft ? ['not started'] : [];
  return table(label, [first, 'jobs', 'median', 'mean', '90 %', '99 %', 'slowdown', ...last], lines);
}

function waitChart(rows: readonly StartedRow[], device: string): Markup {
  // A label of the axis may stand at its very end.
  const frame = rowsFrame(rows.length, 90, { right: 24 });
  const x = waitScale(frame, Math.max(...rows.map(({ wait }) => Math.max(wait.p99, wait.mean))));
  const marks = rows.map(({ wait }, index) => {
    const y = rowY(frame, index);
    const at = (seconds: number) => x.at(seconds);
    return html`${line('range', at(wait.median), y, at(wait.p99), y)}${triangle('chosen dot', at(wait.p99), y)}${square('chosen dot', at(wait.p90), y)}${diamond('mean', at(wait.mean), y)}${circle('chosen dot', at(wait.median), y)}`;
  });
  const values = rows.flatMap(({ name, wait }, index): Value[] => {
    const text = `${name} ${device}s: ${counted(wait.count, 'job')}\nmedian ${shortTime(wait.median)}, mean ${shortTime(wait.mean)}\n90 % within ${shortTime(wait.p90)}, 99 % within ${shortTime(wait.p99)}`;
    return [{ x: x.at(wait.p99), y: rowY(frame, index), text }];
  });
  const description = `${rows.map(({ name, wait }) => `${name} ${device}s: median ${shortTime(wait.median)}, 99 % within ${shortTime(wait.p99)}`).join('; ')}.`;
  return rowsChart('waits-chart', 'Waits by size of the job', frame, {
    names: rows.map(({ name }) => name),
    x,
    titles: { rows: `${device}s of the job`, x: 'wait (logarithmic)' },
    values,
    marks,
    description,
  });
}

/** Logarithmic, up to the longest wait that is drawn. */
export function waitScale({ width, left, right }: Frame, longest: number): NamedScale {
  const end = Math.max(60, longest * 1.2);
  const shown = SPANS.filter(([seconds]) => seconds <= end);
  const span = Math.log(end / SHORTEST_SECONDS);
  const texts = new Map(shown);
  return {
    at: (seconds) =>
      left + 8 + (Math.log(Math.max(seconds, SHORTEST_SECONDS) / SHORTEST_SECONDS) / span) * (width - left - right - 8),
    ticks: shown.map(([seconds]) => seconds),
    textOf: (value) => (value <= SHORTEST_SECONDS ? '≤ ' : '') + (texts.get(value) ?? ''),
  };
}
