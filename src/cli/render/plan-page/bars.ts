import { Estimator } from '../../../planner/estimator.ts';
import type { MemoryBreakdown } from '../../../planner/step-cost.ts';
import type { PlanReport } from '../../plan/plan.ts';
import type { PlanRequest } from '../../plan/request.ts';
import { axes, CHART, drawing, linearScale, round, type Scale } from '../page-chart.ts';
import { html, type Markup, table } from '../page-markup.ts';
import type { Ink } from '../page-style.ts';
import { MEMORY_INKS, STEP_INKS } from './inks.ts';
import { gib, inGib, MEMORY_TERMS, STEP_TERMS, type Term } from './words.ts';
import { percent, secondsText, whole } from '../plan-report.ts';

/** Parts smaller than this share are left out of chart and table; the rest is told in one line. */
const SHOWN_SHARE = 0.001;
/** A part that is narrower bears no number. */
const NUMBER_WIDTH = 14;
const BAR_WIDTH_MOST = 90;

interface Part {
  number: number;
  term: Term;
  ink: Ink;
  value: number;
  share: number;
}

function namesOf<Name extends string>(terms: Readonly<Record<Name, Term>>): Name[] {
  const names: Name[] = [];
  for (const name in terms) names.push(name);
  return names;
}

function partsOf<Name extends string>(
  values: Readonly<Record<Name, number>>,
  terms: Readonly<Record<Name, Term>>,
  inks: Readonly<Record<Name, Ink>>,
): Part[] {
  const names = namesOf(terms);
  const total = names.reduce((sum, name) => sum + values[name], 0);
  return names
    .map((name) => ({ term: terms[name], ink: inks[name], value: values[name], share: values[name] / total }))
    .filter(({ share }) => share >= SHOWN_SHARE)
    .map((part, index) => ({ ...part, number: index + 1 }));
}

function swatch({ ink, number }: Part): Markup {
  return html`<span class="swatch" style="background:${ink.fill};color:${ink.text}">${number}</span>`;
}

/** Where a step's time goes. */
export function stepSection({ best, tokensPerStep }: PlanReport): Markup {
  const parts = partsOf(best.breakdown, STEP_TERMS, STEP_INKS);
  const rows = parts.map(
    (part) =>
      html`<tr><th scope="row">${swatch(part)} ${part.term.name}</th><td>${secondsText(part.value)}</td><td>${percent(part.share)}</td><td class="words">${part.term.meaning}</td></tr>`,
  );
  const limits = best.limits.map((limit) => html`<li>${limit}</li>`);
  return html`<section><h2>Where the time of a step goes</h2><p>Training repeats one step: every GPU works through its share of ${whole(tokensPerStep)} tokens, then all agree on how to change the model. A step takes ${secondsText(best.iterationSeconds)} on the slowest GPUs.</p>
<div class="pair"><div><figure>${stepChart(best.iterationSeconds, parts)}<figcaption>One step from left to right; the parts are added up, not in the order they happen. The numbers are those of the table.</figcaption></figure><h3>What limits it</h3><ul>${limits}</ul></div>${table('Parts of a step', ['part', 'time', 'share', { words: 'what it is' }], rows)}</div></section>`;
}

function stepChart(iterationSeconds: number, parts: readonly Part[]): Markup {
  const { width } = CHART;
  const [left, right, top, bottom] = [14, 20, 12, 82];
  const inMs = iterationSeconds < 2;
  const unit = inMs ? 1000 : 1;
  const x = linearScale(0, iterationSeconds * unit, left, width - right);
  let from = 0;
  const bars = parts.map(({ value, ink, number }) => {
    const start = x.at(from * unit);
    from += value;
    const length = x.at(from * unit) - start;
    const text =
      length < NUMBER_WIDTH
        ? ''
        : html`<text x="${round(start + length / 2)}" y="${(top + bottom) / 2 + 5}" text-anchor="middle" style="fill:${ink.text};font-weight:600">${number}</text>`;
    return html`<rect class="part" x="${round(start)}" y="${top}" width="${round(length)}" height="${bottom - top}" fill="${ink.fill}"/>${text}`;
  });
  const ticks = x.ticks.map(
    (tick) =>
      html`<line class="axis" x1="${round(x.at(tick))}" x2="${round(x.at(tick))}" y1="${bottom + 4}" y2="${bottom + 9}"/><text x="${round(x.at(tick))}" y="${bottom + 24}" text-anchor="middle">${whole(tick)}</text>`,
  );
  const description = `${parts.map(({ term, share }) => `${term.name} ${percent(share)}`).join(', ')}.`;
  const end = x.ticks.at(-1) ?? 0;
  return drawing(
    'step',
    'Parts of a training step',
    description,
    bottom + 46,
    html`${bars}<line class="axis" x1="${left}" x2="${round(x.at(end))}" y1="${bottom + 4}" y2="${bottom + 4}"/>${ticks}<text x="${width / 2}" y="${bottom + 42}" text-anchor="middle">${inMs ? 'milliseconds' : 'seconds'}</text>`,
  );
}

/** Memory of a GPU of each pipeline stage. */
export function memorySection(report: PlanReport, { model, machine, workload, efficiency }: PlanRequest): Markup {
  const { best, memoryBytesPerGpuMax } = report;
  const stages = new Estimator(model, machine, workload, efficiency).memoryByStage(best.parallelism);
  const names = namesOf(MEMORY_TERMS);
  const parts = partsOf(best.memoryBreakdown, MEMORY_TERMS, MEMORY_INKS);
  const [low, high] = best.memoryBytesInterval;
  const stageWords =
    stages.length === 1
      ? 'Every GPU holds all layers of the model, or its share of each.'
      : `The layers are cut into ${stages.length} stages that work one after the other, as on an assembly line; they are counted from 0. The first stages keep more activations, since their results wait longest for the way back; stage ${best.fullestStage} is the fullest.`;
  const tight =
    report.fits && high > memoryBytesPerGpuMax
      ? html`<p class="note">The upper end of the interval is more than a GPU has: measured, this layout may not fit.</p>`
      : '';
  const rows = parts.map(
    (part) =>
      html`<tr><th scope="row">${swatch(part)} ${part.term.name}</th><td>${gib(part.value)}</td><td class="words">${part.term.meaning}</td></tr>`,
  );
  return html`<section><h2>Does it fit into memory?</h2><p>${report.fits ? 'Yes' : 'No'}: the fullest GPU needs ${gib(best.memoryBytesPerGpu)} of ${gib(memoryBytesPerGpuMax)} (80 % interval ${gib(low)} to ${gib(high)}). ${stageWords}</p>${tight}
<div class="pair"><figure>${memoryChart(stages, names, parts, memoryBytesPerGpuMax, machine.gpu.name)}<figcaption>Peak memory of one GPU of each stage, from the first to the last. Colours and numbers are those of the table.</figcaption></figure>${table('Memory of the fullest GPU', [stages.length === 1 ? 'a GPU' : `stage ${best.fullestStage}`, 'memory', { words: 'what it is' }], rows)}</div></section>`;
}

function memoryChart(
  stages: readonly MemoryBreakdown[],
  names: readonly (keyof MemoryBreakdown)[],
  parts: readonly Part[],
  bytesMax: number,
  gpuName: string,
): Markup {
  const { width, height, left, right, top, bottom } = CHART;
  const totals = stages.map((memory) => names.reduce((sum, name) => sum + memory[name], 0));
  const limit = inGib(bytesMax);
  const y = linearScale(0, Math.max(inGib(Math.max(...totals)), limit * 1.08), height - bottom, top);
  const slot = (width - left - right) / stages.length;
  const barWidth = Math.min(BAR_WIDTH_MOST, slot * 0.86);
  const numbers = new Map(parts.map(({ term, number }) => [term, number]));
  const bars = stages.map((memory, stage) => {
    const x = left + slot * (stage + 0.5) - barWidth / 2;
    let from = 0;
    return names.map((name) => {
      const start = y.at(inGib(from));
      from += memory[name];
      const tall = start - y.at(inGib(from));
      const number = numbers.get(MEMORY_TERMS[name]);
      const ink = MEMORY_INKS[name];
      const text =
        number === undefined || tall < NUMBER_WIDTH || barWidth < NUMBER_WIDTH
          ? ''
          : html`<text x="${round(x + barWidth / 2)}" y="${round(start - tall / 2 + 5)}" text-anchor="middle" style="fill:${ink.text};font-weight:600">${number}</text>`;
      const stroke = barWidth < 8 ? '' : 'part';
      return html`<rect class="${stroke}" x="${round(x)}" y="${round(start - tall)}" width="${round(barWidth)}" height="${round(tall)}" fill="${ink.fill}"/>${text}`;
    });
  });
  const every = Math.max(1, Math.ceil(stages.length / 12));
  const x: Scale = {
    at: (stage) => left + slot * (stage + 0.5),
    ticks: stages.map((_, stage) => stage).filter((stage) => stages.length > 1 && stage % every === 0),
  };
  const limitAt = round(y.at(limit));
  const description = `${totals.map((bytes, stage) => `Stage ${stage} ${gib(bytes)}`).join(', ')}; a GPU has ${gib(bytesMax)}.`;
  return drawing(
    'memory',
    'Memory of a GPU by pipeline stage',
    description,
    height,
    html`${axes(x, y, { x: stages.length === 1 ? 'every GPU' : 'pipeline stage', y: 'GiB of a GPU' }, { x: whole, y: whole })}${bars}<line class="axis" x1="${left}" x2="${width - right}" y1="${height - bottom}" y2="${height - bottom}"/><line class="limit" x1="${left}" x2="${width - right}" y1="${limitAt}" y2="${limitAt}"/><text class="limit-text" x="${width - right}" y="13" text-anchor="end">${`dashed: the ${gib(bytesMax)} of ${gpuName}`}</text>`,
  );
}
