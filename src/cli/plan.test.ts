import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Validation } from '../planner/validation.ts';
import { packageFolder } from './package-folder.ts';
import type { Calibration } from './plan/calibration.ts';
import type { Compared } from './plan/comparison.ts';
import type { Deadline } from './plan/deadline.ts';
import type { PlanReport } from './plan/plan.ts';

const MAIN = join(packageFolder(), 'src', 'cli', 'main.ts');

let folder: string;
/** The sources as Node compiled them: what most of these processes would do again, and the packaged command does not. */
let compiled: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-plan-'));
  compiled = join(folder, 'compiled');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Outcome {
  status: number;
  stdout: string;
  stderr: string;
}

/** `orrery plan` as a real process; the arguments are split at blanks. */
function plan(args: string): Promise<Outcome> {
  const env = { PATH: process.env['PATH'], HOME: folder, LANG: 'C.UTF-8', NODE_COMPILE_CACHE: compiled };
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, 'plan', ...args.split(' ')], { cwd: folder, env }, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

async function planJson<Document>(args: string, status = 0): Promise<Document> {
  const outcome = await plan(`${args} --json`);
  expect([outcome.status, outcome.stderr]).toEqual([status, '']);
  return z.custom<Document>().parse(JSON.parse(outcome.stdout));
}

const GPT3 = '--cluster rsc-phase1 --model gpt3-175b --tokens 300B --gpus 1024 --global-batch 1536';
const LAYOUT =
  '--tp 8 --pp 8 --dp 16 --micro-batch 1 --interleave 3 --recompute selective --sequence-parallel --zero 1';

describe('orrery plan', () => {
  it('prices the one layout that is given', async () => {
    const report = await planJson<PlanReport>(`${GPT3} --seq 2048 ${LAYOUT} --stack megatron-2022`);
    const { best, search, fits } = report;
    expect(fits).toBe(true);
    expect(search).toMatchObject({ spaceSize: 1, evaluated: 1, pruned: 0 });
    expect(report.alternatives).toEqual([]);
    expect(best.parallelism).toEqual({
      tp: 8,
      pp: 8,
      dp: 16,
      cp: 1,
      ep: 1,
      microBatch: 1,
      interleave: 3,
      recompute: 'selective',
      sequenceParallel: true,
      zero: 1,
      offload: false,
    });
    const sum = (parts: object) => Object.values(parts).reduce((total, part: number) => total + part, 0);
    expect(sum(best.breakdown)).toBeCloseTo(best.iterationSeconds, 6);
    expect(sum(best.memoryBreakdown) / best.memoryBytesPerGpu).toBeCloseTo(1, 9);
    expect(best.tokensPerSecondPerGpu).toBeCloseTo((1536 * 2048) / best.iterationSeconds / 1024, 6);
    expect(best.days).toBeCloseTo((Math.ceil(300e9 / (1536 * 2048)) * best.iterationSeconds) / 86_400, 9);
    expect(best.expectedDays).toBeCloseTo(best.days / best.ettr, 9);
    // 6 FLOPs a parameter and token at least, and less than the peak.
    expect(best.mfu).toBeGreaterThan((6 * 174e9 * best.tokensPerSecondPerGpu) / 312e12);
    expect(best.hfu).toBeGreaterThan(best.mfu);
    expect(best.hfu).toBeLessThan(1);
    const [fastest, slowest] = best.iterationSecondsInterval;
    expect(best.memoryBytesByStage).toHaveLength(8);
    expect(Math.max(...best.memoryBytesByStage)).toBeCloseTo(best.memoryBytesPerGpu, -1);
    expect(fastest).toBeLessThan(best.iterationSeconds);
    expect(slowest).toBeGreaterThan(best.iterationSeconds);
  });

  it('searches what is not fixed, and keeps what is', async () => {
    const given = await planJson<PlanReport>(`${GPT3} ${LAYOUT}`);
    const partly = await planJson<PlanReport>(`${GPT3} --tp 8 --recompute full --no-sequence-parallel`);
    const free = await planJson<PlanReport>(GPT3);
    for (const { parallelism } of [partly.best, ...partly.alternatives]) {
      expect(parallelism).toMatchObject({ tp: 8, recompute: 'full', sequenceParallel: false, offload: false });
    }
    expect(free.best.iterationSeconds).toBeLessThanOrEqual(given.best.iterationSeconds);
    expect(free.best.iterationSeconds).toBeLessThanOrEqual(partly.best.iterationSeconds);
    expect(free.search.evaluated + free.search.pruned).toBe(free.search.spaceSize);
    expect(free.search.spaceSize).toBeGreaterThan(partly.search.spaceSize);
    expect(free.front[0]?.iterationSeconds).toBe(free.best.iterationSeconds);
  });

  it('says what no published run backs, and widens the interval for it', async () => {
    const widths = async (gpus: number) => {
      const { best } = await planJson<PlanReport>(`${GPT3} --gpus ${gpus}`);
      const [low, high] = best.iterationSecondsInterval;
      return { notValidated: best.notValidated, width: (high - low) / best.iterationSeconds };
    };
    const seen = await widths(1024);
    const unseen = await widths(4096);
    expect(seen.notValidated).toEqual([]);
    expect(unseen.notValidated).toContain('more than 3072 GPUs');
    expect(unseen.width).toBeGreaterThan(2 * seen.width);
  });

  it('shows the layout, where time and memory go, what limits it, and alternatives', async () => {
    const { status, stdout } = await plan(GPT3);
    expect(status).toBe(0);
    for (const part of [
      /^gpt3-175b \(174\.6 B parameters\) on 1,024 of 6,080 GPUs of rsc-phase1$/m,
      /^Best layout +TP \d+ x PP \d+ x DP \d+, microbatch \d+/m,
      /^Step +[\d.]+ s \(80 % interval [\d.]+ s to [\d.]+ s\) for 3,145,728 tokens$/m,
      /^Time to train +[\d.]+ days; [\d.]+ with failures \(80 % interval [\d.]+ to [\d.]+\)$/m,
      /^ {2}GEMMs and attention +█+░* +\d+% {2}[\d.]+ s$/m,
      /^Memory of a GPU on stage \d+: [\d.]+ GiB of [\d.]+ GiB/m,
      /^ {2}activations +█+░* +\d+% {2}[\d.]+ GiB$/m,
      /^What limits it\n {2}\d+ % /m,
      /^# +TP +PP +DP +MICRO +INTERLEAVE +RECOMPUTE +SP +ZERO +OFFLOAD +STEP +MFU +MEMORY\n1 .*\n2 .*\n/m,
      /^ {2}1 {2}.* faster than .*\n {2}2 {2}.* slower: .*\n/m,
      /layouts: [\d,]+ evaluated, [\d,]+ ruled out by bounds, in [\d.]+ m?s\. Context parallelism is searched from /m,
    ]) {
      expect(stdout).toMatch(part);
    }
  });

  it('says what does not fit, and the smallest change that makes it fit', async () => {
    const args = '--cluster rsc-phase1 --model gpt3-175b --tokens 300B --gpus 64 --tp 8 --pp 8 --micro-batch 4';
    const report = await planJson<PlanReport>(`${args} --recompute none`, 1);
    expect(report.fits).toBe(false);
    expect(report.best.memoryBytesPerGpu).toBeGreaterThan(report.memoryBytesPerGpuMax);
    expect(report.changes.map(({ fields }) => fields)).toContainEqual(['recompute']);
    for (const { layout } of report.changes) {
      expect(layout.memoryBytesPerGpu).toBeLessThanOrEqual(report.memoryBytesPerGpuMax);
    }
    const { status, stdout } = await plan(`${args} --recompute none`);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^It does not fit: GPUs of stage 0 need [\d.]+ GiB and have [\d.]+ GiB\.$/m);
    expect(stdout).toMatch(/recompute (?:full|selective) instead of none: [\d.]+ GiB, [\d.]+ s a step/);
  });

  it('finds the fewest nodes for a deadline', async () => {
    const args = '--cluster rsc-phase1 --model llama-13b --tokens 1T';
    const { deadline, best } = await planJson<PlanReport & { deadline: Deadline }>(`${args} --deadline 3w`);
    expect(deadline).toMatchObject({ seconds: 21 * 86_400, isMet: true, gpus: 8 * deadline.nodes });
    expect(best.expectedDays).toBeLessThanOrEqual(21);
    const again = await planJson<PlanReport>(`${args} --gpus ${deadline.gpus}`);
    expect(again.best.expectedDays).toBe(best.expectedDays);
    const fewer = await planJson<PlanReport>(`${args} --gpus ${deadline.gpus - 8}`);
    expect(fewer.best.expectedDays).toBeGreaterThan(21);
    const { status, stdout } = await plan(`${args} --deadline 1h`);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^rsc-phase1 cannot end within 0\.0417 days: 760 nodes \(6,080 GPUs\) take /);
  });

  it('leaves the number of GPUs open to a deadline, whatever is fixed', async () => {
    const args = '--cluster rsc-phase1 --model gpt3-175b --tokens 300B --deadline 3w --pp 12';
    const { deadline, best } = await planJson<PlanReport & { deadline: Deadline }>(args);
    expect(deadline.isMet).toBe(true);
    expect(deadline.gpus % 12).toBe(0);
    expect(best.parallelism.pp).toBe(12);
  });

  it('takes a batch that can be laid out where none is given', async () => {
    const phase1 = '--cluster rsc-phase1 --tokens 300B';
    const mixtral = await planJson<PlanReport>(`${phase1} --model mixtral-8x22b`);
    expect(mixtral.best.parallelism.dp * mixtral.best.parallelism.microBatch).toBeLessThanOrEqual(mixtral.globalBatch);
    const fixed = await planJson<PlanReport>(`${phase1} --model gpt3-175b --dp 16`);
    expect(fixed.best.parallelism.dp).toBe(16);
    expect(fixed.globalBatch % 16).toBe(0);
  });

  it('finds a cluster as fast as itself', async () => {
    const args = '--compare rsc-phase1,rsc-phase1 --model gpt3-175b --tokens 300B';
    const { clusters } = await planJson<{ clusters: Compared[] }>(args);
    expect(clusters[1]).toEqual({ ...clusters[0], plan: { ...clusters[1]?.plan } });
    expect(clusters[1]?.strong).toMatchObject({ speedUp: 1, efficiency: 1 });
  });

  it('compares on the number of GPUs that is fastest with the batch given', async () => {
    const args = '--compare rsc-phase1,rsc-phase2 --model gpt3-175b --tokens 300B --global-batch 1536';
    const { clusters } = await planJson<{ clusters: Compared[] }>(args);
    const [first, second] = clusters;
    expect(first?.plan.gpus).toBeLessThan(6080);
    expect(second?.plan.gpus).toBeLessThan(16_000);
    // All 6,080 GPUs would have to be cut into 95 stages.
    expect(first?.plan.best.mfu).toBeGreaterThan(0.3);
    expect(second?.strong.efficiency).toBeLessThan(1.2);
    expect(clusters.map(({ strong }) => strong.globalBatch)).toEqual([1536, 1536]);
  });

  it('gives FSDP a batch that its replicas divide, whatever their number', async () => {
    const report = await planJson<PlanReport>(
      '--cluster rsc-phase1 --model llama3-8b --tokens 1T --gpus 184 --stack fsdp',
    );
    expect(report.globalBatch).toBe(184);
  });

  it('says so where failures leave no end, and prints no infinite number', async () => {
    const args = '--cluster rsc-phase1 --model llama3-405b --tokens 15T --checkpoint-interval 10000h';
    const { status, stdout } = await plan(args);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^Time to train +\d+ days; with failures it never ends/m);
    expect(stdout).not.toMatch(/Infinity|NaN|∞/);
    const { best } = await planJson<PlanReport>(args);
    expect([best.expectedDays, best.gpuHours, best.ettr]).toEqual([null, null, 0]);
  });

  it('compares clusters with the first', async () => {
    const args = '--compare rsc-phase1,rsc-phase2 --model gpt3-175b --tokens 300B';
    const { clusters } = await planJson<{ clusters: Compared[] }>(args);
    const [first, second] = clusters;
    expect(first?.strong).toMatchObject({ speedUp: 1, efficiency: 1 });
    expect(first?.weak).toEqual(first?.strong);
    expect(second?.plan.gpus).toBe(16_000);
    expect(second?.strong.speedUp).toBeGreaterThan(1);
    expect(second?.strong.efficiency).toBeCloseTo((second?.strong.speedUp ?? 0) / (16_000 / 6080), 9);
    expect((second?.weak.globalBatch ?? 0) / (first?.weak.globalBatch ?? 1)).toBeCloseTo(16_000 / 6080, 0);
    const { stdout } = await plan(args);
    expect(stdout).toMatch(/^rsc-phase1 +6,080 .* 1\.00 x +100\.0 %/m);
    expect(stdout).toMatch(/^rsc-phase2 +16,000 .* \d\.\d\d x +\d+\.\d %/m);
  });

  it.each([
    ['--gpus 1024 --tp 7', 2, /^orrery: tp: 7 does not split gpt3-175b evenly .*valid: 1, 2, 3, 4, 6, 8, 12/],
    ['--gpus 1024 --tp 8 --pp 8 --dp 15', 2, /^orrery: tp x pp x dp: must divide the 1024 GPUs/],
    ['--gpus 0', 2, /^orrery: --gpus: expected an integer >= 1, got "0"$/],
    ['--gpus 6081', 2, /^orrery: gpus: expected at most the 6080 of rsc-phase1, got 6081$/],
    [
      '--gpus 6007',
      2,
      /^orrery: gpus: 6007 cannot be laid out for gpt3-175b .*; the next smaller number that can be is /,
    ],
    ['--tokens 300X', 2, /^orrery: --tokens: expected a number of tokens such as .*, got "300X"$/],
    ['--recompute some', 2, /^orrery: --recompute: expected none, selective or full, got "some"$/],
    ['--stack jax', 2, /^orrery: stack: expected one of megatron-2021, .* or a YAML file, got "jax"$/],
    ['--model gpt3-175', 3, /^orrery: unknown model "gpt3-175".*did you mean "gpt3-175b"\?/],
    ['--model ./config.json', 2, /^orrery: \.\/config\.json.*num_hidden_layers/],
    ['--cluster rsc-phase3', 2, /^orrery: unknown cluster "rsc-phase3": known are /],
    ['--cluster cori', 2, /^orrery: cluster: cori has no GPUs/],
    ['--deadline soon', 2, /^orrery: --deadline: expected a time such as 3w, got "soon"$/],
    ['--compare rsc-phase1', 2, /^orrery: compare: expected two clusters or more, such as rsc-phase1,rsc-phase2$/],
    ['--compare rsc-phase1,selene', 2, /^orrery: compare: expected neither --cluster nor --deadline with it$/],
  ])('refuses %s in one line', async (args, status, message) => {
    writeFileSync(join(folder, 'config.json'), '{"model_type": "llama", "hidden_size": 4096}');
    const outcome = await plan(`--cluster rsc-phase1 --model gpt3-175b --tokens 300B ${args}`);
    expect([outcome.status, outcome.stdout]).toEqual([status, '']);
    expect(outcome.stderr.trimEnd()).not.toContain('\n');
    expect(outcome.stderr.trimEnd()).toMatch(message);
  });

  it.each([
    ['--model gpt3-175b --tokens 1B', 'cluster: missing: give --cluster NAME'],
    ['--cluster rsc-phase1 --tokens 1B', 'model: missing: give --model NAME'],
    ['--cluster rsc-phase1 --model gpt3-175b', 'tokens: missing: give --tokens'],
  ])('says what %s lacks', async (args, message) => {
    const { status, stderr } = await plan(args);
    expect([status, stderr.startsWith(`orrery: ${message}`)]).toEqual([2, true]);
  });
});

describe('orrery plan validate', () => {
  const published = join(packageFolder(), 'catalog', 'runs', 'bigscience-prequel.csv');

  it('holds every measurement of published runs against its prediction', async () => {
    const { rows, summary, bySource, byMeasure } = await planJson<Validation>(`validate ${published}`);
    const runs = readFileSync(published, 'utf8').trim().split('\n').length - 1;
    expect(rows).toHaveLength(2 * runs);
    for (const { measured, predicted, low, high, errorPercent } of rows) {
      expect(errorPercent).toBeCloseTo((100 * (predicted - measured)) / measured, 9);
      expect(low).toBeLessThan(predicted);
      expect(high).toBeGreaterThan(predicted);
    }
    expect(summary.rows).toBe(2 * runs);
    expect(Object.keys(bySource)).toEqual(['BigScience BLOOM prequel chronicles']);
    expect(Object.keys(byMeasure)).toEqual(['iteration_s', 'peak_memory_GiB']);
    const { stdout } = await plan(`validate ${published}`);
    expect(stdout).toMatch(/^bloom-prequel 181B mb1 +143\.3 s +[\d.]+ +[\d.]+ to [\d.]+ +[+-][\d.]+ %$/m);
    expect(stdout).toMatch(/^all +8 /m);
  });

  it('predicts a run that training software would refuse, and says so', async () => {
    const file = join(folder, 'odd.csv');
    const header = 'gpu,gpus,layers,hidden,heads,global_batch,micro_batch,tp,pp,interleave,measured_iteration_s';
    writeFileSync(file, `${header}\na100-80,8,24,2048,16,12,1,2,4,5,1\n`);
    const { status, stdout, stderr } = await plan(`validate ${file} --json`);
    expect(status).toBe(0);
    expect(z.custom<Validation>().parse(JSON.parse(stdout)).rows).toHaveLength(1);
    expect(stderr).toMatch(/^warning: .*odd\.csv:2 .*; predicted all the same$/m);
  });

  it.each([
    [
      'gpu,gpus,layers,hidden,heads,global_batch,measured_iteration_s\na100-80,8,x,2048,16,8,1',
      ':2 layers: expected an integer > 0, got "x"',
    ],
    [
      'gpu,gpus,layers,hidden,heads,global_batch,measured_iteration_s\nv100,8,24,2048,16,8,1',
      ':2 gpu: expected one of a100-40, a100-80',
    ],
    ['gpu,gpus,layers', ':1 column "hidden" missing'],
  ])('refuses %j in one line', async (text, message) => {
    const file = join(folder, 'bad.csv');
    writeFileSync(file, text);
    const { status, stdout, stderr } = await plan(`validate ${file}`);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr.startsWith(`orrery: ${file}${message}`)).toBe(true);
    expect(stderr.trimEnd()).not.toContain('\n');
  });

  it('says which file it cannot read', async () => {
    const { status, stderr } = await plan('validate nope.csv');
    expect([status, stderr]).toEqual([2, 'orrery: cannot read nope.csv: no such file\n']);
  });
});

describe('orrery plan calibrate', () => {
  it('fits a stack to runs that are slower than the published ones, for the other commands to use', async () => {
    const header = 'name,gpu,gpus,layers,hidden,heads,global_batch,micro_batch,tp,pp,recompute,measured_iteration_s';
    const published = [
      ['22B,a100-80,8,48,6144,64,4,4,8,1,full', 1.42],
      ['175B,a100-80,64,96,12288,96,64,1,8,8,full', 18.13],
      ['530B,a100-80,280,105,20480,128,280,1,8,35,full', 49.05],
    ] as const;
    const rows = published.map(([run, seconds]) => `${run},${seconds * 1.25}`);
    const [runs, fitted] = [join(folder, 'mine.csv'), join(folder, 'mine.yaml')];
    writeFileSync(runs, [header, ...rows].join('\n'));
    const calibration = await planJson<Calibration>(`calibrate ${runs} --out ${fitted}`);
    expect(calibration).toMatchObject({ base: 'megatron-2022', file: fitted, rows: 3 });
    expect(calibration.errorPercent.before).toBeGreaterThan(10);
    expect(calibration.errorPercent.fitted).toBeLessThan(calibration.errorPercent.before / 3);
    const { summary } = await planJson<Validation>(`validate ${runs} --stack ${fitted}`);
    expect(summary.mape).toBeCloseTo(calibration.errorPercent.fitted, 6);
    const { stdout } = await plan(`calibrate ${runs}`);
    expect(stdout).toMatch(/^gemm +0\.\d+ +0\.\d+$/m);
    expect(stdout).toContain('Written nowhere: --out FILE keeps it');
    const [before, after] = await Promise.all([
      planJson<PlanReport>(`${GPT3} ${LAYOUT}`),
      planJson<PlanReport>(`${GPT3} ${LAYOUT} --stack ${fitted}`),
    ]);
    expect(after.best.iterationSeconds).toBeGreaterThan(1.1 * before.best.iterationSeconds);
  });
});
