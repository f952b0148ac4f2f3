import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type JobSpecInput, jobSpecSchema } from '../../../contract/job.ts';
import { toJobRequest } from '../../../contract/job-request.ts';
import { batchJob } from './batch-script.test-support.ts';
import { batchSubmission } from './batch-script.ts';
import { JobFolder } from './job-folder.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'orrery-once-'));
  program('scontrol', 'echo localhost');
});
afterEach(() => rmSync(root, { recursive: true }));

function program(name: string, ...lines: string[]): void {
  writeFileSync(join(root, name), ['#!/bin/sh', ...lines, ''].join('\n'), { mode: 0o755 });
}

/** What Slurm would give a batch step of two nodes. */
const SLURM = {
  SLURM_JOB_ID: '50',
  SLURM_JOB_NODELIST: 'n[1-2]',
  SLURM_JOB_NAME: 'train.orrery-0a1b2c3d-12-1',
  SLURM_SUBMIT_DIR: '/somewhere',
  SLURM_EXPORT_ENV: 'NONE',
  SLURM_PROCID: '0',
  SLURMD_NODENAME: 'n1',
  CUDA_VISIBLE_DEVICES: '0,1,2,3',
};

/** Has the batch script of a job run that runs once, its own program being these lines; what is left of its first attempt. */
async function runOnce(lines: readonly string[], spec: Partial<JobSpecInput> = {}, environment = {}) {
  const script = ['#!/bin/bash', ...lines, ''].join('\n');
  const parsed = jobSpecSchema.parse({ name: 'train', script, once: true, nodes: 2, ...spec });
  const job = join(root, 'job');
  const work = join(root, 'work');
  mkdirSync(work, { recursive: true });
  const accepted = { spec: parsed, environment: { PATH: `${root}:/usr/bin:/bin`, ...environment }, code: null };
  const request = toJobRequest(12, parsed, 0);
  await new JobFolder(job).prepare({ accepted, request, submission: 1, workFolder: work, secrets: {} });
  const rankScript = join(import.meta.dirname, 'slurm-rank.sh');
  const submission = batchSubmission({ ...batchJob(undefined, { jobFolder: job, rankScript }), spec: parsed });
  const { status } = spawnSync('/bin/sh', [], {
    input: submission.script,
    env: { PATH: `${root}:/usr/bin:/bin`, ...SLURM },
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const left = (name: string) => {
    const path = join(job, 'attempts', '1', name);
    return existsSync(path) ? readFileSync(path, 'utf8') : null;
  };
  return { status, options: submission.options, work, out: left('rank-0.out'), exit: left('exit'), left };
}

describe('a script that runs once', () => {
  it('is one process with the environment of its submission, which is no rank', async () => {
    program('srun', 'echo "srun $* rank=[$RANK] export=[$SLURM_EXPORT_ENV] seed=$SEED"');
    const { status, out, exit, work } = await runOnce(
      [
        'echo "$* $PWD $SLURM_SUBMIT_DIR $SLURM_JOB_NAME $CUDA_VISIBLE_DEVICES [$RANK$WORLD_SIZE$OMP_NUM_THREADS] $ORRERY_ATTEMPT"',
        'srun -n 4 python3 train.py',
      ],
      { scriptArguments: ['a b', '--lr=3'] },
      { SEED: '7' },
    );
    expect(out).toBe(
      `a b --lr=3 ${work} ${work} train 0,1,2,3 [] 1\nsrun -n 4 python3 train.py rank=[] export=[] seed=7\n`,
    );
    expect([status, exit]).toEqual([0, '0\n']);
  });

  it('has the functions of the shell it was submitted from', async () => {
    const module = '() {  echo "module $*"\n}';
    const { out } = await runOnce(['module load cuda'], {}, { 'BASH_FUNC_module%%': module });
    expect(out).toBe('module load cuda\n');
  });

  it('fails by its own status, and says where', async () => {
    const { status, exit, left } = await runOnce([
      'echo "srun: error: n2: task 1: Exited with exit code 5" >&2',
      'exit 5',
    ]);
    expect([status, exit, left('rank-0.err')]).toEqual([5, '5\n', expect.stringContaining('task 1')]);
    const lost = await runOnce(['echo "srun: error: Node failure on n2" >&2', 'exit 1'], {});
    // Of the same attempt: it is claimed.
    expect(lost.status).toBe(73);
  });

  it('is told from one that failed where a node was lost under its srun', async () => {
    const { exit } = await runOnce(['echo "srun: error: Node failure on n2" >&2', 'exit 1']);
    expect(exit).toBe('1 NODE\n');
  });

  it.each([
    ['B:USR1@120', 'USR1', '--signal=B:USR1@120', 'USR1'],
    ['B:TERM@60', 'ALRM', '--signal=B:ALRM@60', 'TERM'],
  ])('has the warning signal %s handed on', async (signal, sent, option, caught) => {
    const lines = [
      `trap 'echo caught; exit 0' ${caught}`,
      `kill -${sent} $PPID`,
      'for i in 1 2 3 4 5 6 7 8 9; do sleep 1; done',
    ];
    const { options, out, exit } = await runOnce(lines, { signal });
    expect(options).toContain(option);
    expect([out, exit]).toEqual(['caught\n', '0\n']);
  });

  it('says to sbatch how many ranks there are only where the job does', async () => {
    const tasks = (options: readonly string[]) => options.filter((option) => option.startsWith('--ntasks'));
    expect(tasks((await runOnce([], { gpusPerNode: 4 })).options)).toEqual([]);
    expect(tasks((await runOnce([], { tasksPerNode: 4 })).options)).toEqual(['--ntasks-per-node=4']);
  });
});
