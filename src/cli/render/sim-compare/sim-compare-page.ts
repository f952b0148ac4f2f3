import type { MeasureTopic } from '../../../twin/compared-measures.ts';
import type { ComparedMeasure, ScenarioComparison } from '../../sim/scenario-comparison.ts';
import { html, type Markup, NOTHING } from '../page-markup.ts';
import { forest } from './forest.ts';
import { interruption, questionSection, seedWords } from './question.ts';
import { deviceTimeBars, deviceTimeTable, lossesByCause, stateMix } from './rows.ts';
import {
  comparedDevice,
  type Lettered,
  letterSwatch,
  letteredOf,
  SHOWN_MAX,
  scenarioList,
  shownOf,
  sideBySide,
} from './scenarios.ts';
import { ettrBySize, mttfBySize, mttfTable } from './sizes.ts';
import { COMPARE_STYLE } from './style.ts';
import { measuresSection } from './table.ts';
import { timeCharts } from './time.ts';
import { isSomeLeft, waitsBySize } from './waits.ts';
import { contents, dataSection, type PageScripts, selfContained } from '../sim-page/document.ts';
import { embedded, script, section } from '../sim-page/section.ts';
import { noNewsWords } from '../sim-sentences.ts';
import { whole } from '../sim-words.ts';
import { unlikeTimes } from '../unlike-times.ts';

const CONTENTS: readonly (readonly [id: string, title: string])[] = [
  ['news', 'What changes'],
  ['question', 'What was given'],
  ['use', 'Use'],
  ['waits', 'Waits'],
  ['ettr', 'ETTR'],
  ['failures', 'Failures'],
  ['losses', 'Losses'],
  ['states', 'States'],
  ['measures', 'All measures'],
  ['data', 'Data'],
];
/** Beyond these a reader unfolds the rest. */
const SENTENCES_MAX = 8;
/** What is asked about first, as far as there is such a measure. */
const MAIN_MEASURES = new Set([
  'allMeanWait',
  'allP90Wait',
  'notStarted',
  'utilization',
  'goodput',
  'lost',
  'ettr',
  'largeFailures',
  'preemptions',
  'jobsEnded',
  'makespan',
  'energy',
]);

/** In the place of a plot of changes. */
const NONE: Markup = html`<p>All of these measures are 0 in every run.</p>`;

/** A comparison as one HTML document that loads nothing. `command`: what makes it again. The same comparison gives the same bytes. */
export function renderComparisonPage(comparison: ScenarioComparison, command: string, scripts: PageScripts): string {
  const scenarios = letteredOf(comparison);
  const shown = shownOf(scenarios);
  const title = headline(comparison);
  const isSpread = comparison.seeds.length > 1;
  const body = html`<main>
<header><p class="eyebrow">${`Comparison with ${comparison.base.title}`}</p><h1>${title}</h1>${scenarioList(scenarios, wordsOf)}<p>${seedWords(comparison)}</p></header>
${interruption(comparison)}${leftOut(scenarios)}
${contents(CONTENTS)}
${newsSection(comparison, scenarios)}
${questionSection(scenarios)}
${useSection(shown, isSpread)}
${topicSection(shown, {
  id: 'waits',
  title: `Waits${sideBySide(shown, 'allMeanWait', 'mean ')}`,
  topics: ['waits'],
  plot: waitsBySize(shown, isSpread),
  meaning: waitsMeaning(shown),
  otherwise: 'No job started in any run.',
})}
${topicSection(shown, {
  id: 'ettr',
  title: `ETTR${sideBySide(shown, 'ettr')}`,
  topics: ['training'],
  plot: ettrBySize(shown, isSpread),
  meaning:
    'Effective training time ratio: productive time over time on nodes and in the queue, of jobs that were on nodes for a day or more.',
  otherwise: 'No job that ended had been on nodes for a day or more.',
})}
${failuresSection(shown)}
${topicSection(shown, {
  id: 'losses',
  title: `Lost work${sideBySide(shown, 'lost')}`,
  topics: ['preemption'],
  plot: lossesByCause(shown, isSpread),
  meaning: 'Attempts that ended before their job was done, by what ended them; and what preemption cost.',
  otherwise: 'No work was lost in any run.',
})}
${topicSection(shown, {
  id: 'states',
  title: `Attempts that completed${sideBySide(shown, 'state:COMPLETED')}`,
  topics: ['ends'],
  plot: stateMix(shown, isSpread),
  meaning: 'Each time a job ran counts, as sacct counts it with its duplicates.',
  otherwise: 'No attempt ended in any run.',
})}
${measuresSection(comparison, scenarios.slice(1), scripts.measureSearch)}
${dataSection(command, 'orrery-sim-compare.json', 'docs/reference/measures.md defines the measures.', 'The same command gives the same comparison.')}
</main>
${embedded('run', comparison)}
${script(scripts.chartValues)}${script(scripts.saveDocument)}`;
  return selfContained(title, COMPARE_STYLE, body);
}

function headline({ base, variants }: ScenarioComparison): string {
  const [only, ...others] = variants;
  if (only !== undefined && others.length === 0) return `What would ${only.change} change?`;
  return `What would ${whole(variants.length)} variants of ${base.title} change?`;
}

/** A title that stands for the change itself is said once. */
function wordsOf({ title, change }: Lettered): string {
  return change === `“${title}”` ? title : `${title}: ${change}`;
}

function leftOut(scenarios: readonly Lettered[]): Markup {
  if (scenarios.length <= SHOWN_MAX) return NOTHING;
  const last = scenarios[SHOWN_MAX - 1]?.letter ?? '';
  return html`<p class="note">${`Plots show scenarios A to ${last}; sentences and tables are of all.`}</p>`;
}

/** In words, and the main measures in one plot. */
function newsSection(comparison: ScenarioComparison, scenarios: readonly Lettered[]): Markup {
  const { isDrawn, seeds } = comparison;
  const variants = scenarios.slice(1);
  const news =
    isDrawn && seeds.length === 1
      ? html`<div><p>${`${capital(
          noNewsWords(
            comparison,
            variants.flatMap(({ measures }) => measures),
          ),
        )}.`}</p></div>`
      : variants.map((variant) => newsOf(comparison, variant));
  const main = forest('forest-main', 'Changes of the main measures', shownOf(scenarios), ({ name }) =>
    MAIN_MEASURES.has(name),
  );
  const plot = html`<div><h3>The main measures</h3>${main ?? NONE}</div>`;
  return section('news', 'predicted', 'What changes', html`<div class="pair">${news}${plot}</div>`);
}

function newsOf(comparison: ScenarioComparison, variant: Lettered): Markup {
  const { title, letter, measures } = variant;
  // The title stands above them already.
  const sentences = variant.sentences.map((sentence) => html`<li>${sentence.replace(`“${title}”`, letter)}</li>`);
  const [said, rest] = [sentences.slice(0, SENTENCES_MAX), sentences.slice(SENTENCES_MAX)];
  const more =
    rest.length === 0
      ? NOTHING
      : html`<details><summary>${`and ${whole(rest.length)} more`}</summary><ul>${rest}</ul></details>`;
  const news =
    said.length === 0
      ? html`<p>${`${capital(noNewsWords(comparison, measures))}.`}</p>`
      : html`<ul>${said}</ul>${more}`;
  const clear = measures.filter(({ isClear }) => isClear).length;
  const chance = comparison.isDrawn ? ' by more than chance, all taken together' : '';
  const unlike = unlikeTimes(comparison.base.inputs, variant.inputs);
  const warning = unlike === null ? NOTHING : html`<p class="note">${unlike}</p>`;
  return html`<div><h3>${letterSwatch(variant)} ${title}</h3>${warning}<p class="lesser">${`${whole(clear)} of ${whole(measures.length)} measures change${chance}.`}</p>${news}</div>`;
}

function useSection(shown: readonly Lettered[], isSpread: boolean): Markup {
  const device = comparedDevice(shown);
  return section(
    'use',
    'predicted',
    `Utilisation${sideBySide(shown, 'utilization')}`,
    html`${timeCharts(shown, isSpread)}
<div class="pair"><div><h3>${`Where the ${device} time went`}</h3>${deviceTimeBars(shown)}${deviceTimeTable(shown)}</div><div><h3>Changes</h3>${changes('use', shown, ['use', 'other'])}</div></div>`,
  );
}

function waitsMeaning(shown: readonly Lettered[]): string {
  if (!isSomeLeft(shown)) return 'From submission to the first start.';
  const shares = sideBySide(shown, 'notStarted');
  return `From submission to the first start, of the jobs that started. Not started when the run ended${shares === '' ? ': see the column at the right' : `, of all jobs${shares}`}: those wait longer than the figures say.`;
}

function failuresSection(shown: readonly Lettered[]): Markup {
  const chart = mttfBySize(shown);
  const content =
    chart === null
      ? html`<p>No failure ended an attempt.</p>`
      : html`<p>Mean time to failure of a job by its size: time of attempts over the failures that ended them, all seeds together.</p>
<div class="pair"><div>${chart}</div><div>${changes('failures', shown, ['failures'])}</div></div>${mttfTable(shown)}`;
  return section('failures', 'predicted', 'Failures', content);
}

/** A plot of the scenarios side by side, and the changes beside it. */
function topicSection(
  shown: readonly Lettered[],
  {
    id,
    title,
    topics,
    plot,
    meaning,
    otherwise,
  }: {
    id: string;
    title: string;
    topics: readonly MeasureTopic[];
    plot: Markup | null;
    /** What the plot shows, and what is said where there is none. */
    meaning: string;
    otherwise: string;
  },
): Markup {
  const content =
    plot === null
      ? html`<p>${otherwise}</p>`
      : html`<p>${meaning}</p><div class="pair"><div>${plot}</div><div>${changes(id, shown, topics)}</div></div>`;
  return section(id, 'predicted', title, content);
}

function changes(id: string, shown: readonly Lettered[], topics: readonly MeasureTopic[]): Markup {
  const isOfTopic = ({ topic }: ComparedMeasure) => topics.includes(topic);
  return forest(`forest-${id}`, 'Changes to the base', shown, isOfTopic) ?? NONE;
}

function capital(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}
