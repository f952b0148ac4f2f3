import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { root } from './support/daemon.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-sim-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** `orrery sim` as a process. `interruptAt`: what on stderr to answer with Ctrl-C. */
function sim(args: readonly string[], interruptAt?: RegExp): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, 'bin', 'orrery.js'), 'sim', ...args], {
      cwd: folder,
      env: { ...process.env, NO_COLOR: '1', ORRERY_HOME: join(folder, 'home') },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    let isInterrupted = false;
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
      if (interruptAt?.test(stderr) === true && !isInterrupted) {
        isInterrupted = true;
        child.kill('SIGINT');
      }
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return name;
}

const resultSchema = z.object({
  inputs: z.object({ nodes: z.int(), gpus: z.int(), seed: z.int() }),
  summary: z.object({
    endMs: z.number(),
    jobsEnded: z.int(),
    isInterrupted: z.boolean(),
    stateHash: z.string(),
  }),
  report: z.object({ predictions: z.object({ utilization: z.number() }) }),
});

const resultOf = ({ stdout }: Outcome) => resultSchema.parse(JSON.parse(stdout));

const HEADER = 'job,submit_s,nodes,gpus_per_node,runtime_s,limit_s';

describe('a trace', () => {
  it('starts as first in, first out with EASY backfill lets it, to the second', async () => {
    // Two nodes. b must wait for a; c fits beside a and is gone before b starts; d would delay b.
    const rows = ['a,0,1,8,100,200', 'b,10,2,8,50,60', 'c,20,1,8,30,40', 'd,21,1,8,300,400'];
    const trace = file('jobs.csv', [HEADER, ...rows].join('\n'));
    const { code, stdout } = await sim(['--trace', trace, '--set', 'nodes=2', '--jobs-out', 'out.csv', '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ inputs: { nodes: 2, gpus: 16 }, summary: { jobsEnded: 4 } });
    const lines = readFileSync(join(folder, 'out.csv'), 'utf8').trim().split('\n');
    expect(lines[0]).toBe('job,submit_s,start_s,end_s,state,nodes,attempts');
    expect(lines.slice(1).sort()).toEqual([
      'a,0,0,100,COMPLETED,1,1',
      'b,10,100,150,COMPLETED,2,1',
      'c,20,20,50,COMPLETED,1,1',
      'd,21,150,450,COMPLETED,1,1',
    ]);
  });

  it('says which rows it cannot use, and why, and runs the others', async () => {
    const trace = file(
      'bad.csv',
      [HEADER, 'a,0,1,8,100,200', 'b,zero,1,8,50,60', 'c,5,0,8,1,1', 'd,6,3,8,1,1'].join('\n'),
    );
    const { code, stdout, stderr } = await sim(['--trace', trace, '--set', 'nodes=2', '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      inputs: { trace: { jobs: 1, badRows: 2, refusedRows: 1 } },
      summary: { jobsEnded: 1 },
    });
    expect(stderr).toMatch(/2 records of 4 in bad\.csv cannot be used/);
    expect(stderr).toMatch(/line 3: .*zero/);
    expect(stderr).toMatch(/line 5: job d: /);
  });

  it('that fails with checkpoints loses less than without', async () => {
    const rows = Array.from({ length: 10 }, (_, index) => `j${index},0,8,8,864000,2000000`);
    const trace = file('long.csv', [HEADER, ...rows].join('\n'));
    const lost = async (interval: string) => {
      const args = ['--trace', trace, '--set', 'nodes=90', '--set', 'failuresPerThousandNodeDays=40'];
      const { stdout } = await sim([...args, '--failures', 'llama3', '--checkpoint-interval', interval, '--json']);
      return z
        .object({ report: z.object({ predictions: z.object({ deviceTime: z.object({ lost: z.number() }) }) }) })
        .parse(JSON.parse(stdout)).report.predictions.deviceTime.lost;
    };
    const [without, hourly, adaptive] = [await lost('none'), await lost('60m'), await lost('adaptive')];
    expect(hourly).toBeGreaterThan(0);
    expect(hourly).toBeLessThan(without / 10);
    expect(adaptive).toBeLessThan(without / 10);
  });
});

describe('a workload', () => {
  const month = ['--cluster', 'rsc-phase1', '--workload', 'rsc-phase1', '--days', '2'];

  it('gives the same bytes for the same seed, others for another', async () => {
    const [one, same, other] = await Promise.all([
      sim([...month, '--json']),
      sim([...month, '--json']),
      sim([...month, '--seed', '2', '--json']),
    ]);
    expect(one.code).toBe(0);
    expect(same.stdout).toBe(one.stdout);
    expect(resultOf(other).summary.stateHash).not.toBe(resultOf(one).summary.stateHash);
  });

  it('that is interrupted says what is known so far, and that it was', async () => {
    const args = [
      '--cluster',
      'rsc-phase2',
      '--workload',
      'rsc-1',
      '--days',
      '20000',
      '--jobs-out',
      'cut.csv',
      '--json',
    ];
    const outcome = await sim(args, /jobs\/s/);
    expect(outcome.code).toBe(130);
    const { summary, report } = resultOf(outcome);
    expect(summary.isInterrupted).toBe(true);
    expect(summary.endMs).toBeGreaterThan(0);
    expect(report.predictions.utilization).toBeGreaterThan(0);
    const lines = readFileSync(join(folder, 'cut.csv'), 'utf8').trim().split('\n');
    expect(lines.length).toBeGreaterThan(summary.jobsEnded);
  }, 120_000);
});

describe('scenarios', () => {
  it('are compared in words and figures, seed by seed where something is drawn', async () => {
    file('few.yaml', `title: few\ntrace: queue.csv\nset: {nodes: 2}\n`);
    file('many.yaml', `base: ./few.yaml\ntitle: many\nset: {nodes: 8}\n`);
    const rows = Array.from({ length: 40 }, (_, index) => `j${index},${index},1,8,3600,7200`);
    file('queue.csv', [HEADER, ...rows].join('\n'));
    const { code, stdout } = await sim(['compare', 'few.yaml', 'many.yaml', '--seeds', '2']);
    expect(code).toBe(0);
    expect(stdout).toContain('adding 6 nodes cuts the mean wait of all jobs from 9.5 h to 2 h');
    const asJson = async (variant: string) => {
      const outcome = await sim(['compare', 'few.yaml', variant, '--seeds', '2', '--json']);
      return z
        .object({ seeds: z.array(z.int()), isDrawn: z.boolean(), variants: z.array(z.object({ change: z.string() })) })
        .parse(JSON.parse(outcome.stdout));
    };
    expect(await asJson('many.yaml')).toMatchObject({
      seeds: [1],
      isDrawn: false,
      variants: [{ change: 'adding 6 nodes' }],
    });
    file('failing.yaml', `base: ./few.yaml\ntitle: failing\nfailures: rsc-1\n`);
    expect(await asJson('failing.yaml')).toMatchObject({
      seeds: [1, 2],
      isDrawn: true,
      variants: [{ change: 'having failures as in rsc-1' }],
    });
  });
});

describe('what makes no sense', () => {
  it.each([
    [[], 'workload: missing'],
    [['--workload', 'rsc-1', '--cluster', 'rsc-phase1'], 'days: missing'],
    [['--workload', 'rsc-1', '--days', '3'], 'cluster: missing'],
    [['--workload', 'rsc-9', '--days', '3', '--cluster', 'rsc-phase1'], 'rsc-9'],
    [['--workload', 'rsc-1', '--days', '3', '--cluster', 'rsc-phase9'], 'unknown cluster "rsc-phase9"'],
    [['--workload', 'rsc-1', '--days', '-3', '--cluster', 'rsc-phase1'], 'days'],
    [['--workload', 'rsc-1', '--days', '3', '--cluster', 'rsc-phase1', '--policy', 'best'], 'unknown policy "best"'],
    [['--workload', 'rsc-1', '--days', '3', '--cluster', 'rsc-phase1', '--set', 'bfMaxJobTest=0'], 'bfMaxJobTest'],
    [['--workload', 'rsc-1', '--days', '3', '--cluster', 'rsc-phase1', '--failures', 'never'], 'never'],
    [['--trace', 'none.csv', '--set', 'nodes=2'], 'none.csv'],
    [['--trace', 'none.csv', '--workload', 'rsc-1', '--set', 'nodes=2'], 'not both'],
    [['--trace', 'empty.csv', '--set', 'nodes=2'], 'empty.csv'],
    [['--scenario', 'nonesuch'], 'unknown scenario "nonesuch"'],
    [['compare', 'nonesuch', 'rsc-1'], 'unknown scenario "nonesuch"'],
    [['replay', '--journal', 'nowhere'], 'nowhere'],
  ])('%j is refused in one line', async (args, message) => {
    file('empty.csv', `${HEADER}\n`);
    const { code, stdout, stderr } = await sim(args);
    expect([2, 3]).toContain(code);
    expect(stdout).toBe('');
    expect(stderr).toContain(message);
    expect(stderr.trim().split('\n').length).toBe(1);
  });

  it('leaves nothing behind', async () => {
    const { code } = await sim(['--trace', 'none.csv', '--set', 'nodes=2', '--jobs-out', 'nothing.csv']);
    expect(code).toBe(2);
    expect(existsSync(join(folder, 'nothing.csv'))).toBe(false);
  });
});
