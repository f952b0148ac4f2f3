import type { Parallelism } from '../../../planner/parallelism.ts';
import type { PlanReport } from '../../plan/plan.ts';
import type { PlanRequest } from '../../plan/request.ts';
import type { ScalingReport } from '../../plan/scaling.ts';
import { version } from '../../version.ts';
import { quantity } from '../cluster-facts.ts';
import { memorySection, stepSection } from './bars.ts';
import { alternativesSection, frontSection } from './front.ts';
import { documentOf, type Fact, factCards, html, Markup, NOTHING } from '../page-markup.ts';
import { scalingSection } from './scaling.ts';
import { STYLE } from '../page-style.ts';
import { duration, durationRange, gib, inWords } from './words.ts';
import { digits, layoutText, percent, secondsText, whole } from '../plan-report.ts';

/**
 * A plan as one HTML document for somebody who has seen neither a terminal nor the field's terms: style and drawings are inside, nothing is loaded, no
 * script runs. `command`: what the user typed, to be shown as it is.
 */
export function renderPlanPage(
  report: PlanReport,
  request: PlanRequest,
  scaling: ScalingReport,
  command: string,
): string {
  const title = headline(report);
  const body = html`<main>
<header><p class="eyebrow">Training plan</p><h1>${title}</h1>${lead(report)}</header>
${report.fits ? NOTHING : misfit(report)}${facts(report)}
${scalingSection(report, scaling)}
${stepSection(report)}
${memorySection(report, request)}
${layoutSection(report.best.parallelism)}
${frontSection(report)}
${alternativesSection(report)}
${trustSection(report, request)}
<section><h2>The command that made this page</h2><pre><code>${command}</code></pre><p class="lesser">${`Orrery ${version}. The same command gives the same plan.`}</p></section>
</main>`;
  return documentOf(title, html`<style>${new Markup(STYLE)}</style>`, body);
}

function headline({ model, gpus, tokens, best, fits }: PlanReport): string {
  return fits
    ? `${model.name} on ${whole(gpus)} GPUs: ${inWords(tokens)} tokens in ${duration(best.expectedDays)}`
    : `${model.name} does not fit into the memory of ${whole(gpus)} GPUs`;
}

function lead(report: PlanReport): Markup {
  const { model, cluster, gpus, nodes, best, sequenceLength, globalBatch, stack } = report;
  const of = gpus === cluster.gpus ? `all ${whole(gpus)} GPUs` : `${whole(gpus)} of the ${whole(cluster.gpus)} GPUs`;
  const range = report.fits
    ? `Four out of five such predictions should end between ${durationRange(best.expectedDaysInterval).replace(' to ', ' and ')}, failures of the machine included. `
    : '';
  return html`<p class="lead">${`${range}The model has ${inWords(model.parameters)} parameters; it trains on ${of} of ${cluster.name} (${whole(nodes)} nodes), in steps of ${whole(globalBatch)} sequences of ${whole(sequenceLength)} tokens, with the software stack ${stack}.`}</p>`;
}

function misfit({ best, memoryBytesPerGpuMax, changes, gpusToFit }: PlanReport): Markup {
  const remedies = changes.map(
    ({ layout }) =>
      html`<li>${`${layout.why}: ${gib(layout.memoryBytesPerGpu)}, ${secondsText(layout.iterationSeconds)} a step`}</li>`,
  );
  const more = gpusToFit === null ? NOTHING : html`<li>${`${whole(gpusToFit)} GPUs, all else as asked for`}</li>`;
  const advice =
    changes.length === 0 && gpusToFit === null
      ? html`<p>No change of two settings, and no number of the cluster's GPUs, makes it fit.</p>`
      : html`<p>The smallest changes that make it fit:</p><ul>${remedies}${more}</ul>`;
  return html`<div class="note alarm"><p><strong>It does not fit.</strong> ${`A GPU would need ${gib(best.memoryBytesPerGpu)} and has ${gib(memoryBytesPerGpuMax)}. All figures below are of the layout that needs least, as if it fitted.`}</p>${advice}</div>`;
}

function facts(report: PlanReport): Markup {
  const { best, gpus, tokensPerStep } = report;
  const { training } = best;
  const days = (seconds: number) => seconds / 86_400;
  const shown: Fact[] = [
    {
      name: 'Time to train',
      value: duration(best.expectedDays),
      meaning: `${durationRange(best.expectedDaysInterval)} with a chance of 80 %. Steps alone take ${duration(best.days)}; the rest goes to checkpoints and failures.`,
    },
    {
      name: 'Speed',
      value: `${inWords(best.tokensPerSecond)} tokens/s`,
      meaning: `A token is a word or a piece of one. Each GPU does ${digits(best.tokensPerSecondPerGpu)} a second.`,
    },
    {
      name: 'One step',
      value: secondsText(best.iterationSeconds),
      meaning: `Reads ${whole(tokensPerStep)} tokens, then changes the model once. The run has ${whole(training.steps)} steps.`,
    },
    {
      name: 'Work out of the GPUs (MFU)',
      value: percent(best.mfu),
      meaning: `Model FLOPs utilisation: the share of the GPUs' peak arithmetic that goes into the model. With what is computed twice (HFU) it is ${percent(best.hfu)}.`,
    },
    {
      name: 'Time that counts (ETTR)',
      value: percent(best.ettr),
      meaning:
        'Effective training time ratio: the share of the run that moves the training on; failures and checkpoints take the rest.',
    },
    {
      name: 'Failures',
      value: `one in ${duration(days(training.mttfSeconds))}`,
      meaning: `${whole(Number(training.failures.toPrecision(2)))} to be expected in the whole run. Each time, training goes on from the last checkpoint.`,
    },
    {
      name: 'Checkpoints',
      value: `every ${duration(days(training.checkpointIntervalSeconds))}`,
      meaning: `Copies of the training's state to fall back on: ${quantity(training.checkpointBytes, 'B')} each, written in ${secondsText(training.checkpointWriteSeconds)}.`,
    },
    {
      name: 'Memory of a GPU',
      value: gib(best.memoryBytesPerGpu),
      meaning: `What the fullest GPU needs at its peak; it has ${gib(report.memoryBytesPerGpuMax)}.`,
    },
    {
      name: 'GPU-hours',
      value: inWords(best.gpuHours),
      meaning: `${whole(gpus)} GPUs for ${duration(best.expectedDays)}: what clusters bill by.`,
    },
  ];
  if (best.energyKwh !== null) {
    shown.push({
      name: 'Energy',
      value: quantity(best.energyKwh * 1000, 'Wh'),
      meaning: 'Electricity of the nodes and of the cooling of the building.',
    });
  }
  if (best.cost !== null) {
    shown.push({
      name: 'Cost',
      value: whole(Math.round(best.cost)),
      meaning: 'GPU-hours at the price given, in the same currency.',
    });
  }
  return factCards(shown);
}

function layoutSection(parallelism: Parallelism): Markup {
  const { tp, pp, dp, cp, ep, microBatch, interleave, recompute, sequenceParallel, zero, offload } = parallelism;
  const terms: [string, string][] = [
    [`Tensor parallel ${tp}`, tp === 1 ? 'No layer is split.' : `Each layer is split over ${tp} GPUs.`],
    [
      `Pipeline parallel ${pp}`,
      pp === 1 ? 'All layers are on the same GPUs.' : `The layers are cut into ${pp} stages, one after the other.`,
    ],
    [
      `Data parallel ${dp}`,
      dp === 1 ? 'There is one copy of the model.' : `${whole(dp)} copies of the model each read a part of the batch.`,
    ],
    [
      `Microbatch ${microBatch}`,
      `A copy works on ${microBatch} ${microBatch === 1 ? 'sequence' : 'sequences'} at a time.`,
    ],
  ];
  if (cp > 1) terms.push([`Context parallel ${cp}`, `Each sequence is split over ${cp} GPUs.`]);
  if (ep > 1) terms.push([`Expert parallel ${ep}`, `The experts of a layer are spread over ${ep} GPUs.`]);
  if (interleave > 1) {
    terms.push([
      `Interleave ${interleave}`,
      `A stage holds ${interleave} separate runs of layers, so that it waits less while a step begins and ends.`,
    ]);
  }
  if (recompute !== 'none') {
    terms.push([
      `Recompute: ${recompute}`,
      `${recompute === 'full' ? 'Whole layers are' : 'The core of attention is'} calculated twice to save memory.`,
    ]);
  }
  if (sequenceParallel) {
    terms.push(['Sequence parallel', 'What tensor parallelism leaves whole is split along the sequence.']);
  }
  if (zero > 0) {
    const what = ['', 'The optimizer state is', 'Optimizer state and gradients are', 'All state is'][zero] ?? '';
    terms.push([`ZeRO ${zero}`, `${what} shared out among the copies of the model.`]);
  }
  if (offload) terms.push(['Offload', "The optimizer state is kept in the nodes' own memory."]);
  const list = terms.map(([name, meaning]) => html`<dt>${name}</dt><dd>${meaning}</dd>`);
  return html`<section><h2>How the work is laid out</h2><p>${layoutText(parallelism)}.</p><dl class="terms">${list}</dl></section>`;
}

function trustSection({ best }: PlanReport, { efficiency, cluster }: PlanRequest): Markup {
  const { stack, fit } = efficiency;
  const [low, high] = best.iterationSecondsInterval;
  const share = (value: number) => percent(Math.abs(value / best.iterationSeconds - 1));
  const inherited =
    fit.inherited === null ? '' : ` All other constants are those of ${fit.inherited}, fitted on runs of its own.`;
  const unbacked =
    best.notValidated.length === 0
      ? html`<p>Published runs back every feature that this plan uses: GPU type, number of GPUs, kind of model and layout.</p>`
      : html`<div class="note"><p><strong>Not validated.</strong> No published run backs what this plan has of the following, and the intervals are widened for it:</p><ul>${best.notValidated.map((what) => html`<li>${what}</li>`)}</ul></div>`;
  const failures =
    cluster.failuresPerNodeDay === null
      ? `How often nodes fail is not known of ${cluster.name}; the rate assumed is that of a cluster where it was published.`
      : `Nodes are taken to fail at the rate given for ${cluster.name}: ${Number((1000 * cluster.failuresPerNodeDay).toPrecision(3))} failures per 1,000 nodes and day.`;
  return html`<section><h2>How far to trust this</h2>${unbacked}
<p>${`This is a calculation, not a measurement. The time of a step is worked out from the model's arithmetic and the data sheet of the machine, with efficiency constants of the software stack (${stack.title}).`}</p>
<p>${`Fitted on published runs (${fit.rows.join(', ')}): ${fit.fitted.join(', ')}.${inherited} Error on runs that were held out of the fit: ${fit.heldOut.replaceAll(/\s{2,}/g, ', ')} (MAPE: mean absolute error).`}</p>
<p>${`The interval reaches from ${share(low)} below the predicted step to ${share(high)} above: 80 % of measured runs should lie within. It covers the speed of a step, not how often nodes fail in your building, a queue, or a training that has to be begun again.`}</p>
<p>${failures}</p></section>`;
}
