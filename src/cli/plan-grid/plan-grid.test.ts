import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parseCsv } from '../../formats/csv.ts';
import { catalogueNames } from '../catalogue-file.ts';
import { listModels } from '../models.ts';
import { packageFolder } from '../package-folder.ts';
import { makePlan } from '../plan/plan.ts';
import { resolveRequest } from '../plan/request.ts';
import { type Grid, type GridAxes, readGrid } from './grid.ts';
import { planOnThreads } from './plan-on-threads.ts';
import { planShare } from './plan-share.ts';

const STACK = 'megatron-2022';
const folder = mkdtempSync(join(tmpdir(), 'orrery-plan-grid-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function plan(...words: string[]) {
  const env = { PATH: process.env['PATH'], HOME: folder, LANG: 'C.UTF-8' };
  const main = join(packageFolder(), 'src', 'cli', 'main.ts');
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, 'plan', ...words.join(' ').split(' ')], {
    cwd: folder,
    env,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

function grid(axes: Partial<GridAxes>, deadlineSeconds: number | null = null, details: Grid['details'] = {}) {
  const one = { models: ['gpt3-1.3b'], clusters: ['selene'], tokens: [26e9] };
  return readGrid(
    { ...one, seqs: [], gpus: [], globalBatches: [], prices: [], ...axes },
    STACK,
    details,
    deadlineSeconds,
  );
}

const asJson = <Value>(value: Value): Value => JSON.parse(JSON.stringify(value));

describe('readGrid', () => {
  it('makes every combination, once, in the order in which the values were given', async () => {
    const { cases } = await grid({
      models: ['gpt3-1.3b', 'gpt3-125m'],
      clusters: ['selene', 'rsc-phase1'],
      gpus: [64, 8],
      globalBatches: [512, 256],
      prices: [1, 2],
    });
    expect(cases).toHaveLength(16);
    expect(new Set(cases.map((one) => JSON.stringify(one))).size).toBe(16);
    expect(cases.slice(0, 5)).toEqual([
      { model: 0, cluster: 0, details: { tokens: 26e9, gpus: 64, globalBatch: 512, costPerGpuHour: 1 } },
      { model: 0, cluster: 0, details: { tokens: 26e9, gpus: 64, globalBatch: 256, costPerGpuHour: 1 } },
      { model: 0, cluster: 0, details: { tokens: 26e9, gpus: 8, globalBatch: 512, costPerGpuHour: 1 } },
      { model: 0, cluster: 0, details: { tokens: 26e9, gpus: 8, globalBatch: 256, costPerGpuHour: 1 } },
      { model: 0, cluster: 1, details: { tokens: 26e9, gpus: 64, globalBatch: 512, costPerGpuHour: 2 } },
    ]);
  });

  it('is the same after a passage through JSON, whatever the model and the cluster', async () => {
    const { models } = await listModels();
    const whole = await grid({
      models: models.map(({ name }) => name),
      clusters: catalogueNames('cluster').filter((name) => !['cori', 'local'].includes(name)),
    });
    expect(whole.clusters.length).toBeGreaterThan(3);
    expect(asJson(whole)).toEqual(whole);
  });

  it('calls files that have the same name by their paths', async () => {
    const text = readFileSync(join(packageFolder(), 'catalog', 'clusters', 'selene.yaml'), 'utf8');
    const [one, other] = [join(folder, 'one.yaml'), join(folder, 'other.yaml')];
    for (const path of [one, other]) writeFileSync(path, text);
    const { clusters } = await grid({ clusters: [one, 'rsc-phase1', other] });
    expect(clusters.map(({ label }) => label)).toEqual([one, 'rsc-phase1', other]);
  });
});

describe('planShare', () => {
  it('says of each case what a plan by itself says', async () => {
    const gpus = [8, 64, 1024];
    const planned = await planShare(await grid({ models: ['gpt3-175b', 'llama3-8b'], gpus, prices: [2] }));
    expect(planned.map(({ outcome }) => outcome)).toEqual([
      'doesNotFit',
      'doesNotFit',
      'planned',
      'planned',
      'planned',
      'planned',
    ]);
    for (const one of planned) {
      const { model, cluster, tokens, gpus: count } = one;
      const options = { model, cluster, tokens, gpus: count, stack: STACK, costPerGpuHour: 2 };
      const alone = await makePlan(await resolveRequest(options));
      const { nodes, globalBatch, sequenceLength, fits } = alone;
      expect(one).toMatchObject({ nodes, globalBatch, sequenceLength });
      expect(one.best === null).toBe(!fits);
      expect(alone.best).toMatchObject(one.best ?? {});
      const needs = (alone.best.memoryBytesPerGpu / 2 ** 30).toFixed(1);
      expect(one.why ?? '').toContain(fits ? '' : `a GPU needs ${needs} GiB`);
    }
  });

  it('answers in a row what cannot be laid out, and goes on', async () => {
    const given = { clusters: ['selene', 'rsc-phase1'], gpus: [509, 6080], globalBatches: [512] };
    const [prime, tooMany, , more] = await planShare(await grid(given));
    expect(prime).toMatchObject({ gpus: 509, outcome: 'noLayout', best: null });
    expect(prime?.why).toMatch(/^gpus: 509 cannot be laid out .* with a global batch of 512/);
    expect(tooMany).toMatchObject({ outcome: 'noLayout', why: 'gpus: expected at most the 4480 of selene, got 6080' });
    expect(more).toMatchObject({ cluster: 'rsc-phase1', gpus: 6080 });
  });

  it('finds the fewest nodes for a deadline, or says by how much it is missed', async () => {
    const days = 1;
    const both = await grid({ models: ['gpt3-1.3b', 'gpt3-13b'], gpus: [16, 512] }, days * 86_400);
    const [late, inTime, larger, largerInTime] = await planShare(both);
    expect(late).toMatchObject({ outcome: 'tooLate', gpus: 16, best: null });
    expect(late?.why).toMatch(/^16 GPUs take [\d.]+ days, 1\.00 are given$/);
    expect(inTime?.gpus).toBeGreaterThan(16);
    expect(inTime?.best?.expectedDays).toBeLessThanOrEqual(days);
    expect(larger?.outcome).toBe('tooLate');
    expect(largerInTime?.gpus ?? 0).toBeGreaterThan(inTime?.gpus ?? 0);
  });

  it('says null where failures leave no end', async () => {
    const endless = await grid({ models: ['llama3-405b'], clusters: ['rsc-phase1'], tokens: [15e12] }, null, {
      checkpointInterval: 3.6e7,
    });
    const planned = await planShare(endless);
    expect(planned[0]?.best).toMatchObject({ expectedDays: null, gpuHours: null, cost: null });
    expect(asJson(planned)).toEqual(planned);
  });

  it('is the same in threads, and where they are asked to stop what was done', async () => {
    const many = await grid({ gpus: Array.from({ length: 40 }, (_, index) => 8 * (index + 1)) });
    const whole = await planShare(many);
    let told = 0;
    const inThreads = await planOnThreads(many, { onProgress: (done) => (told = done), isStopping: () => false });
    expect(inThreads).toEqual(whole);
    expect(told).toBe(40);
    let done = 0;
    const stopped = await planOnThreads(
      { ...many, cases: [...many.cases, ...Array.from({ length: 100 }, () => many.cases).flat()] },
      { onProgress: (count) => (done = count), isStopping: () => done >= 3 },
    );
    const answered = stopped.flatMap((one, index) => (one === null ? [] : [{ one, index }]));
    expect(answered.length).toBeGreaterThanOrEqual(3);
    expect(answered.length).toBeLessThan(4040);
    for (const { one, index } of answered) expect(one).toEqual(whole[index % 40]);
  });
});

/** `1,2,3`. */
const firstOf = (count: number) => Array.from({ length: count }, (_, index) => index + 1).join();

describe('orrery plan of several cases', () => {
  const SMALL = '--model gpt3-1.3b --cluster selene --tokens 26B';

  it('prints a row for each case, and the same in JSON, CSV and on a page', () => {
    const words = `--model gpt3-1.3b,gpt3-175b --cluster selene --tokens 26B --gpus 8,64,1024 --cost-per-gpu-hour 2`;
    const { status, stdout, stderr } = plan(words, '--csv grid.csv --report grid.html');
    expect([status, stderr]).toEqual([0, 'wrote grid.html\nwrote grid.csv\n']);
    expect(stdout.match(/^gpt3-\S+, 26 B tokens in sequences of 2,048, megatron-2022$/gm)).toHaveLength(2);
    expect(
      stdout.match(/^\*? +selene +[\d,]+ +[\d,]+ +[\d.]+ m?s +[\d.]+ % +[\d.]+ +[\d,]+ {2}TP \d+ PP \d+ DP \d+$/gm),
    ).toHaveLength(4);
    expect(
      stdout.match(
        /^ +selene +(?:8|64) +[\d,]+ +- +- +- +- {2}does not fit: a GPU needs [\d.]+ GiB and has 40\.0; \d+ GPUs would do$/gm,
      ),
    ).toHaveLength(2);
    const { cases, ...about } = JSON.parse(plan(words, '--json').stdout);
    expect(about).toEqual({ stack: STACK, deadlineSeconds: null, casesAsked: 6, isInterrupted: false });
    const { header, records } = parseCsv(readFileSync(join(folder, 'grid.csv'), 'utf8'), 'grid.csv');
    const column = (name: string) => records.map(({ fields }) => fields[header.fields.indexOf(name)] ?? '');
    expect(column('gpus').map(Number)).toEqual([8, 64, 1024, 8, 64, 1024]);
    expect(column('cost').map(Number)).toEqual(
      cases.map((one: { best: { cost: number } | null }) => one.best?.cost ?? 0),
    );
    expect(column('why')).toEqual(cases.map((one: { why: string | null }) => one.why ?? ''));
    expect(column('on_front')).toEqual(cases.map((one: { isOnFront: boolean }) => String(one.isOnFront)));
    expect(readFileSync(join(folder, 'grid.html'), 'utf8')).toMatch(/^<!doctype html>\n/);
  });

  it('exits with 1 where no case can be trained', () => {
    const { status, stdout, stderr } = plan('--model gpt3-175b --cluster selene --tokens 26B --gpus 8,16');
    expect([status, stderr]).toEqual([1, '']);
    expect(stdout.match(/does not fit/g)).toHaveLength(2);
  });

  it.each([
    ['--gpus 256,256', 2, '--gpus: expected different values, not 256 again, got "256,256"'],
    ['--tokens 300B,0.3T', 2, '--tokens: expected different values, not 0.3T again, got "300B,0.3T"'],
    ['--gpus 256,', 2, '--gpus: expected an integer >= 1 in place of "", got "256,"'],
    ['--cluster ,', 2, '--cluster: expected a name or a path in place of "", got ","'],
    ['--gpus 256,4481', 2, 'gpus: expected at most the 4480 of selene, got 4481'],
    [
      '--cluster selene,rsc-phase1 --gpus 256,6081',
      2,
      'gpus: expected at most the 6080 of rsc-phase1, the largest of the clusters, got 6081',
    ],
    ['--gpus 8,16 --tp 7', 2, 'tp: 7 does not split gpt3-1.3b evenly'],
    ['--cluster selene,rsc-phase3', 2, 'unknown cluster "rsc-phase3": known are '],
    ['--cluster selene,cori', 2, 'cluster: cori has no GPUs'],
    [
      '--model gpt3-1.3b,gpt3-175',
      3,
      'unknown model "gpt3-175" (or give a path to a config.json): did you mean "gpt3-175b"?',
    ],
    ['--gpus 8,16 --cost-per-gpu-hour 1,2', 2, 'cost-per-gpu-hour: expected one amount, got 2'],
    [
      '--cluster selene,rsc-phase1 --cost-per-gpu-hour 1,2,3',
      2,
      'cost-per-gpu-hour: expected one amount, or one for each of the 2 clusters, got 3',
    ],
    ['--gpus 8,16 --tasks 2', 2, 'tasks: expected --on slurm with it'],
    ['--on slurm', 2, 'on: expected several cases with it, such as --gpus 256,512,1024'],
    ['--csv x.csv', 2, 'csv: expected several cases with it, such as --gpus 256,512,1024'],
    ['--gpus 8,16 --csv no/x.csv', 2, 'csv: cannot write no/x.csv: no such folder'],
    [
      `--gpus ${firstOf(101)} --global-batch ${firstOf(100)}`,
      2,
      '10,100 cases: expected at most 10,000: name fewer values',
    ],
  ])('refuses %s in one line', (words, status, message) => {
    const outcome = plan(SMALL, words);
    expect([outcome.status, outcome.stdout]).toEqual([status, '']);
    expect(outcome.stderr).toMatch(/^orrery: .*\n$/);
    expect(outcome.stderr.startsWith(`orrery: ${message}`)).toBe(true);
  });

  it('shows how far it is, and ends at Ctrl-C with the cases that are done', async () => {
    const words = `${SMALL} --gpus ${firstOf(500)} --global-batch 512,1024`;
    const command = [process.execPath, join(packageFolder(), 'src', 'cli', 'main.ts'), 'plan', ...words.split(' ')];
    // A terminal of its own: Ctrl-C is typed there.
    const terminal = spawn('script', ['-qec', command.join(' '), '/dev/null'], {
      env: { PATH: process.env['PATH'], HOME: folder, LANG: 'C.UTF-8', NO_COLOR: '1' },
    });
    let output = '';
    let isTyped = false;
    terminal.stdout.on('data', (bytes) => {
      output += String(bytes);
      // A second one would end it at once.
      if (isTyped || !/[1-9]\d* of 1000 cases/.test(output)) return;
      isTyped = true;
      terminal.stdin.write('\u0003');
    });
    const [status] = await once(terminal, 'close');
    const [, done] = /interrupted: (\d+) of 1000 cases were done/.exec(output) ?? [];
    expect([status, output.match(/^[* ] +selene /gm)?.length]).toEqual([130, Number(done)]);
  });

  it('takes one value for --compare', () => {
    const { status, stderr } = plan('--compare selene,rsc-phase1 --model gpt3-1.3b --tokens 26B --gpus 8,16');
    expect([status, stderr]).toEqual([2, 'orrery: compare: expected one value of each other option with it\n']);
  });
});
