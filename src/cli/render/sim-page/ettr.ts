import type { EttrReport, TwinReport } from '../../../twin/report.ts';
import { axes, drawing, type Frame, linearScale, logScale, polyline, type Value, valuesOf } from '../page-chart.ts';
import { html, type Markup, table } from '../page-markup.ts';
import { deviceWord } from '../sim-facts.ts';
import { circle, line, square } from './marks.ts';
import { key, section } from './section.ts';
import { digits, percent, shortTime, whole } from '../sim-words.ts';

/** Between the chart and its axes, for charts beside a table. */
export const PLOT: Frame = { width: 440, height: 320, left: 56, right: 18, top: 30, bottom: 50 };
/** Sizes are powers of two: labels at every so many of them. */
const SIZE_TICKS = [1, 8, 64, 512, 4096, 32_768, 262_144];

/** Over the sizes of jobs, one step to a doubling. */
export function sizeScale(sizes: readonly number[], { width, left, right }: Frame) {
  const [low, high] = [Math.min(...sizes), Math.max(...sizes)];
  const { at } = logScale(low, high, left, width - right);
  const within = SIZE_TICKS.filter((tick) => tick >= low / 1.2 && tick <= high * 1.2);
  return { at, ticks: within.length > 1 ? within : [...new Set(sizes)] };
}

export function ettrSection(report: TwinReport): Markup {
  const { ettr } = report.predictions;
  const device = deviceWord(report);
  const least = shortTime(ettr.scheduledSecondsMin);
  const { all } = ettr;
  if (all === null) {
    return section(
      'ettr',
      'predicted',
      'ETTR',
      html`<p>${`No job that ended had been on nodes for ${least} or more. Of shorter jobs the effective training time ratio says little: one restart is much of them.`}</p>`,
    );
  }
  const hasFormula = ettr.bySize.some(({ formula }) => formula !== null);
  const words = hasFormula
    ? `The formula knows failures, restarts and checkpoints, not preemption, time limits or jobs that save nothing; so it is held against those jobs alone that had work for ${least} or more, write checkpoints, were never preempted and did not run into their limit, without the wait before their first start.`
    : 'There is no formula to hold it against: no job of these writes checkpoints, or nothing fails.';
  const isOther = hasFormula && isRateOther(report);
  const keys: [Markup, string][] = [
    [html`${line('other', 0, 7, 34, 7)}${square('hollow', 17, 7)}`, `all jobs of ${least} or more, waits included`],
  ];
  if (hasFormula) {
    keys.push([html`${line('chosen', 0, 7, 34, 7)}${circle('chosen dot', 17, 7)}`, 'jobs that the formula is about']);
    keys.push([line('theory', 0, 7, 34, 7), isOther ? 'the formula at the rate given' : 'the formula for these']);
    if (isOther) keys.push([line('theory seen', 0, 7, 34, 7), 'the formula at the rate seen']);
  }
  return section(
    'ettr',
    'predicted',
    `ETTR: ${percent(all.ettr)} of the time of long jobs moved them on`,
    html`<p>${`Effective training time ratio: productive time over time on nodes and in the queue, of the ${whole(all.jobs)} jobs that ended after ${least} or more on nodes. ${words}${isOther ? ratesText(report) : ''}`}</p>
<div class="pair"><figure>${ettrChart(ettr, device, isOther)}${key(keys)}<figcaption>Sizes of which few jobs ran that long say little: the table has their number.</figcaption></figure>${ettrTable(ettr, device, isOther)}</div>
${hasFormula ? html`<p class="lesser">Formula: expected time of a segment between checkpoints with failures at random, (M + q) exp(u0 / M) (exp((T + w) / M) - 1) for T productive (Daly 2006, with a wait q as Bougeret et al. 2011), to first order (1 - N r_f (u0 + T / 2)) / (1 + N r_f q) as in Kokolis et al., HPCA 2025; u0 with the time that it takes to notice a failure, and with the first start of each job.</p>` : ''}`,
  );
}

/** Whether large jobs saw failures at a rate that the one given does not explain. */
function isRateOther({ inputs, predictions }: TwinReport): boolean {
  const { interval, failures } = predictions.failures.rateOfLarge;
  if (inputs.failuresPerNodeDay === null || interval === null || failures === 0) return false;
  const given = inputs.failuresPerNodeDay * 1000;
  return given < interval.low || given > interval.high;
}

function ratesText(report: TwinReport): string {
  const { inputs, predictions } = report;
  const given = digits((inputs.failuresPerNodeDay ?? 0) * 1000);
  const seen = digits(predictions.failures.rateOfLarge.perThousandNodeDays ?? 0);
  const why =
    (predictions.lemons?.nodesFlagged ?? 0) > 0
      ? 'lemon nodes are drained here, so jobs fail less often'
      : 'nodes do not fail alike here';
  return ` It is drawn at the rate given, ${given} failures per 1,000 node-days, and at the ${seen} that jobs of more than 128 ${deviceWord(report)}s saw, as the paper takes it: ${why}.`;
}

function ettrChart({ bySize }: EttrReport, device: string, isOther: boolean): Markup {
  const { width, height, top, bottom } = PLOT;
  const x = sizeScale(
    bySize.map(({ size }) => size.from),
    PLOT,
  );
  const lowest = Math.min(...bySize.flatMap(({ ettr, formula }) => [ettr, formula?.ettr ?? 1, formula?.measured ?? 1]));
  const y = linearScale(Math.min(lowest, 0.9), 1, height - bottom, top);
  const atSeen = bySize.flatMap(({ size, formula }) => {
    const seen = isOther ? (formula?.ettrAtRateOfLarge ?? null) : null;
    return seen === null ? [] : [{ size, seen }];
  });
  const withFormula = bySize.flatMap(({ size, formula }) => (formula === null ? [] : [{ size, formula }]));
  const values = bySize.map(({ size, ettr, jobs, formula }): Value => {
    const other =
      formula === null
        ? ''
        : `\nwith checkpoints ${formula.measured.toFixed(3)} (${whole(formula.jobs)} jobs), by formula ${formula.ettr.toFixed(3)}${isOther && formula.ettrAtRateOfLarge !== null ? `, at the rate seen ${formula.ettrAtRateOfLarge.toFixed(3)}` : ''}`;
    return {
      x: x.at(size.from),
      y: y.at(formula?.measured ?? ettr),
      text: `${size.label} ${device}s: ETTR ${ettr.toFixed(3)} (${whole(jobs)} jobs)${other}`,
    };
  });
  return drawing(
    'ettr-chart',
    'ETTR by size of the job',
    `${values.map(({ text }) => text.replace('\n', ', ')).join('; ')}.`,
    height,
    html`${axes(x, y, { x: `${device}s of the job (logarithmic)`, y: 'ETTR' }, { x: whole, y: (value) => value.toFixed(2) }, PLOT)}${polyline(
      'other',
      bySize.map(({ size, ettr }) => [x.at(size.from), y.at(ettr)]),
    )}${bySize.map(({ size, ettr }) => square('hollow', x.at(size.from), y.at(ettr)))}${polyline(
      'chosen',
      withFormula.map(({ size, formula }) => [x.at(size.from), y.at(formula.measured)]),
    )}${withFormula.map(({ size, formula }) => circle('chosen dot', x.at(size.from), y.at(formula.measured)))}${polyline(
      'theory',
      withFormula.map(({ size, formula }) => [x.at(size.from), y.at(formula.ettr)]),
    )}${polyline(
      'theory seen',
      atSeen.map(({ size, seen }) => [x.at(size.from), y.at(seen)]),
    )}`,
    { width, attributes: valuesOf(values, 'columns') },
  );
}

function ettrTable({ bySize }: EttrReport, device: string, isOther: boolean): Markup {
  const of = (value: number | null | undefined) => value?.toFixed(3) ?? '-';
  const rows = bySize.map(
    ({ size, jobs, ettr, formula }) =>
      html`<tr><th scope="row">${size.label}</th><td>${whole(jobs)}</td><td>${ettr.toFixed(3)}</td><td>${formula === null ? '-' : whole(formula.jobs)}</td><td>${of(formula?.measured)}</td>${isOther ? html`<td>${of(formula?.ettrAtRateOfLarge)}</td>` : ''}<td>${of(formula?.ettr)}</td></tr>`,
  );
  return table(
    'ETTR by size',
    [
      `${device}s`,
      'long jobs',
      'ETTR',
      'for the for\u00admula',
      'their ETTR',
      ...(isOther ? ['by for\u00admula, as seen', 'as given'] : ['by for\u00admula']),
    ],
    rows,
  );
}
