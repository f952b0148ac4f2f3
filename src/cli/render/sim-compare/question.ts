import type { ScenarioComparison } from '../../sim/scenario-comparison.ts';
import { type SimulationInputs, shownExamples } from '../../sim/simulation-inputs.ts';
import { html, type Markup, NOTHING, table } from '../page-markup.ts';
import { type Lettered, letterSwatch } from './scenarios.ts';
import { section } from '../sim-page/section.ts';
import { daysText, digits, percent, reservationFacts, whole } from '../sim-words.ts';

/** As many columns as have room beside what all share. */
const BESIDE_MAX = 3;

/** What the scenarios were given: where they differ side by side, then what all share. */
export function questionSection(scenarios: readonly Lettered[]): Markup {
  const given = scenarios.map(({ inputs }) => new Map(givenOf(inputs)));
  const names = [...new Set(given.flatMap((facts) => [...facts.keys()]))];
  const valuesOf = (name: string) => given.map((facts) => facts.get(name) ?? '-');
  const differing = names.filter((name) => new Set(valuesOf(name)).size > 1);
  const shared = names.filter((name) => !differing.includes(name));
  const rows = differing.map(
    (name) => html`<tr><th scope="row">${name}</th>${valuesOf(name).map((value) => html`<td>${value}</td>`)}</tr>`,
  );
  const differences =
    rows.length === 0
      ? html`<p>Nothing: the same figures were given to all of them.</p>`
      : table('What differs between the scenarios', ['what', ...scenarios.map(({ letter }) => letter)], rows);
  const terms = shared.map((name) => html`<dt>${name}</dt><dd>${valuesOf(name)[0] ?? ''}</dd>`);
  return section(
    'question',
    'given',
    'What was given',
    html`<div class="${scenarios.length > BESIDE_MAX ? 'stack' : 'pair'}"><div><h3>What differs</h3>${differences}</div><div><h3>What all share</h3><dl class="terms">${terms}</dl></div></div>${remarksOf(scenarios)}`,
  );
}

/** Name and value of all that was given. */
function givenOf(inputs: SimulationInputs): [name: string, value: string][] {
  const { workload, trace, days, warmupDays, load, growth, schedulerType, backfillType, addedJobs } = inputs;
  const rate = inputs.failuresPerThousandNodeDays;
  const facts: [string, string][] = [
    ['cluster', inputs.cluster],
    ['nodes', whole(inputs.nodes)],
    trace === null
      ? ['workload', workload ?? 'none']
      : ['trace', `${trace.file} (${trace.format}), ${whole(trace.jobs)} jobs`],
    ['time', days === null ? 'to the end of the jobs' : daysText(days)],
  ];
  if (inputs.gpus > 0) facts.splice(2, 0, ['GPUs', whole(inputs.gpus)]);
  if (warmupDays > 0) facts.push(['warm-up', daysText(warmupDays)]);
  if (load !== 1) facts.push(['load', `x ${digits(load)}`]);
  if (growth !== 0) facts.push(['growth', percent(growth)]);
  facts.push(
    ['policy', inputs.policy],
    ['scheduler', schedulerType === 'backfill' ? `${backfillType} backfill` : 'no backfill'],
    ['failures', inputs.failures ?? 'none'],
  );
  if (rate !== null) facts.push(['failure rate', `${digits(rate)} per 1,000 node-days`]);
  if (inputs.failures !== null)
    facts.push(['lemon nodes', inputs.areLemonsWatched ? 'found and drained' : 'not looked for']);
  facts.push(['checkpoints', inputs.checkpointInterval ?? 'as the jobs say']);
  if (addedJobs > 0) facts.push(['added jobs', whole(addedJobs)]);
  facts.push(...reservationFacts(inputs.reservations));
  const settings = Object.entries(inputs.settings).filter(([name]) => name !== 'nodes');
  return [...facts, ...settings.map(([name, value]): [string, string] => [name, value])];
}

/** What of the files was not used, with the letters of the scenarios that say so. */
function remarksOf(scenarios: readonly Lettered[]): Markup {
  const remarks = scenarios.flatMap((scenario) =>
    scenario.inputs.remarks.map(
      (remark) =>
        html`<li>${letterSwatch(scenario)} ${remark.what}<ul>${shownExamples(remark).map((example) => html`<li>${example}</li>`)}</ul></li>`,
    ),
  );
  return remarks.length === 0
    ? NOTHING
    : html`<div class="note"><p><strong>Not all of it was used:</strong></p><ul>${remarks}</ul></div>`;
}

/** How often each scenario was run, and what that says of chance. */
export function seedWords({ seeds, intervalProbability, isDrawn }: ScenarioComparison): string {
  if (!isDrawn) {
    return 'Each scenario was run once, since nothing in it is drawn: chance plays no part. The differences are exact for these jobs and say nothing of others.';
  }
  if (seeds.length === 1) {
    return `Each scenario was run once, with seed ${seeds[0]}. One seed says nothing of chance: there are no intervals, and each difference here may be luck.`;
  }
  return `Each scenario was run with the same ${whole(seeds.length)} seeds, ${seeds[0]} to ${seeds.at(-1)}: what chance does to both cancels. Intervals are ${digits(100 * intervalProbability)} % confidence intervals of the mean difference (paired t-test).`;
}

/** Seeds are missing. */
export function interruption({ isInterrupted, seeds, seedsAsked }: ScenarioComparison): Markup {
  if (!isInterrupted) return NOTHING;
  return html`<div class="note alarm"><p><strong>Interrupted.</strong> ${`Of ${whole(seedsAsked)} seeds ${whole(seeds.length)} had been run with all scenarios: everything here is of ${seeds.length === 1 ? 'that one' : 'these'}.`}</p></div>`;
}
