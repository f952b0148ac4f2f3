import type { Distribution, TwinReport } from '../../../twin/report.ts';
import type { SimulationResult } from '../../sim/simulate.ts';
import { type Fact, factCards, html, type Markup, NOTHING } from '../page-markup.ts';
import { deviceWord, leftOver, loadWords, pendingWords } from '../sim-facts.ts';
import { energySection } from './energy.ts';
import { ettrSection } from './ettr.ts';
import { failuresSection } from './failures.ts';
import { givenSection } from './given.ts';
import { lossesSection } from './losses.ts';
import { occupancySection } from './occupancy.ts';
import { preemptionSection } from './preemption.ts';
import { contents, dataSection, type PageScripts, selfContained } from './document.ts';
import { embedded, script } from './section.ts';
import { statesSection } from './states.ts';
import { SIM_STYLE } from './style.ts';
import { spanText } from './time.ts';
import { timelineSection } from './timeline.ts';
import { waitsSection, withinWords } from './waits.ts';
import { counted, daysText, digits, percent, shortTime, whole } from '../sim-words.ts';

const CONTENTS: readonly (readonly [id: string, title: string])[] = [
  ['occupancy', 'Occupancy'],
  ['nodes', 'Nodes'],
  ['waits', 'Waits'],
  ['ettr', 'ETTR'],
  ['failures', 'Failures'],
  ['states', 'States'],
  ['losses', 'Losses'],
  ['preemption', 'Preemption'],
  ['energy', 'Energy'],
  ['given', 'What was given'],
  ['data', 'Data'],
];

/**
 * A run as one HTML document: style, drawings, scripts and all data are inside, nothing is loaded. `command`: what makes
 * the same run again. The same result gives the same bytes.
 */
export function renderSimPage(result: SimulationResult, command: string, scripts: PageScripts): string {
  const { report, summary } = result;
  const endSeconds = summary.endMs / 1000;
  const title = headline(result);
  const body = html`<main>
<header><p class="eyebrow">${result.inputs.title === null ? 'Simulation' : `Simulation: ${result.inputs.title}`}</p><h1>${title}</h1>${lead(result)}</header>
${interruption(result)}${cards(report)}
${contents(CONTENTS)}
${occupancySection(report, endSeconds)}
${timelineSection(report, endSeconds, scripts.nodeTimeline)}
${waitsSection(report)}
${ettrSection(report)}
${failuresSection(report)}
${statesSection(report)}
${lossesSection(report)}
${preemptionSection(report)}
${energySection(report)}
<div class="part">${givenSection(result)}</div>
${dataSection(command, 'orrery-sim.json', 'docs/reference/measures.md defines each measure.', 'The same command gives the same run.')}
</main>
${embedded('run', result)}
${script(scripts.chartValues)}${script(scripts.saveDocument)}`;
  return selfContained(title, SIM_STYLE, body);
}

function headline({ inputs, report, summary }: SimulationResult): string {
  const { utilization, goodput, jobs } = report.predictions;
  const run = `${spanText(summary.endMs / 1000)} of ${inputs.cluster}`;
  if (jobs.started === 0) return `${run}: no job started`;
  // A figure and its sign stay on one line.
  return `${run}: ${percent(utilization)} utilisation, ${percent(goodput)} goodput`.replaceAll(' %', '\u00a0%');
}

/** The answer in a few sentences. */
function lead({ inputs, report }: SimulationResult): Markup {
  const { waits, ettr, failures, jobs, measuredSeconds } = report.predictions;
  const given = report.inputs;
  const device = deviceWord(report);
  const wait = waits.all.waitSeconds;
  const sentences: string[] = [];
  const left = leftOver(report);
  if (left !== null) {
    const many = `${counted(left.count, 'job')}, ${percent(left.share)} of all, had not started when the run ended`;
    sentences.push(`${many}, after ${shortTime(left.meanSeconds)} in the queue in the mean.`);
  }
  if (wait !== null) {
    sentences.push(
      `Half of ${left === null ? 'the jobs' : 'those that did'} started ${withinWords(wait.median)}; ${left === null ? 'the' : 'their'} mean wait was ${shortTime(wait.mean)}, and 99 in a hundred started ${withinWords(wait.p99)}.`,
    );
  }
  if (ettr.all !== null) {
    sentences.push(`Jobs of a day or more were productive for ${percent(ettr.all.ettr)} of their time (ETTR).`);
  }
  if (failures.attemptsFailed > 0) {
    sentences.push(
      `Failures ended ${counted(failures.attemptsFailed, 'attempt')}, one every ${shortTime(measuredSeconds / failures.attemptsFailed)}.`,
    );
  } else sentences.push(given.incidents.count === 0 ? 'Nothing failed.' : 'No failure ended a job.');
  const queue =
    given.jobs.atStart === 0 ? '' : `${counted(given.jobs.atStart, 'job')} that ran or waited at the start and `;
  const cluster = `${counted(given.cluster.nodes, 'node')} with ${counted(given.cluster.devices, device)}`;
  const load =
    given.jobs.submitted === 0 && queue !== ''
      ? `${counted(given.jobs.atStart, 'job')} that ran or waited at the start on ${cluster}`
      : `${queue}${queue === '' ? counted(given.jobs.submitted, 'job') : `${whole(given.jobs.submitted)} that came later`}, a load of ${loadWords(given.jobs.offeredLoad)} of ${cluster}`;
  const rate =
    inputs.failuresPerThousandNodeDays === null
      ? 'no failures'
      : `${digits(inputs.failuresPerThousandNodeDays)} failures per 1,000 node-days`;
  return html`<p class="lead">${sentences.join(' ')}</p><p>${`Given were ${load}, the policy ${inputs.policy} and ${rate}; `}<a href="#given">what was given</a>${` is listed at the end, and all else follows from it. ${counted(jobs.ended, 'job')} ended, ${whole(jobs.runningAtEnd)} ran and ${whole(jobs.pendingAtEnd)} waited${pendingWords(report)} at the end.`}</p>`;
}

function interruption({ inputs, summary }: SimulationResult): Markup {
  if (!summary.isInterrupted) return NOTHING;
  const planned = inputs.days === null ? '' : ` of ${daysText(inputs.days)}`;
  return html`<div class="note alarm"><p><strong>Interrupted.</strong> ${`The run was stopped after ${spanText(summary.endMs / 1000)}${planned}: everything here is of the time until then.`}</p></div>`;
}

function waitMeaning({ p90 }: Distribution, left: ReturnType<typeof leftOver>): string {
  if (left === null) return `Mean of all jobs; nine of ten start ${withinWords(p90)}.`;
  return `Mean of the jobs that started; ${percent(left.share)} had not when the run ended.`;
}

function cards(report: TwinReport): Markup {
  const { predictions } = report;
  const { waits, ettr, failures, deviceTime, preemption, jobs } = predictions;
  const device = deviceWord(report);
  if (jobs.started === 0) return NOTHING;
  const wait = waits.all.waitSeconds;
  const facts: Fact[] = [
    {
      name: 'Utilisation',
      value: percent(predictions.utilization),
      meaning: `Of the ${device} time of nodes in service, allocated to jobs; ${percent(predictions.occupancy)} of all ${device} time.`,
    },
    {
      name: 'Goodput',
      value: percent(predictions.goodput),
      meaning: `Of all ${device} time went into work that was kept.`,
    },
    {
      name: 'Wait',
      value: wait === null ? '-' : shortTime(wait.mean),
      meaning: wait === null ? '' : waitMeaning(wait, leftOver(report)),
    },
    {
      name: 'ETTR',
      value: ettr.all === null ? '-' : ettr.all.ettr.toFixed(3),
      meaning:
        ettr.all === null
          ? 'Effective training time ratio: no job ran for a day or more.'
          : `Effective training time ratio of jobs of a day or more; ${ettr.all.perJob.median.toFixed(3)} for the median job.`,
    },
    {
      name: 'Failures',
      value: whole(failures.attemptsFailed),
      meaning:
        failures.large.jobFailureShare === null
          ? 'Attempts that a failure ended.'
          : `Attempts that a failure ended; ${percent(failures.large.jobFailureShare)} of jobs of 512+ ${device}s were hit.`,
    },
    {
      name: 'Lost work',
      value: `${digits(deviceTime.lost)} ${device}-hours`,
      meaning: `Done and not kept: ${percent(deviceTime.capacity === 0 ? 0 : deviceTime.lost / deviceTime.capacity)} of all ${device} time, with ${whole(preemption.preemptions)} preemptions.`,
    },
  ];
  return factCards(facts);
}
