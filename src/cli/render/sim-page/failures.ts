import { mttfSeconds } from '../../../planner/failures.ts';
import type { LemonReport, MttfFigures, ReportInputs, TwinReport } from '../../../twin/report.ts';
import { axes, drawing, logScale, polyline, type Value, valuesOf } from '../page-chart.ts';
import { type Fact, factCards, html, type Markup, NOTHING, table } from '../page-markup.ts';
import { deviceWord } from '../sim-facts.ts';
import { PLOT, sizeScale } from './ettr.ts';
import { circle, diamond, line, triangle } from './marks.ts';
import { isLikePaper, key, section } from './section.ts';
import { SPANS } from './time.ts';
import { counted, digits, percent, shortTime, whole } from '../sim-words.ts';

/** Measured on RSC-1 and RSC-2, and projected with 6.5 failures per 1,000 node-days (Kokolis et al., HPCA 2025, arXiv 2410.21680). */
const PUBLISHED_MTTF: readonly { gpus: number; hours: number; isProjected: boolean }[] = [
  { gpus: 8, hours: 47.7 * 24, isProjected: false },
  { gpus: 1024, hours: 7.9, isProjected: false },
  { gpus: 16_384, hours: 1.8, isProjected: true },
  { gpus: 131_072, hours: 0.23, isProjected: true },
];

export function failuresSection(report: TwinReport): Markup {
  const { failures, lemons } = report.predictions;
  const device = deviceWord(report);
  if (report.inputs.failuresPerNodeDay === null && failures.attemptsFailed === 0) {
    return section(
      'failures',
      'predicted',
      'Failures: none',
      html`<p>Nothing was to fail in this run, so there is no mean time to failure to show.</p>`,
    );
  }
  const shown = failures.bySize.filter(({ attemptHours }) => attemptHours > 0);
  if (shown.length === 0) {
    return section(
      'failures',
      'predicted',
      'Failures: nothing ran',
      html`<p>No job ran, so no job could be ended by a failure.</p>`,
    );
  }
  const isPublished = isLikePaper(report);
  const keys: [Markup, string][] = [
    [html`${line('range', 0, 7, 34, 7)}${circle('chosen dot', 17, 7)}`, 'measured in this run, with its 90 % interval'],
    [html`${line('range', 0, 7, 34, 7)}${triangle('mean', 17, 7)}`, 'no failure seen: at least this'],
    [line('theory', 0, 7, 34, 7), 'theory: 1 / (N r_f)'],
  ];
  if (isPublished) keys.push([diamond('published', 17, 7), 'published of RSC, the last two projected']);
  return section(
    'failures',
    'predicted',
    `Failures: ${whole(failures.attemptsFailed)} attempts were ended by one${failures.mttf16384Hours === null || device === 'CPU' ? '' : `; 16,384 GPUs would fail every ${shortTime(failures.mttf16384Hours * 3600)}`}`,
    html`<p>${`Mean time to failure of a job by its ${device}s: time of attempts over the failures that ended them. ${rateWords(report)}`}</p>
<div class="pair"><figure>${mttfChart(shown, report.inputs, isPublished)}${key(keys)}${isPublished ? html`<figcaption>Published: Kokolis et al., Revisiting Reliability in Large-Scale Machine Learning Research Clusters, HPCA 2025 (arXiv 2410.21680): 47.7 days at 8 GPUs and 7.9 h at 1,024 measured, 1.8 h at 16,384 and 0.23 h at 131,072 projected. The measured two lie below the line of the paper's own rate.</figcaption>` : NOTHING}</figure>${mttfTable(shown, device)}</div>
${largeCards(report, lemons)}`,
  );
}

function rateWords({ inputs, predictions }: TwinReport): string {
  const { rateOfLarge } = predictions.failures;
  const given =
    inputs.failuresPerNodeDay === null
      ? 'No rate was given for the theory.'
      : `Theory takes the rate given, r_f = ${digits(1000 * inputs.failuresPerNodeDay)} per 1,000 node-days${(predictions.lemons?.nodesFlagged ?? 0) > 0 ? ' with all lemon nodes in service' : ''}, and N nodes; outages of switches and storage come on top.`;
  if (rateOfLarge.perThousandNodeDays === null || rateOfLarge.interval === null) return given;
  const { low, high } = rateOfLarge.interval;
  return `${given} Counted as in the paper, over jobs of more than 128, it came to ${digits(rateOfLarge.perThousandNodeDays)} (90 % interval ${digits(low)} to ${digits(high)}).`;
}

/** 1 / (N r_f) for the sizes that ran, and on to those that the paper projects to. */
function theoryLine(
  rows: readonly MttfFigures[],
  published: typeof PUBLISHED_MTTF,
  { failuresPerNodeDay, cluster }: ReportInputs,
): { devices: number; hours: number }[] {
  if (failuresPerNodeDay === null || failuresPerNodeDay === 0) return [];
  const largest = Math.max(...rows.map(({ size }) => size.from));
  const ran = rows.flatMap(({ size, theoryHours }) =>
    theoryHours === null ? [] : [{ devices: size.from, hours: theoryHours }],
  );
  const projected = published.flatMap(({ gpus }) => {
    const nodes = (gpus * cluster.nodes) / cluster.devices;
    return gpus <= largest ? [] : [{ devices: gpus, hours: mttfSeconds(nodes, failuresPerNodeDay) / 3600 }];
  });
  return [...ran, ...projected];
}

function mttfChart(rows: readonly MttfFigures[], inputs: ReportInputs, isPublished: boolean): Markup {
  const device = inputs.cluster.unit === 'gpu' ? 'GPU' : 'CPU';
  const { width, height, top, bottom } = PLOT;
  const published = isPublished ? PUBLISHED_MTTF : [];
  const x = sizeScale([...rows.map(({ size }) => size.from), ...published.map(({ gpus }) => gpus)], PLOT);
  const theory = theoryLine(rows, published, inputs);
  const heights = [
    ...rows.flatMap(({ mttfHours, intervalHours }) => [mttfHours ?? intervalHours.low, intervalHours.low]),
    ...rows.flatMap(({ intervalHours }) => (intervalHours.high === null ? [] : [intervalHours.high])),
    ...theory.map(({ hours }) => hours),
    ...published.map(({ hours }) => hours),
  ];
  const y = logScale(Math.min(...heights), Math.max(...heights), height - bottom, top);
  const isWithin = (at: number) => at >= top && at <= height - bottom;
  const values: Value[] = [];
  const marks = rows.map((row) => {
    const { size, mttfHours, intervalHours, failures } = row;
    const at = x.at(size.from);
    const seen = mttfHours ?? intervalHours.low;
    values.push({ x: at, y: y.at(seen), text: mttfWords(row, device) });
    const range = line(
      'range',
      at,
      y.at(intervalHours.low),
      at,
      intervalHours.high === null ? top : y.at(intervalHours.high),
    );
    return html`${range}${failures === 0 ? triangle('mean', at, y.at(seen)) : circle('chosen dot', at, y.at(seen))}`;
  });
  const paper = published.map(({ gpus, hours, isProjected }) => {
    const what = `${whole(gpus)} GPUs of RSC, published: ${shortTime(hours * 3600)}${isProjected ? ' (projected)' : ''}`;
    values.push({ x: x.at(gpus), y: y.at(hours), text: what });
    return diamond('published', x.at(gpus), y.at(hours));
  });
  return drawing(
    'mttf-chart',
    'Mean time to failure by size of the job',
    `${values.map(({ text }) => text.replaceAll('\n', ', ')).join('; ')}.`,
    height,
    html`${axes(
      x,
      { at: y.at, ticks: SPANS.map(([seconds]) => seconds / 3600).filter((hours) => isWithin(y.at(hours))) },
      { x: `${device}s of the job (logarithmic)`, y: 'mean time to failure (logarithmic)' },
      { x: whole, y: (hours) => SPANS.find(([seconds]) => seconds / 3600 === hours)?.[1] ?? '' },
      PLOT,
    )}${polyline(
      'theory',
      theory.map(({ devices, hours }) => [x.at(devices), y.at(hours)]),
    )}${marks}${paper}`,
    { width, attributes: valuesOf(values, 'columns') },
  );
}

function mttfWords({ size, failures, mttfHours, intervalHours, theoryHours }: MttfFigures, device: string): string {
  const { low, high } = intervalHours;
  const seen =
    mttfHours === null || high === null
      ? `no failure seen: at least ${shortTime(low * 3600)}`
      : `MTTF ${shortTime(mttfHours * 3600)} (${shortTime(low * 3600)} to ${shortTime(high * 3600)}), ${whole(failures)} failures`;
  return `${size.label} ${device}s: ${seen}${theoryHours === null ? '' : `\ntheory ${shortTime(theoryHours * 3600)}`}`;
}

function mttfTable(rows: readonly MttfFigures[], device: string): Markup {
  const lines = rows.map(({ size, failures, mttfHours, intervalHours: { low, high }, theoryHours }) => {
    const hours = (value: number | null) => (value === null ? '-' : shortTime(value * 3600));
    const interval = high === null ? `${hours(low)} or more` : `${hours(low)} to ${hours(high)}`;
    return html`<tr><th scope="row">${size.label}</th><td>${whole(failures)}</td><td>${hours(mttfHours)}</td><td>${interval}</td><td>${hours(theoryHours)}</td></tr>`;
  });
  return table(
    'Mean time to failure by size',
    [`${device}s`, 'failures', 'MTTF', '90 % interval', '1 / (N r_f)'],
    lines,
  );
}

function largeCards(report: TwinReport, lemons: LemonReport | null): Markup {
  const { large, attemptsStoppedByFalsePositives } = report.predictions.failures;
  const device = deviceWord(report);
  const facts: Fact[] = [];
  if (large.jobFailureShare !== null) {
    facts.push({
      name: `Jobs of 512+ ${device}s hit by a failure`,
      value: percent(large.jobFailureShare),
      meaning: `${whole(large.jobsFailedOnce)} of ${whole(large.jobs)} jobs that ended, once or more often.`,
    });
  }
  if (large.attemptFailureShare !== null) {
    facts.push({
      name: `Attempts of 512+ ${device}s ended by one`,
      value: percent(large.attemptFailureShare),
      meaning: `${whole(large.attemptsFailed)} of ${whole(large.attempts)} attempts.`,
    });
  }
  if (report.inputs.incidents.falsePositives > 0) {
    const alarms = counted(report.inputs.incidents.falsePositives, 'false alarm');
    facts.push({
      name: 'Stopped by false alarms',
      value: whole(attemptsStoppedByFalsePositives),
      meaning: `Attempts that a health check ended although nothing was broken. ${alarms} in all; those of low severity only drain a node.`,
    });
  }
  if (lemons !== null) {
    facts.push({
      name: 'Lemon nodes drained',
      value: `${whole(lemons.lemonsFlagged)} of ${whole(lemons.lemons)}`,
      meaning: `${whole(lemons.nodesFlagged)} nodes were drained as lemons in all: precision ${lemons.precision === null ? '-' : percent(lemons.precision)}, recall ${lemons.recall === null ? '-' : percent(lemons.recall)}. Published: more than 85 % accuracy.`,
    });
  }
  const paper =
    isLikePaper(report) && large.attempts > 0
      ? html`<p class="lesser">Published of RSC-1: 14 % of jobs of 512 and more GPUs failed, 4 % with lemon nodes taken out (Kokolis et al., HPCA 2025).</p>`
      : NOTHING;
  return html`${factCards(facts)}${paper}`;
}
