import { execFile } from 'node:child_process';
import { createServer } from 'node:net';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { jobDetailSchema } from '../src/contract/api.ts';
import { makeHome, removeHome, root, type RunningDaemon, startDaemon, until } from './support/daemon.ts';

let home: string;
let folder: string;
let daemon: RunningDaemon;

beforeAll(async () => {
  home = makeHome();
  folder = join(home, 'project');
  mkdirSync(folder);
  daemon = await startDaemon(home);
});

afterAll(async () => {
  await daemon.client.shutdown({ cancel: true });
  await daemon.exited;
  await removeHome(home);
});

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

function orrery(args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    const options = { cwd: folder, env: { ...process.env, NO_COLOR: '1', ORRERY_HOME: home, ...env } };
    execFile(process.execPath, [join(root, 'bin', 'orrery.js'), ...args], options, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, stdout, stderr });
    });
  });
}

const jobListSchema = z.object({ jobs: z.array(z.object({ id: z.int(), name: z.string() })) });

function jobsOf({ stdout }: Outcome): { id: number; name: string }[] {
  return jobListSchema.parse(JSON.parse(stdout)).jobs;
}

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

async function jobCount(): Promise<number> {
  return (await daemon.client.jobs({ all: true })).length;
}

describe('orrery run', () => {
  it('waits for a gang and returns its own exit code', async () => {
    const good = await orrery([
      'run',
      '-N',
      '2',
      '--gpus-per-node',
      '1',
      '-c',
      '2',
      '--mem',
      '1G',
      '-t',
      '5m',
      '--wait',
      '--',
      'true',
    ]);
    expect(good).toMatchObject({ code: 0 });
    const bad = await orrery(['run', '--wait', '--', 'sh', '-c', 'exit 7']);
    expect(bad.code).toBe(7);
  });

  it('gives every rank the torch.distributed environment and shows their output', async () => {
    const print =
      'echo rank=$RANK world=$WORLD_SIZE local=$LOCAL_RANK node=$NODE_RANK port=${MASTER_PORT:+set} threads=$OMP_NUM_THREADS';
    const { code, stdout } = await orrery([
      'run',
      '-N',
      '2',
      '--gpus-per-node',
      '2',
      '--follow',
      '--',
      'sh',
      '-c',
      print,
    ]);
    expect(code).toBe(0);
    for (const rank of [0, 1, 2, 3]) {
      expect(stdout).toContain(
        `rank=${rank} world=4 local=${rank % 2} node=${Math.floor(rank / 2)} port=set threads=1`,
      );
    }
  });

  it('passes values as they are, through no shell', async () => {
    const nasty = '$(touch hacked); `id` "quoted" \'single\' \\ *';
    const { stdout } = await orrery(['run', '--follow', '--', 'printf', '%s\\n', nasty]);
    expect(stdout).toContain(nasty);
  });

  it('takes a job file, a script with #SBATCH lines and a batch', async () => {
    const yaml = file('job.yaml', 'name: from-yaml\ncommand: [sh, -c, "exit 4"]\nnodes: 1\ntime: 5m\n');
    expect((await orrery(['run', yaml, '--wait'])).code).toBe(4);
    const script = file(
      'job.sh',
      '#!/bin/sh\n#SBATCH --job-name=from-script\n#SBATCH -N 1\n#SBATCH -t 00:05:00\nexit 5\n',
    );
    expect((await orrery(['run', script, '--wait'])).code).toBe(5);
    const batch = file('jobs.ndjson', '{"name":"b1","command":["true"]}\n{"name":"b2","command":["true"]}\n');
    const submitted = await orrery(['run', '--batch', batch, '--json']);
    const ids = jobsOf(submitted);
    expect(ids.map((job) => job.name)).toEqual(['b1', 'b2']);
    const names = jobsOf(await orrery(['queue', '--all', '--json'])).map((job) => job.name);
    expect(names).toEqual(expect.arrayContaining(['from-yaml', 'from-script', 'b1', 'b2']));
  });

  it('runs what was submitted after a requeue, whatever became of the folder since', async () => {
    file('program.sh', '#!/bin/sh\necho version-one\n');
    const submitted = await orrery(['run', '--json', '--wait', '--', 'sh', 'program.sh']);
    const id = jobsOf(submitted)[0]?.id ?? 0;
    file('program.sh', '#!/bin/sh\necho version-two\n');
    expect((await orrery(['requeue', String(id)])).code).toBe(0);
    expect((await orrery(['wait', String(id)])).code).toBe(0);
    const shown = await orrery(['job', 'show', String(id), '--json']);
    const detail = jobDetailSchema.parse(JSON.parse(shown.stdout));
    expect(detail.attempts.length).toBe(2);
    const { stdout } = await orrery(['logs', String(id), '--attempt', '2']);
    expect(stdout).toContain('version-one');
    expect(stdout).not.toContain('version-two');
  });
});

describe('orrery requeue', () => {
  it('refuses a job that is pending already, and counts the failures of a requeued job anew', async () => {
    const { client } = daemon;
    const { jobs } = await client.submit({
      jobs: [
        { command: ['sleep', '1000'], maxRequeues: 1 },
        { command: ['true'], hold: true },
      ],
    });
    const [failing = 0, held = 0] = jobs.map((job) => job.id);
    expect(await orrery(['requeue', String(held)])).toMatchObject({ code: 4 });
    expect((await client.job(held)).state).toBe('PENDING');
    await client.cancel(held);
    for (const attempt of [1, 2]) {
      await until(async () => (await client.job(failing)).attempt === attempt, 'the attempt to start');
      const nodeName = (await client.job(failing)).nodeList[0] ?? '';
      await client.failNode(nodeName);
      await until(
        async () => (await client.job(failing)).attempts[attempt - 1]?.state === 'NODE_FAIL',
        'it to be lost',
      );
      await client.resumeNode(nodeName);
    }
    await until(async () => (await client.job(failing)).state === 'NODE_FAIL', 'the job to end');
    expect((await client.job(failing)).requeues).toBe(1);
    expect((await client.requeue(failing)).requeues).toBe(0);
    await client.cancel(failing);
  });
});

describe('orrery nodes', () => {
  it('says what became of a node, also where it was so already, and keeps the reason that somebody gave', async () => {
    const said = async (...args: string[]) => (await orrery(['nodes', ...args])).stdout;
    expect(await said('resume', 'n2')).toBe('Node n2 is in service already: it is idle\n');
    expect(await said('drain', 'n2', '--reason', 'new fan')).toBe('Node n2 is drained\n');
    expect(await said('drain', 'n2')).toBe('Node n2 is drained already: new fan\n');
    expect(await said('resume', 'n2')).toBe('Node n2 is idle\n');
    expect(await orrery(['nodes', 'ticket', 'N2'])).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/^orrery: no node "N2": did you mean n2\? the nodes are n1, n2\b/),
    });
  });
});

describe('bad input: one clear line, the right exit code, nothing half-written', () => {
  const lines = (text: string) => text.split('\n').filter((line) => line !== '');

  const cases: [string, () => string[], number, RegExp][] = [
    ['an unknown cluster', () => ['clusters', 'show', 'nonesuch'], 2, /nonesuch.*rsc-phase1/],
    ['a job bigger than the cluster', () => ['run', '-N', '99', '--', 'true'], 2, /99 nodes|nodes.*99/],
    ['a negative time', () => ['run', '-t', '-5m', '--', 'true'], 2, /time/],
    [
      'a malformed YAML file',
      () => ['run', file('broken.yaml', 'name: x\ncommand: [true\n')],
      2,
      /broken\.yaml:\d+:\d+/,
    ],
    [
      'a wrong value in a YAML file',
      () => ['run', file('wrong.yaml', 'command: ["true"]\nnodes: eight\n')],
      2,
      /wrong\.yaml:2:\d+ nodes: .*"eight"/,
    ],
    [
      'an unknown field',
      () => ['run', file('field.yaml', 'command: ["true"]\nnoodles: 2\n')],
      2,
      /field\.yaml:2:\d+.*noodles/,
    ],
    ['an unreadable script', () => ['run', join(folder, 'missing.sh')], 2, /missing\.sh/],
    [
      'a bad line in a batch',
      () => ['run', '--batch', file('bad.ndjson', '{"command":["true"]}\n{"command":\n')],
      2,
      /bad\.ndjson:2/,
    ],
    ['an unknown option', () => ['run', '--noodles', '--', 'true'], 2, /noodles/],
    ['-w, which names nodes to Slurm', () => ['run', '-w', 'n1', '--', 'true'], 2, /has no option -w/],
    ['an empty program', () => ['run', '--', ''], 2, /program/],
    ['an unknown job', () => ['job', 'show', '999999'], 3, /999999/],
    ['logs of a rank that a job does not have', () => ['logs', '1', '--rank', '9'], 3, /no rank 9/],
    ['logs of an attempt that was not made', () => ['logs', '1', '--attempt', '9'], 3, /no attempt 9/],
    ['an unknown node', () => ['nodes', 'fail', 'n99'], 3, /n99/],
  ];

  it.each(cases)('%s', async (_name, args, code, message) => {
    const before = await jobCount();
    const outcome = await orrery(args());
    expect(outcome).toMatchObject({ code, stdout: '' });
    expect(lines(outcome.stderr)).toHaveLength(1);
    expect(outcome.stderr).toMatch(message);
    expect(await jobCount()).toBe(before);
  });

  it('a port in use', async () => {
    const server = createServer();
    const port = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => {
        const address = server.address();
        resolve(address !== null && typeof address === 'object' ? address.port : 0);
      });
    });
    const other = makeHome();
    const outcome = await orrery(['up', '--detach', '--port', String(port)], { ORRERY_HOME: other });
    expect(outcome.code).toBe(2);
    expect(lines(outcome.stderr)).toHaveLength(1);
    expect(outcome.stderr).toContain(String(port));
    server.close();
    await removeHome(other);
  });

  it('a home that another daemon holds', async () => {
    const outcome = await orrery(['up', '--port', '0']);
    expect(outcome.code).toBe(4);
    expect(lines(outcome.stderr)).toHaveLength(1);
    expect(outcome.stderr).toContain(String(daemon.process.pid));
  });

  it('no daemon', async () => {
    const other = makeHome();
    const outcome = await orrery(['queue'], { ORRERY_HOME: other });
    expect(outcome.code).toBe(5);
    expect(outcome.stderr).toContain('orrery up');
    await removeHome(other);
  });
});
