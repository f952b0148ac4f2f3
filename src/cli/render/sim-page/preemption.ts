import type { TwinReport } from '../../../twin/report.ts';
import { type Fact, factCards, html, type Markup, table } from '../page-markup.ts';
import { deviceWord } from '../sim-facts.ts';
import { isLikePaper, section } from './section.ts';
import { digits, percent, whole } from '../sim-words.ts';

/** A crash loop is a job that failures ended this often at least. */
const LOOP_FAILURES_MIN = 2;

export function preemptionSection(report: TwinReport): Markup {
  const { preemption } = report.predictions;
  const device = deviceWord(report);
  const loops = preemption.crashLoops.filter(({ failures }) => failures >= LOOP_FAILURES_MIN);
  if (preemption.preemptions === 0 && loops.length === 0) {
    return section(
      'preemption',
      'predicted',
      'Preemption and crash loops: none',
      html`<p>No attempt was preempted, and no job was ended by failures more than once.</p>`,
    );
  }
  const facts: Fact[] = [
    {
      name: 'Preemptions',
      value: whole(preemption.preemptions),
      meaning: `Attempts that made room for another job. They lost ${digits(preemption.lostHours)} ${device}-hours of work.`,
    },
    {
      name: 'By jobs that a failure put back',
      value: whole(preemption.afterFailure),
      meaning: 'A job that failed took its nodes from others when it came again.',
    },
    {
      name: 'By those they displaced',
      value: whole(preemption.afterThose),
      meaning: 'And these from others, and so on.',
    },
    {
      name: 'Second-order share of failure losses',
      value: preemption.secondOrderShare === null ? '-' : percent(preemption.secondOrderShare),
      meaning: `${digits(preemption.secondOrderLostHours)} ${device}-hours lost by those who made room, ${digits(preemption.firstOrderLostHours)} by the attempts that failed.`,
    },
  ];
  const rows = loops.map(
    ({ jobId, devices, failures, preemptions, preemptedDevices }) =>
      html`<tr><th scope="row">${jobId}</th><td>${whole(devices)}</td><td>${whole(failures)}</td><td>${whole(preemptions)}</td><td>${whole(preemptedDevices)}</td></tr>`,
  );
  const crash =
    loops.length === 0
      ? html`<p>No job was ended by failures more than once.</p>`
      : html`<p>Jobs that failures ended most often, and what they preempted when they came again.${isLikePaper(report) ? ' Published of RSC-1: one job of 1,024 GPUs was requeued 35 times and caused 548 preemptions (Kokolis et al., HPCA 2025).' : ''}</p>${table('Crash loops', ['job', `${device}s`, 'failures', 'preempted attempts', `their ${device}s`], rows)}`;
  return section(
    'preemption',
    'predicted',
    `Preemption: ${whole(preemption.preemptions)} attempts made room for others`,
    html`${factCards(facts)}<h3>Crash loops</h3>${crash}`,
  );
}
