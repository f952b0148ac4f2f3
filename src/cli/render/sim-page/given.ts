import type { TwinReport } from '../../../twin/report.ts';
import type { SimulationResult } from '../../sim/simulate.ts';
import { shownExamples } from '../../sim/simulation-inputs.ts';
import { html, type Markup, NOTHING, table } from '../page-markup.ts';
import { deviceWord, givenFacts } from '../sim-facts.ts';
import { causeName } from './losses.ts';
import { section } from './section.ts';
import { digits, percent, whole } from '../sim-words.ts';

/** What was put in, and what was drawn from it before anything was scheduled. */
export function givenSection(result: SimulationResult): Markup {
  const { report, inputs } = result;
  const terms = givenFacts(result).map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`);
  const remarks = inputs.remarks.map(
    (remark) =>
      html`<li>${remark.what}<ul>${shownExamples(remark).map((example) => html`<li>${example}</li>`)}</ul></li>`,
  );
  const notes =
    remarks.length === 0
      ? NOTHING
      : html`<div class="note"><p><strong>Not all of it was used:</strong></p><ul>${remarks}</ul></div>`;
  return section(
    'given',
    'given',
    'What was given',
    html`<p>None of this depends on the scheduler: it was put in, or drawn from what was put in. Where a workload or a failure model of the catalogue was fitted to published figures, it was to figures of this kind; what is marked predicted followed.</p>${notes}
<dl class="terms">${terms}</dl>
<div class="pair"><div>${jobsPart(report)}</div><div>${incidentsPart(report)}</div></div>`,
  );
}

function jobsPart(report: TwinReport): Markup {
  const { jobs } = report.inputs;
  const device = deviceWord(report);
  if (jobs.submitted === 0) {
    const others = jobs.atStart === 0 ? '' : ` besides the ${whole(jobs.atStart)} that ran or waited at the start`;
    return html`<h3>Jobs</h3><p>${`No job was submitted${others}.`}</p>`;
  }
  const rows = jobs.bySize.map(
    ({ size, count, countShare, deviceTimeShare }) =>
      html`<tr><th scope="row">${size.label}</th><td>${whole(count)}</td><td>${percent(countShare)}</td><td>${percent(deviceTimeShare)}</td></tr>`,
  );
  const outcomes = Object.entries(jobs.outcomes)
    .filter(([, count]) => count > 0)
    .map(([outcome, count]) => `${outcome} ${percent(count / jobs.submitted)}`);
  const others = [
    jobs.checkpointing > 0 ? `${percent(jobs.checkpointing / jobs.submitted)} write checkpoints` : null,
    jobs.toBeCancelled > 0 ? `${percent(jobs.toBeCancelled / jobs.submitted)} are cancelled by their users` : null,
  ].filter((words) => words !== null);
  return html`<h3>Jobs</h3><p>${`What each would come to if nothing interfered: ${[...outcomes, ...others].join(', ')}.`}</p>${table('Jobs by size', [`${device}s`, 'jobs', 'of jobs', `of ${device} time, undisturbed`], rows)}`;
}

function incidentsPart({ inputs }: TwinReport): Markup {
  const { incidents } = inputs;
  if (incidents.count === 0) return html`<h3>Incidents</h3><p>Nothing broke.</p>`;
  const rows = incidents.byComponent.map(
    ({ component, count, nodes }) =>
      html`<tr><th scope="row">${causeName(component)}</th><td>${whole(count)}</td><td>${whole(nodes)}</td></tr>`,
  );
  return html`<h3>Incidents</h3><p>${`${whole(incidents.count)} incidents, ${whole(incidents.falsePositives)} of them false alarms; real ones hit ${digits(1000 * incidents.perNodeDay)} nodes per 1,000 node-days.`}</p>${table('Incidents by component', ['what broke', 'incidents', 'nodes hit'], rows)}`;
}
