import { spawnSync } from 'node:child_process';
import {
  existsSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { batchJob } from './batch-script.test-support.ts';
import { batchSubmission, type Predecessor } from './batch-script.ts';
import { JobFolder } from './job-folder.ts';
import { NO_SUBMISSION } from '../mirror/mirror-job.ts';

let root = '';
let bin = '';
let jobs = '';
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'orrery-before-'));
  bin = join(root, 'bin');
  // No word of a path may be taken for one of the shell's.
  jobs = join(root, "jo bs'; exit 0; $(id) *");
  mkdirSync(join(jobs, '12'), { recursive: true });
  mkdirSync(bin);
  writeFileSync(join(jobs, '12', 'submission'), '1\n');
  program('srun', 'exit 0');
  program('sleep', `[ "$1" != 2 ] || echo . >> '${root}/sleeps'`);
  program(
    'scontrol',
    `[ "$1" = -o ] || { echo localhost; exit; }`,
    `echo "$*" >> '${root}/asked'`,
    `cat '${root}/told'`,
  );
  await submitted(7);
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

function program(name: string, ...lines: string[]): void {
  writeFileSync(join(bin, name), ['#!/bin/sh', ...lines, ''].join('\n'), { mode: 0o755 });
}

/** As the daemon leaves it. */
async function submitted(jobId: number, fields: object = {}): Promise<void> {
  mkdirSync(join(jobs, String(jobId)), { recursive: true });
  const record = { ...NO_SUBMISSION, submission: 2, slurmJobId: 50 };
  await new JobFolder(join(jobs, String(jobId))).writeRecord({ ...record, ...fields });
}

/** As a script of the job leaves it. */
function attempt(jobId: number, number: number, exit: string | null): void {
  const folder = join(jobs, String(jobId), 'attempts', String(number));
  mkdirSync(folder, { recursive: true });
  if (exit !== null) writeFileSync(join(folder, 'exit'), `${exit}\n`);
}

/** What the script of job 12 ends with, as Slurm would run it. */
function begin(
  predecessors: readonly Predecessor[],
  slurm: Record<string, string> = {},
  isAnyEnough = false,
): number | null {
  const fields = { slurmName: 'next.orrery-0a1b2c3d-12-1', predecessors, isAnyEnough, jobFolder: join(jobs, '12') };
  const { script } = batchSubmission(batchJob(undefined, fields));
  const env = { PATH: `${bin}:/usr/bin:/bin`, SLURM_JOB_NODELIST: 'localhost', SLURM_JOB_ID: '60', ...slurm };
  const cwd = join(jobs, '12');
  const { status } = spawnSync('/bin/sh', [], { input: script, env, cwd, stdio: ['pipe', 'ignore', 'ignore'] });
  const hasClaimed = existsSync(join(jobs, '12', 'attempts', '1'));
  expect(hasClaimed || existsSync(join(jobs, '12', 'owners', '1'))).toBe(status === 0);
  return status;
}

const waits = () => (existsSync(join(root, 'sleeps')) ? readFileSync(join(root, 'sleeps'), 'utf8').length / 2 : 0);
const ok = (jobId = 7): Predecessor => ({ condition: 'afterok', jobId, nodes: 1 });
const notOk = (nodes = 1): Predecessor => ({ condition: 'afternotok', jobId: 7, nodes });
const any = (nodes = 1): Predecessor => ({ condition: 'afterany', jobId: 7, nodes });

describe('a job begins after those it waits for', () => {
  it('not while they have not begun, whatever Slurm thinks, and waits a bounded time for their ends', () => {
    expect(begin([ok()])).toBe(76);
    expect(waits()).toBe(10);
    expect(begin([any()])).toBe(76);
    attempt(7, 1, null);
    expect(begin([any()])).toBe(76);
  });

  it.each<[string, string | null, Predecessor, 0 | 76]>([
    ['completed', '0', ok(), 0],
    ['completed', '0', any(4), 0],
    ['failed, and had to complete', '3', ok(), 76],
    ['failed', '3', any(), 0],
    ['failed, as it had to', '3', notOk(), 0],
    ['completed, and had to fail', '0', notOk(), 76],
    ['failed on several nodes, and had to', '3', notOk(4), 76],
    ['was told to end, and had to fail', '143 TERM', notOk(), 76],
    ['was killed, by Slurm perhaps', '137', any(), 76],
    ['failed on several nodes, of which one may be lost', '3', any(4), 76],
    ['was told to end', '143 TERM', any(), 76],
    ['ended well when it was told to', '0 TERM', ok(), 76],
    ['lost a node', '1 NODE', any(), 76],
  ])('by their own word: one %s', (_what, exit, predecessor, status) => {
    attempt(7, 1, exit);
    expect(begin([predecessor])).toBe(status);
    expect(waits()).toBe(status === 0 ? 0 : 10);
  });

  it('by their own word of any attempt since they were submitted last, and of none before', async () => {
    await submitted(7, { base: 9 });
    attempt(7, 9, '0');
    expect(begin([ok()])).toBe(76);
    attempt(7, 10, '143 TERM');
    attempt(7, 11, '0');
    await submitted(7, { base: 9, isDue: true });
    expect(begin([ok()])).toBe(76);
    await submitted(7, { base: 9, refusal: '"isDue" "base":0,' });
    expect(begin([ok()])).toBe(0);
  });

  it.each([
    ['COMPLETED', ok(), 0],
    ['FAILED', ok(), 76],
    ['FAILED', any(4), 0],
    ['CANCELLED', any(), 0],
    ['COMPLETED', notOk(), 76],
    ['TIMEOUT', notOk(4), 0],
  ] as const)("by the daemon's mark: %s", async (state, predecessor, status) => {
    const folder = new JobFolder(join(jobs, '7'));
    await folder.markEnded(state);
    expect(begin([predecessor])).toBe(status);
    await folder.removeMark();
    rmSync(join(jobs, '12', 'owners'), { recursive: true });
    rmSync(join(jobs, '12', 'attempts'), { recursive: true });
    expect(begin([predecessor])).toBe(76);
  });

  it("as soon as the daemon's mark is there", () => {
    program(
      'sleep',
      `[ "$1" = 2 ] || exit 0`,
      `echo . >> '${root}/sleeps'`,
      `[ $(wc -l < '${root}/sleeps') -lt 3 ] || echo TIMEOUT > ../7/ended`,
    );
    expect(begin([any()])).toBe(0);
    expect(waits()).toBe(3);
  });

  it('by the word of Slurm where their time was up, and no other word of it', () => {
    attempt(7, 1, '143 TERM');
    const told = (name: string, state: string) => {
      writeFileSync(
        join(root, 'told'),
        `JobId=50 JobName=${name} UserId=me(1) JobState=${state} Reason=None Requeue=1\n`,
      );
      return begin([any()]);
    };
    expect(told('first.orrery-0a1b2c3d-7-1', 'TIMEOUT')).toBe(76);
    expect(told('first.orrery-0a1b2c3d-17-2', 'TIMEOUT')).toBe(76);
    expect(told('first.orrery-0a1b2c3e-7-2', 'TIMEOUT')).toBe(76);
    expect(told('first.orrery-0a1b2c3d-7-2', 'PREEMPTED')).toBe(76);
    expect(told('first.orrery-0a1b2c3d-7-2', 'TIMEOUT')).toBe(0);
    expect(readFileSync(join(root, 'asked'), 'utf8')).toMatch(/^(-o show job 50\n)+$/);
  });

  it('by the word of Slurm of a task of an array', async () => {
    await submitted(7, { slurmJobId: null, arrayTask: '50_3', arrayKey: '5+1x1' });
    attempt(7, 1, '143 TERM');
    const told = (name: string) => {
      writeFileSync(
        join(root, 'told'),
        `JobId=52 ArrayJobId=50 JobName=${name} UserId=me(1) JobState=TIMEOUT Reason=None\n`,
      );
      return begin([any()]);
    };
    expect(told('first.orrery-0a1b2c3d-7-2')).toBe(76);
    expect(told('first.orrery-0a1b2c3d-5+0x1-2')).toBe(76);
    expect(told('first.orrery-0a1b2c3d-5+1x1-2')).toBe(0);
    expect(readFileSync(join(root, 'asked'), 'utf8')).toMatch(/^(-o show job 50_3\n)+$/);
  });

  it('all of them', async () => {
    await submitted(8);
    attempt(7, 1, '0');
    expect(begin([ok(7), ok(8)])).toBe(76);
    attempt(8, 1, '0');
    expect(begin([ok(7), ok(8)])).toBe(0);
  });

  it('any one of them', async () => {
    await submitted(8);
    attempt(7, 1, '3');
    expect(begin([ok(7), ok(8)], {}, true)).toBe(76);
    expect(waits()).toBe(10);
    attempt(8, 1, '0');
    expect(begin([ok(7), ok(8)], {}, true)).toBe(0);
  });

  it('once they have begun, and so long ago', async () => {
    const started = (seconds: number): Predecessor => ({
      condition: 'after',
      jobId: 7,
      nodes: 1,
      delayMs: seconds * 1000,
    });
    const hold = (number: number, agoSeconds: number) => {
      attempt(7, number, null);
      const holder = join(jobs, '7', 'attempts', String(number), 'holder');
      symlinkSync('50.n1.99', holder);
      lutimesSync(holder, new Date(), new Date(Date.now() - agoSeconds * 1000));
    };
    await submitted(7, { base: 1 });
    hold(1, 500);
    expect(begin([started(0)])).toBe(76);
    hold(2, 100);
    expect(begin([started(120)])).toBe(76);
    await submitted(7, { base: 1, isDue: true });
    expect(begin([started(0)])).toBe(76);
    await submitted(7, { base: 1 });
    expect(begin([started(0), started(60)])).toBe(0);
  });

  it('and not where the folder of one is gone: the daemon knows', () => {
    rmSync(join(jobs, '7'), { recursive: true });
    expect(begin([any()])).toBe(76);
  });

  it('once: requeued by Slurm it need not ask again', () => {
    attempt(7, 1, '0');
    expect(begin([ok()])).toBe(0);
    attempt(12, 1, '143 TERM');
    rmSync(join(jobs, '7'), { recursive: true });
    expect(begin([ok()], { SLURM_RESTART_COUNT: '1' })).toBe(0);
    expect(existsSync(join(jobs, '12', 'attempts', '2', 'exit'))).toBe(true);
  });
});
