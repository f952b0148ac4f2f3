import type { GridReport } from '../../plan-grid/grid-report.ts';
import { costOf, type RankedCase, type Work } from '../../plan-grid/pareto-front.ts';
import { version } from '../../version.ts';
import { documentOf, html, Markup, NOTHING, table } from '../page-markup.ts';
import { duration, durationRange, gib, inWords } from '../plan-page/words.ts';
import { layoutText, percent, secondsText, whole } from '../plan-report.ts';
import { workCharts } from './charts.ts';
import { clusterKey, GRID_STYLE } from './clusters.ts';
import { costText, unplannedText } from './grid-table.ts';
import { daysText, frontOf, workSummary } from './words.ts';

/** As many cases are read through. */
const FOLDED_MOST = 12;

/** A grid as one HTML document: style and drawings are inside, nothing is loaded, no script runs. `command`: what the user typed. */
export function renderGridPage(report: GridReport, command: string): string {
  const { works, isInterrupted, casesAsked } = report;
  const cases = works.flatMap((work) => work.cases);
  const clusters = [...new Set(cases.map(({ cluster }) => cluster))];
  const [only] = works;
  const title =
    works.length === 1 && only !== undefined
      ? `${only.model}: ${whole(cases.length)} ways to train on ${inWords(only.tokens)} tokens`
      : `${whole(cases.length)} training plans side by side`;
  const interrupted = isInterrupted
    ? html`<div class="note alarm"><p>${`Interrupted: ${whole(cases.length)} of ${whole(casesAsked)} cases were done.`}</p></div>`
    : NOTHING;
  const body = html`<main>
<header><p class="eyebrow">Training plans</p><h1>${title}</h1>${lead(report)}</header>
${interrupted}${clusterKey(clusters)}
${works.map((work, index) => workSection(work, report, { id: String(index + 1), clusters }))}
${trustSection(cases)}
<section><h2>The command that made this page</h2><pre><code>${command}</code></pre><p class="lesser">${`Orrery ${version}. The same command gives the same plans.`}</p></section>
</main>`;
  return documentOf(title, html`<style>${new Markup(GRID_STYLE)}</style>`, body);
}

function lead({ stack, deadlineSeconds, isPriced }: GridReport): Markup {
  const deadline =
    deadlineSeconds === null
      ? ''
      : ` Each case is on the fewest nodes that end within ${duration(deadlineSeconds / 86_400)}.`;
  const price = isPriced
    ? 'Cost is GPU-hours at the prices given, in their currency.'
    : 'No price was given: what a case costs is its GPU-hours, which say little across kinds of GPUs.';
  return html`<p class="lead">${`Each case is the fastest layout that fits into memory, with the software stack ${stack}; times include failures and checkpoints.${deadline} ${price}`}</p><p>${`A case is on the Pareto front where no other of the same training is better in time or ${isPriced ? 'cost' : 'GPU-hours'} and as good in the other: the choice lies among those.`}</p>`;
}

function workSection(
  work: Work,
  { isPriced }: GridReport,
  { id, clusters }: { id: string; clusters: readonly string[] },
): Markup {
  const { model, tokens, sequenceLength } = work;
  const heading = `${model}: ${inWords(tokens)} tokens in sequences of ${whole(sequenceLength)}`;
  return html`<section id="work-${id}"><h2>${heading}</h2><p>${workSummary(work, isPriced).join(' ')}</p>
${workCharts(work, { id, isPriced, clusters })}
${tables(work, isPriced)}</section>`;
}

/** Of many cases those of the front first, the soonest on top, and all of them to unfold. */
function tables({ cases }: Work, isPriced: boolean): Markup {
  const front = frontOf(cases);
  if (cases.length <= FOLDED_MOST || front.length === 0) return casesTable('Cases', cases, isPriced);
  return html`${casesTable('Cases on the Pareto front', front, isPriced)}<details><summary>${`All ${whole(cases.length)} cases`}</summary>${casesTable('All cases', cases, isPriced)}</details>`;
}

function casesTable(label: string, cases: readonly RankedCase[], isPriced: boolean): Markup {
  const rows = cases.map((one) => {
    const { best, cluster, gpus, globalBatch, isOnFront } = one;
    const names = html`<th scope="row">${cluster}</th><td class="mark">${isOnFront ? 'front' : ''}</td><td>${whole(gpus)}</td><td>${globalBatch === null ? '-' : whole(globalBatch)}</td>`;
    if (best === null) {
      return html`<tr class="unplanned">${names}<td class="words" colspan="6">${unplannedText(one)}</td></tr>`;
    }
    return html`<tr class="${isOnFront ? 'best' : ''}">${names}<td>${secondsText(best.iterationSeconds)}</td><td>${percent(best.mfu)}</td><td>${daysText(best.expectedDays)}${rangeText(one)}</td><td>${costText(costOf(best, isPriced))}</td><td>${gib(best.memoryBytesPerGpu)}</td><td class="words">${layoutText(best.parallelism)}</td></tr>`;
  });
  return table(
    label,
    [
      'cluster',
      '',
      'GPUs',
      'batch',
      'step',
      'MFU',
      'time to train',
      isPriced ? 'cost' : 'GPU-hours',
      'memory of a GPU',
      { words: 'layout' },
    ],
    rows,
  );
}

/** The 80 % interval. */
function rangeText({ best }: RankedCase): Markup {
  const [low, high] = best?.expectedDaysInterval ?? [null, null];
  return low === null || high === null ? NOTHING : html`<br><small>${durationRange([low, high])}</small>`;
}

function trustSection(cases: readonly RankedCase[]): Markup {
  const missing = new Set(cases.flatMap(({ best }) => best?.notValidated ?? []));
  const unbacked =
    missing.size === 0
      ? NOTHING
      : html`<div class="note"><p><strong>Not validated.</strong> No published run backs what some of these cases have of the following, and their intervals are widened for it:</p><ul>${[...missing].map((what) => html`<li>${what}</li>`)}</ul></div>`;
  return html`<section><h2>How far to trust this</h2><p>These are calculations, not measurements. Under each time stands the interval that should hold four out of five such runs; cases that are nearer to each other than that may well change places. A plan of one case by itself shows where its time and memory go.</p>${unbacked}</section>`;
}
