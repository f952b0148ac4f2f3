import { CONTEXT_PARALLEL_SEQUENCE_LEAST } from '../../planner/layout-space.ts';
import type { Parallelism } from '../../planner/parallelism.ts';
import type { BestLayout, PlannedLayout, PlanReport } from '../plan/plan.ts';
import { tokensText } from '../plan/request.ts';
import { quantity } from './cluster-facts.ts';
import { progressBar } from './progress-bar.ts';
import { renderTable } from './table.ts';
import type { Terminal } from './terminal.ts';

const TIME_PARTS: Readonly<Record<keyof BestLayout['breakdown'], string>> = {
  compute: 'GEMMs and attention',
  memoryBound: 'memory-bound kernels',
  embedding: 'embedding and logits',
  recompute: 'recompute',
  host: 'host',
  tensorParallel: 'tensor parallel',
  contextParallel: 'context parallel',
  expertParallel: 'expert parallel',
  pipeline: 'pipeline sends',
  bubble: 'pipeline bubble',
  dataParallel: 'data parallel',
  optimizer: 'optimizer',
  offload: 'offload',
};
const MEMORY_PARTS: Readonly<Record<keyof BestLayout['memoryBreakdown'], string>> = {
  weights: 'weights',
  gradients: 'gradients',
  optimizer: 'optimizer state',
  activations: 'activations',
  temporary: 'temporary buffers',
  reserve: 'reserve',
};
const BAR_WIDTH = 24;
const GIB = 2 ** 30;
const STAGES_SHOWN = 12;

/** The best layout, where its time and memory go, what limits it, and what else there is. */
export function renderPlan(plan: PlanReport, terminal: Terminal): string {
  const { best } = plan;
  const sections = [
    headline(plan, terminal),
    ...(plan.fits ? [] : [renderMisfit(plan, terminal)]),
    renderFacts(plan),
    renderBars(`A step of ${secondsText(best.iterationSeconds)}`, best.breakdown, TIME_PARTS, secondsText, terminal),
    renderBars(memoryTitle(plan), best.memoryBreakdown, MEMORY_PARTS, gibText, terminal) + stagesText(best),
    ['What limits it', ...best.limits.map((limit) => `  ${limit}`)].join('\n'),
    ...(plan.alternatives.length > 0 ? [renderAlternatives(plan, terminal)] : []),
    ...(best.notValidated.length > 0
      ? [terminal.paint('yellow', `Not validated by any published run: ${best.notValidated.join(', ')}`)]
      : []),
    searchText(plan),
  ];
  return sections.join('\n\n');
}

function headline(plan: PlanReport, terminal: Terminal): string {
  const { model, cluster, gpus, nodes, tokens, globalBatch, sequenceLength, stack } = plan;
  const where = `${model.name} (${quantity(model.parameters, '').replace('G', 'B').trim()} parameters) on ${whole(gpus)} of ${whole(cluster.gpus)} GPUs of ${cluster.name}`;
  return `${terminal.paint('bold', where)}\n${nodes === 1 ? '1 node' : `${whole(nodes)} nodes`}, ${tokensText(tokens)} tokens in batches of ${whole(globalBatch)} x ${whole(sequenceLength)}, ${stack}`;
}

function renderMisfit({ best, memoryBytesPerGpuMax, changes, gpusToFit }: PlanReport, terminal: Terminal): string {
  const needs = `It does not fit: GPUs of stage ${best.fullestStage} need ${gibText(best.memoryBytesPerGpu)} and have ${gibText(memoryBytesPerGpuMax)}.`;
  const lines = changes.map(
    ({ layout }) =>
      `  ${layout.why}: ${gibText(layout.memoryBytesPerGpu)}, ${secondsText(layout.iterationSeconds)} a step`,
  );
  if (gpusToFit !== null) lines.push(`  ${whole(gpusToFit)} GPUs, all else as asked for`);
  const remedy =
    lines.length === 0
      ? ["No change of two settings, and no number of the cluster's GPUs, makes it fit."]
      : ['The smallest changes that make it fit:', ...lines];
  return [terminal.paint('red', needs), ...remedy].join('\n');
}

function renderFacts({ best, tokensPerStep, fits }: PlanReport): string {
  const { training } = best;
  const [fastest, slowest] = best.iterationSecondsInterval;
  const facts: [string, string][] = [
    [fits ? 'Best layout' : 'Least memory', layoutText(best.parallelism)],
    [
      'Step',
      `${secondsText(best.iterationSeconds)} (80 % interval ${secondsText(fastest)} to ${secondsText(slowest)}) for ${whole(tokensPerStep)} tokens`,
    ],
    [
      'Throughput',
      `${quantity(best.tokensPerSecond, 'tokens/s')}, ${digits(best.tokensPerSecondPerGpu)} a GPU; MFU ${percent(best.mfu)}, HFU ${percent(best.hfu)}`,
    ],
    ['Time to train', `${digits(best.days)} days; ${expectedText(best)}`],
    [
      'Failures',
      `${training.failures === 0 ? 'none' : `one every ${hoursText(training.mttfSeconds)}`}, ETTR ${best.ettr.toFixed(3)} with a checkpoint of ${quantity(training.checkpointBytes, 'B')} every ${hoursText(training.checkpointIntervalSeconds)}, written in ${secondsText(training.checkpointWriteSeconds)}`,
    ],
    [
      'Storage',
      `${quantity(training.storage.dataBytesPerSecond, 'B/s')} of tokens to read, ${quantity(training.storage.checkpointBytesPerSecond, 'B/s')} of checkpoints to write, in the mean`,
    ],
    [
      'GPU-hours',
      endsWithFailures(best)
        ? [whole(Math.round(best.gpuHours)), energyText(best.energyKwh), costText(best.cost)]
            .filter((part) => part !== '')
            .join('; ')
        : '-',
    ],
  ];
  const width = Math.max(...facts.map(([label]) => label.length));
  return facts.map(([label, value]) => `${label.padEnd(width)}  ${value}`).join('\n');
}

/** False where failures come so much faster than checkpoints that the time it takes is beyond all numbers. */
function endsWithFailures({ expectedDays }: BestLayout): boolean {
  return Number.isFinite(expectedDays);
}

function expectedText(best: BestLayout): string {
  if (!endsWithFailures(best)) return 'with failures it never ends, there are too many between two checkpoints';
  const [least, most] = best.expectedDaysInterval;
  return `${digits(best.expectedDays)} with failures (80 % interval ${digits(least)} to ${Number.isFinite(most) ? digits(most) : 'no end'})`;
}

function energyText(kwh: number | null): string {
  return kwh === null ? '' : `${quantity(kwh * 1000, 'Wh')} with the building's cooling`;
}

function costText(cost: number | null): string {
  return cost === null ? '' : `cost ${whole(Math.round(cost))}`;
}

function memoryTitle({ best, memoryBytesPerGpuMax }: PlanReport): string {
  const [, high] = best.memoryBytesInterval;
  const isTight = best.memoryBytesPerGpu <= memoryBytesPerGpuMax && high > memoryBytesPerGpuMax;
  const tight = isTight ? `; the 80 % interval ends at ${gibText(high)}, it may not fit` : '';
  const host = best.hostMemoryBytesPerGpu > 0 ? `, ${gibText(best.hostMemoryBytesPerGpu)} of host memory` : '';
  return `Memory of a GPU on stage ${best.fullestStage}: ${gibText(best.memoryBytesPerGpu)} of ${gibText(memoryBytesPerGpuMax)}${host}${tight}`;
}

/** Memory by pipeline stage, where there are several: all, or the first and the last of many. */
function stagesText({ memoryBytesByStage }: BestLayout): string {
  const stages = memoryBytesByStage.map((bytes) => (bytes / GIB).toFixed(1));
  if (stages.length === 1) return '';
  const shown = stages.length <= STAGES_SHOWN ? stages : [...stages.slice(0, STAGES_SHOWN - 2), '...', stages.at(-1)];
  return `\n  by stage: ${shown.join(' ')} GiB`;
}

/** One bar a part that is not nothing, in the order of its size. */
function renderBars<Part extends string>(
  title: string,
  parts: Readonly<Record<Part, number>>,
  names: Readonly<Record<Part, string>>,
  text: (value: number) => string,
  terminal: Terminal,
): string {
  const rows: [string, number][] = [];
  let total = 0;
  for (const part in names) {
    rows.push([names[part], parts[part]]);
    total += parts[part];
  }
  const shown = rows.filter(([, value]) => value >= 0.001 * total).toSorted((a, b) => b[1] - a[1]);
  const width = Math.max(...shown.map(([name]) => name.length));
  const lines = shown.map(([name, value]) => {
    return `  ${name.padEnd(width)}  ${progressBar(value / total, BAR_WIDTH, terminal)}  ${text(value)}`;
  });
  return [title, ...lines].join('\n');
}

/** The best layout of each division of the GPUs, and below in what they differ. */
function renderAlternatives({ best, alternatives }: PlanReport, terminal: Terminal): string {
  const all = [best, ...alternatives];
  const count = (header: string, field: 'tp' | 'pp' | 'dp' | 'cp' | 'ep' | 'microBatch' | 'interleave' | 'zero') => {
    return { header, align: 'right' as const, text: ({ parallelism }: PlannedLayout) => String(parallelism[field]) };
  };
  const isUsed = (field: 'cp' | 'ep') => all.some(({ parallelism }) => parallelism[field] > 1);
  const table = renderTable<PlannedLayout>(
    [
      { header: '#', text: (layout) => String(all.indexOf(layout) + 1) },
      count('TP', 'tp'),
      count('PP', 'pp'),
      count('DP', 'dp'),
      ...(isUsed('cp') ? [count('CP', 'cp')] : []),
      ...(isUsed('ep') ? [count('EP', 'ep')] : []),
      count('MICRO', 'microBatch'),
      count('INTERLEAVE', 'interleave'),
      { header: 'RECOMPUTE', text: ({ parallelism }) => parallelism.recompute },
      { header: 'SP', text: ({ parallelism }) => (parallelism.sequenceParallel ? 'on' : '-') },
      count('ZERO', 'zero'),
      { header: 'OFFLOAD', text: ({ parallelism }) => (parallelism.offload ? 'on' : '-') },
      { header: 'STEP', align: 'right', text: ({ iterationSeconds }) => secondsText(iterationSeconds) },
      { header: 'MFU', align: 'right', text: ({ mfu }) => percent(mfu) },
      { header: 'MEMORY', align: 'right', text: ({ memoryBytesPerGpu }) => gibText(memoryBytesPerGpu) },
    ],
    all,
    terminal,
  );
  return [table, '', ...all.map(({ why }, index) => `  ${index + 1}  ${why}`)].join('\n');
}

function searchText({ search, sequenceLength, best }: PlanReport): string {
  const { spaceSize, evaluated, pruned, seconds } = search;
  const searched =
    spaceSize === 1
      ? 'The layout was given whole'
      : `${whole(spaceSize)} layouts: ${whole(evaluated)} evaluated, ${whole(pruned)} ruled out by bounds, in ${secondsText(seconds)}`;
  const isShort = sequenceLength < CONTEXT_PARALLEL_SEQUENCE_LEAST && best.parallelism.cp === 1 && spaceSize > 1;
  const least = whole(CONTEXT_PARALLEL_SEQUENCE_LEAST);
  return `${searched}.${isShort ? ` Context parallelism is searched from sequences of ${least} tokens, or as --cp says.` : ''}`;
}

/** `TP 8 x PP 8 x DP 16, microbatch 1, interleave 3, recompute selective, sequence parallel, ZeRO 1`. */
export function layoutText(parallelism: Parallelism): string {
  const { tp, pp, dp, cp, ep, microBatch, interleave, recompute, sequenceParallel, zero, offload } = parallelism;
  const parts = [`TP ${tp} x PP ${pp} x DP ${dp}${cp > 1 ? ` x CP ${cp}` : ''}`];
  if (ep > 1) parts.push(`EP ${ep}`);
  parts.push(`microbatch ${microBatch}`);
  if (interleave > 1) parts.push(`interleave ${interleave}`);
  if (recompute !== 'none') parts.push(`${recompute} recompute`);
  if (sequenceParallel) parts.push('sequence parallel');
  if (zero > 0) parts.push(`ZeRO ${zero}`);
  if (offload) parts.push('offload');
  return parts.join(', ');
}

export function whole(value: number): string {
  return value.toLocaleString('en');
}

/** Three digits. */
export function digits(value: number): string {
  return value >= 100 ? whole(Math.round(value)) : value.toPrecision(3);
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

export function secondsText(seconds: number): string {
  return seconds >= 1 ? `${digits(seconds)} s` : `${digits(1000 * seconds)} ms`;
}

function hoursText(seconds: number): string {
  if (seconds >= 2 * 86_400) return `${digits(seconds / 86_400)} days`;
  return seconds >= 5400 ? `${digits(seconds / 3600)} hours` : `${digits(seconds / 60)} minutes`;
}

function gibText(bytes: number): string {
  return `${(bytes / GIB).toFixed(1)} GiB`;
}
