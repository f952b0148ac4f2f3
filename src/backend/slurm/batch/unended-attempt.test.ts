import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { batchJob } from './batch-script.test-support.ts';
import { batchSubmission } from './batch-script.ts';

let root = '';
let job = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'orrery-unended-'));
  job = join(root, '12');
  mkdirSync(join(root, 'bin'));
  mkdirSync(join(job, 'attempts'), { recursive: true });
  writeFileSync(join(job, 'submission'), '2\n');
  program('scontrol', 'echo localhost');
  // Seconds are short here.
  program(
    'sleep',
    `echo . >> '${root}/sleeps'; [ ! -e '${root}/end-of-1' ] || mv '${root}/end-of-1' '${job}/attempts/1/exit'`,
  );
  program('srun', `: > '${root}/ran'`, `touch '${job}/attempts/2/begun'`);
});
afterEach(() => {
  // What watches for a new submission may be ending.
  rmSync(root, { recursive: true, maxRetries: 5 });
});

function program(name: string, ...lines: string[]): void {
  writeFileSync(join(root, 'bin', name), ['#!/bin/sh', ...lines, ''].join('\n'), { mode: 0o755 });
}

function script(submission: number, base: number, isLastUnended: boolean): string {
  return batchSubmission(batchJob(undefined, { submission, base, isLastUnended, jobFolder: job })).script;
}

const env = (nodes = 1, path = `${join(root, 'bin')}:/usr/bin:/bin`) => ({
  PATH: path,
  SLURM_JOB_NODELIST: 'localhost',
  SLURM_JOB_ID: '61',
  SLURM_JOB_NUM_NODES: String(nodes),
});

/** The first attempt has begun; its end comes while the second waits, or never. */
function begun(exit: string | null): void {
  mkdirSync(join(job, 'attempts', '1'));
  symlinkSync('60.n1.7', join(job, 'attempts', '1', 'holder'));
  if (exit !== null) writeFileSync(join(root, 'end-of-1'), `${exit}\n`);
}

function runSecond(nodes = 1): { status: number | null; hasRun: boolean; exit: string } {
  const input = script(2, 1, true);
  const { status } = spawnSync('/bin/sh', [], { input, env: env(nodes), stdio: ['pipe', 'ignore', 'ignore'] });
  const exit = readFileSync(join(job, 'attempts', '2', 'exit'), 'utf8').trim();
  return { status, hasRun: existsSync(join(root, 'ran')), exit };
}

describe('a job that was submitted anew while an attempt of it may still run', () => {
  it('runs where that attempt never comes to an end, after a bounded wait', () => {
    begun(null);
    expect(runSecond()).toEqual({ status: 0, hasRun: true, exit: '0' });
    expect(readFileSync(join(root, 'sleeps'), 'utf8').split('\n').length).toBeGreaterThanOrEqual(30);
  });

  it.each([
    ['0', 1],
    ['0', 4],
    ['3', 1],
  ])('has ended with %s where that attempt ends so by itself, on %i nodes', (exit, nodes) => {
    begun(exit);
    expect(runSecond(nodes)).toEqual({ status: Number(exit), hasRun: false, exit });
  });

  it.each([
    ['143 TERM', 1],
    ['0 TERM', 1],
    ['1 NODE', 1],
    ['3', 2],
    ['137', 1],
  ])('runs where that attempt ends with %s, on %i nodes', (exit, nodes) => {
    begun(exit);
    expect(runSecond(nodes)).toEqual({ status: 0, hasRun: true, exit: '0' });
  });
});

it('an attempt ends itself when it sees that its job was submitted anew, and not where it cannot see', async () => {
  program('srun', `: > '${job}/attempts/1/begun'`, 'exec /bin/sleep 60');
  program('sleep', 'exec /bin/sleep 0.05');
  writeFileSync(join(job, 'submission'), '1\n');
  const shell = spawn('/bin/sh', [], { env: env(), stdio: ['pipe', 'ignore', 'ignore'] });
  const ended = new Promise<number | null>((resolve) => shell.once('exit', resolve));
  shell.stdin.end(script(1, 0, false));
  const soon = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  await expect.poll(() => existsSync(join(job, 'attempts', '1', 'begun'))).toBe(true);
  rmSync(join(job, 'submission'));
  await soon(300);
  expect(shell.exitCode).toBeNull();
  writeFileSync(join(job, 'submission'), '2\n');
  expect(await ended).toBe(140);
  expect(readFileSync(join(job, 'attempts', '1', 'exit'), 'utf8')).toBe('140 TERM\n');
});
