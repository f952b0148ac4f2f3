import type { StateShare, TwinReport } from '../../../twin/report.ts';
import type { Frame, Value } from '../page-chart.ts';
import { html, type Markup, NOTHING, table } from '../page-markup.ts';
import { deviceWord } from '../sim-facts.ts';
import { circle, diamond, line } from './marks.ts';
import { type NamedScale, rowsChart, rowsFrame, rowY } from './rows.ts';
import { isLikePaper, key, section } from './section.ts';
import { percent, whole } from '../sim-words.ts';

/** Smaller shares are drawn as this. */
const SHARE_MIN = 1e-4;
const SOURCE = 'Kokolis et al., HPCA 2025 (arXiv 2410.21680)';
/** Hardware ends 0.2 % of RSC-1's attempts, in all states together. */
const REQUEUED_NOTE =
  ' Published as REQUEUED is more than that: programs that put themselves back in the queue, as submitit has them do before their time is up, are not modelled.';
/** Of RSC-1's jobs, as far as the paper says. */
const PUBLISHED_SIZES = {
  single: ['more than 40 %', '-'],
  atMost8: ['more than 90 %', 'less than 10 %'],
  atLeast256: ['-', '66 %'],
  atLeast4096: ['less than 1 %', '12 %'],
} as const;

export function statesSection(report: TwinReport): Markup {
  const { attempts, attemptStates } = report.predictions;
  const device = deviceWord(report);
  if (attempts === 0) {
    return section('states', 'predicted', 'How attempts ended', html`<p>No attempt ended in this run.</p>`);
  }
  const isPublished = isLikePaper(report);
  const shown = attemptStates.filter((state) => state.attempts > 0 || (isPublished && state.publishedShare !== null));
  const completed = attemptStates.find(({ state }) => state === 'COMPLETED')?.share ?? 0;
  const keys: [Markup, string][] = [[circle('chosen dot', 17, 7), 'this run']];
  if (isPublished) keys.push([diamond('published', 17, 7), `RSC-1, published: ${SOURCE}`]);
  const rows = shown.map(
    (state) =>
      html`<tr><th scope="row">${state.state}</th><td>${whole(state.attempts)}</td><td>${percent(state.share)}</td>${isPublished ? html`<td>${state.publishedShare === null ? '-' : percent(state.publishedShare)}</td>` : NOTHING}<td>${percent(state.deviceTimeShare)}</td></tr>`,
  );
  const headers = ['state', 'attempts', 'share', ...(isPublished ? ['RSC-1, published'] : []), `of ${device} time`];
  return section(
    'states',
    'predicted',
    `How attempts ended: ${percent(completed)} of ${whole(attempts)} completed`,
    html`<p>${`Each time a job ran counts, as sacct counts it with its duplicates. COMPLETED, FAILED, CANCELLED and OUT_OF_MEMORY are what the jobs given came to by themselves for the most part; PREEMPTED, REQUEUED, NODE_FAIL and TIMEOUT follow from the run.${isPublished ? REQUEUED_NOTE : ''}`}</p>
<div class="pair"><figure>${stateChart(shown, isPublished)}${key(keys)}</figure>${table('Attempts by state', headers, rows)}</div>
${sizesPart(report, isPublished)}`,
  );
}

function stateChart(rows: readonly StateShare[], isPublished: boolean): Markup {
  const frame = rowsFrame(rows.length, 142);
  const x = shareScale(frame);
  const values: Value[] = [];
  const marks = rows.map(({ state, share, publishedShare }, index) => {
    const y = rowY(frame, index);
    const paper = isPublished && publishedShare !== null ? publishedShare : null;
    values.push({
      x: x.at(share),
      y,
      text: `${state}: ${percent(share)}${paper === null ? '' : `; RSC-1, published: ${percent(paper)}`}`,
    });
    return html`${paper === null ? NOTHING : html`${line('range', x.at(share), y, x.at(paper), y)}${diamond('published', x.at(paper), y)}`}${circle('chosen dot', x.at(share), y)}`;
  });
  return rowsChart('states-chart', 'Attempts by state', frame, {
    names: rows.map(({ state }) => state),
    x,
    titles: { rows: 'state', x: 'share of attempts (logarithmic)' },
    values,
    marks,
  });
}

export function shareScale({ width, left, right }: Frame): NamedScale {
  const span = Math.log(1 / SHARE_MIN);
  return {
    at: (share) => left + 8 + (1 + Math.log(Math.max(share, SHARE_MIN)) / span) * (width - left - right - 16),
    ticks: [1e-4, 1e-3, 1e-2, 0.1, 1],
    textOf: (share) => (share <= SHARE_MIN ? '≤ 0.01 %' : `${100 * share} %`),
  };
}

function sizesPart({ predictions, ...report }: TwinReport, isPublished: boolean): Markup {
  const device = deviceWord({ predictions, ...report });
  const { sizeShares } = predictions;
  const names = {
    single: `1 ${device}`,
    atMost8: `up to 8 ${device}s`,
    atLeast256: `256 and more`,
    atLeast4096: `4,096 and more`,
  };
  const rows = (['single', 'atMost8', 'atLeast256', 'atLeast4096'] as const).map((name) => {
    const [count, time] = PUBLISHED_SIZES[name];
    const paper = isPublished ? html`<td>${count}</td><td>${time}</td>` : NOTHING;
    return html`<tr><th scope="row">${names[name]}</th><td>${percent(sizeShares[name].countShare)}</td><td>${percent(sizeShares[name].deviceTimeShare)}</td>${paper}</tr>`;
  });
  const headers = ['size', 'of attempts', `of ${device} time`];
  return html`<h3>Who used the machine</h3><p>${`Attempts by size and their share of allocated ${device} time.${isPublished ? ` Published of RSC-1's jobs: ${SOURCE}.` : ''}`}</p>${table('Attempts by size', isPublished ? [...headers, 'RSC-1: of jobs', 'RSC-1: of GPU time'] : headers, rows)}`;
}
