import { mkdtempSync, readFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { processes } from '../../workloads/languages/ranks.test-support.ts';
import { readSplit, runGang, torchPython } from '../../workloads/languages/train.test-support.ts';
import { allIdentifiers } from './identifiers.ts';
import { type MacroAccuracy, measure, type Row } from './measure.ts';

/**
 * Language identification side by side: trains the bench preset with two ranks, then measures it and its peers on the same held-out
 * sentences in one run. `node bench/languages/run.ts [--model DIR] [--skip-training] [--json]`
 */
const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    'skip-training': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});

async function train(python: string, output: string): Promise<number> {
  const startedAt = performance.now();
  const start = processes(python, process.stderr);
  const ranks = await runGang({ start, size: 2, args: ['--preset', 'bench', '--output', output] });
  const failed = ranks.find(({ code }) => code !== 0);
  if (failed !== undefined) throw new Error(`training failed: ${failed.stderr}`);
  return (performance.now() - startedAt) / 1000;
}

const percent = ({ whole, first30 }: MacroAccuracy) => `${(100 * whole).toFixed(1)} / ${(100 * first30).toFixed(1)}`;

function markdown(rows: readonly Row[]): string {
  const [own] = rows;
  const header = [
    'identifier',
    'labels',
    'macro accuracy over all labels',
    'over the labels it supports',
    'ours on those',
    'sentences per CPU-second',
    'ours to it',
  ];
  const lines = rows.map((row) => [
    row.name,
    String(row.labels),
    percent(row.all),
    percent(row.own),
    percent(row.reference),
    row.sentencesPerCpuSecond.toFixed(0),
    `${((own?.sentencesPerCpuSecond ?? Number.NaN) / row.sentencesPerCpuSecond).toFixed(1)} x`,
  ]);
  return [header, header.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

if (values['skip-training'] && values.model === undefined) {
  process.stderr.write('--skip-training needs --model DIR: the folder of a trained model\n');
  process.exit(2);
}
const python = await torchPython();
const model = values.model ?? join(mkdtempSync(join(tmpdir(), 'orrery-bench-languages-')), 'model');
const trainingSeconds = values['skip-training'] ? null : await train(python, model);
const split = readSplit(python);
const rows = measure(await allIdentifiers(model, split.labels), split);
const { training, weights } = JSON.parse(readFileSync(join(model, 'model.json'), 'utf8'));
const report = {
  cpu: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}`,
  node: process.version,
  sentences: split.test.length,
  trainingSeconds,
  steps: training.steps,
  modelBytes: weights.bytes,
  model,
  rows,
};
if (values.json) {
  process.stdout.write(`${JSON.stringify(report)}\n`);
} else {
  const trained = trainingSeconds === null ? 'trained before' : `trained in ${trainingSeconds.toFixed(0)} s`;
  process.stdout.write(
    `${report.sentences} sentences; whole / first 30 characters, in percent; ${report.cpu}, Node ${report.node}\n` +
      `model: ${trained}, ${training.steps} steps, ${(weights.bytes / 1e6).toFixed(1)} MB of weights, in ${model}\n\n` +
      `${markdown(rows)}\n`,
  );
}
process.exit(0);
