import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { packageFolder } from '../src/cli/package-folder.ts';
import { parseGpuFile } from '../src/formats/cluster-file.ts';
import { stackFileText } from '../src/formats/efficiency-file.ts';
import { parseRunsFile } from '../src/formats/runs-file.ts';
import { type GpuEfficiency, STACKS, type Stack, type StackEfficiency } from '../src/planner/efficiency.ts';
import {
  FIT_PLANS,
  type FitCase,
  fitReserve,
  fitStack,
  type HeldOut,
  holdOutByModel,
  intervalOf,
  predictedSeconds,
} from '../src/planner/fitting.ts';
import { type PlannedGpu, plannedGpu } from '../src/planner/machine.ts';
import { measuredIterationSeconds, predictRun } from '../src/planner/measured-run.ts';

/**
 * Fits the planner's constants on the published runs in `catalog/runs/` and writes them, with the error on models held out, to `catalog/efficiency/`.
 * With `--check` it writes nothing and fails where the catalogue holds something else.
 */
const catalog = join(packageFolder(), 'catalog');

/** Files of rows a stack is fitted on, and how much a row of each counts. */
const ROWS: Record<Stack, Record<string, number>> = {
  'megatron-deepspeed': { 'vtrain-multi-node.csv': 3, 'vtrain-single-node.csv': 1, 'bigscience-prequel.csv': 6 },
  'megatron-2021': { 'narayanan-sc21.csv': 1 },
  'megatron-2022': { 'korthikanti-2022.csv': 1 },
  fsdp: { 'mosaicml-fsdp.csv': 1 },
  'megatron-core': {},
};

/** Two labs measure the same configuration 1 to 6 % apart: no interval is narrower. */
const INTERVAL_LEAST = 0.05;

/** Where no row tells, the error of simulators on rows they were not tuned on: 28 % (Calculon on the rows of others). */
const UNTESTED_INTERVAL = { low: 0.72, high: 1.28 };

/** The four rows of memory lie within; too few for quantiles. */
const MEMORY_INTERVAL = { low: 0.93, high: 1.07 };

const ORIGIN = 'Written by npm run fit:planner from catalog/runs/.';

const GPU_NAMES = ['a100-40', 'a100-80', 'h100-80'];

function readGpu(name: string): PlannedGpu {
  const file = join(catalog, 'gpus', `${name}.yaml`);
  const gpu = plannedGpu(parseGpuFile(readFileSync(file, 'utf8'), file), 'bf16');
  if ('lacks' in gpu) throw new Error(`${file} lacks ${gpu.lacks}`);
  return gpu;
}

const reference = { gemm: 1, attention: 1, memoryBandwidth: 1 };
const unit = { low: 1, high: 1 };
const gpus = new Map(GPU_NAMES.map((name) => [name, readGpu(name)]));

function readCases(stack: Stack): { file: string; fitCase: FitCase }[] {
  const plan = FIT_PLANS.find((candidate) => candidate.stack === stack);
  if (plan === undefined) throw new Error(`no plan to fit ${stack}`);
  // What converts a published rate into seconds does not depend on the constants.
  const anyStack = { ...fitStack(plan, [], null).stack };
  return Object.entries(ROWS[stack]).flatMap(([file, weight]) => {
    const path = join(catalog, 'runs', file);
    return parseRunsFile(readFileSync(path, 'utf8'), path, { gpus: GPU_NAMES, stacks: STACKS }).flatMap((run) => {
      const gpu = gpus.get(run.gpu);
      if (gpu === undefined) throw new Error(`${path}:${run.line} unknown GPU`);
      const prediction = predictRun(run, gpu, { stack: anyStack, gpu: reference, time: unit, memory: unit });
      const measuredSeconds = measuredIterationSeconds(run, prediction);
      return measuredSeconds === null ? [] : [{ file, fitCase: { run, gpu, measuredSeconds, weight } }];
    });
  });
}

function errorsText(rows: readonly HeldOut[]): string {
  const errors = rows.map((row) => 100 * (row.predictedSeconds / row.fitCase.measuredSeconds - 1));
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const sizes = errors.map(Math.abs);
  const parts = [
    `MAPE ${mean(sizes).toFixed(1)} %`,
    `max ${Math.max(...sizes).toFixed(0)} %`,
    `bias ${mean(errors).toFixed(1)} %`,
  ];
  return `${String(rows.length).padStart(4)} rows  ${parts.join('  ')}`;
}

const isCheck = process.argv.includes('--check');
const written = new Map<string, string>();
const fittedStacks = new Map<Stack, StackEfficiency>();
const gpuFactors: Record<string, GpuEfficiency & { note: string }> = {
  'a100-80': { ...reference, note: 'The reference.' },
  'a100-40': { ...reference, note: 'The same chip with other memory; no row validates it.' },
};

for (const plan of FIT_PLANS) {
  const rows = readCases(plan.stack);
  const cases = rows.map(({ fitCase }) => fitCase);
  const inherited = plan.inherits === null ? null : (fittedStacks.get(plan.inherits) ?? null);
  const fitted = fitStack(plan, cases, inherited);
  const taken = plan.takes === null ? undefined : fittedStacks.get(plan.takes.from);
  if (taken !== undefined) for (const constant of plan.takes?.constants ?? []) fitted.stack[constant] = taken[constant];
  fitted.stack.reserveBytes = fitReserve(cases, fitted) ?? fitted.stack.reserveBytes;
  fittedStacks.set(plan.stack, fitted.stack);
  const heldOut = holdOutByModel(plan, cases, inherited, (done, all) => {
    if (process.stderr.isTTY) process.stderr.write(`\r${plan.stack}: model ${done + 1} of ${all} held out `);
  });
  if (process.stderr.isTTY) process.stderr.write('\r\u001B[K');
  console.log(
    `${plan.stack}: ${plan.fitted.length} constants${plan.inherits === null ? '' : `, the others of ${plan.inherits}`}`,
  );
  for (const file of Object.keys(ROWS[plan.stack])) {
    const ofFile = rows.flatMap((row) => (row.file === file ? [row.fitCase] : []));
    const by = (constants: typeof fitted) =>
      ofFile.map((fitCase) => ({ fitCase, predictedSeconds: predictedSeconds(fitCase, constants) }));
    console.log(`  ${file}`);
    console.log(`    model held out  ${errorsText(heldOut.filter(({ fitCase }) => ofFile.includes(fitCase)))}`);
    if (inherited !== null) {
      console.log(`    source held out ${errorsText(by({ stack: inherited, gpus: new Map() }))}`);
    }
    console.log(`    fitted          ${errorsText(by(fitted))}`);
  }
  const memory = cases.flatMap(({ run, gpu }) => {
    const gibibytes = run.measured.peak_memory_GiB;
    const efficiency = { stack: fitted.stack, gpu: reference, time: unit, memory: unit };
    return gibibytes === undefined
      ? []
      : [100 * (predictRun(run, gpu, efficiency).predicted.peak_memory_GiB / gibibytes - 1)];
  });
  if (memory.length > 0) {
    console.log(`    peak memory, fitted: ${memory.map((error) => `${error.toFixed(1)} %`).join('  ')}`);
  }
  for (const [name, factors] of fitted.gpus)
    gpuFactors[name] = { ...factors, note: `Fitted on rows of ${plan.stack}.` };
  const time = heldOut.length === 0 ? UNTESTED_INTERVAL : intervalOf(heldOut, INTERVAL_LEAST);
  const fit = {
    rows: Object.keys(ROWS[plan.stack]),
    fitted: plan.fitted,
    inherited: plan.inherits,
    heldOut: heldOut.length === 0 ? 'no rows' : errorsText(heldOut).trim(),
  };
  const file = { stack: fitted.stack, time, memory: MEMORY_INTERVAL, fit };
  written.set(`${plan.stack}.yaml`, stackFileText(file, ORIGIN));
}
written.set('gpus.yaml', `# ${ORIGIN}\n${stringify(gpuFactors)}`);

let differs = false;
for (const [name, text] of written) {
  const file = join(catalog, 'efficiency', name);
  if (!isCheck) writeFileSync(file, text);
  else if (readFileSync(file, 'utf8') !== text) {
    differs = true;
    console.error(`${file} is not what the fit gives`);
  }
}
process.exitCode = differs ? 1 : 0;
