import { execFile } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeHome, removeHome, root } from './support/daemon.ts';

const POLICY = `
priority: {type: multifactor, weights: {age: 10, fairshare: 100, qos: 1000}}
qos: [{name: normal}, {name: high, priority: 10}]
accounts: [{name: research}]
partitions: [{name: batch, isDefault: true}, {name: debug, nodes: [n1], maxTimeSeconds: 60}]
`;

let home: string;
beforeAll(() => {
  home = makeHome();
});
afterAll(async () => {
  await orrery(['down', '--cancel']);
  await removeHome(home);
});

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

function orrery(args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    const options = { cwd: home, env: { ...process.env, NO_COLOR: '1', ORRERY_HOME: join(home, 'state'), ...env } };
    execFile(process.execPath, [join(root, 'bin', 'orrery.js'), ...args], options, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, stdout, stderr });
    });
  });
}

function file(name: string, text: string): string {
  writeFileSync(join(home, name), text);
  return name;
}

describe('orrery up --policy', () => {
  it.each([
    [
      'qos: [{name: high, preempts: [low]}]',
      /^orrery: bad\.yaml:1:31 qos\[0\]\.preempts\[0\]: expected the name of a QOS/,
    ],
    ['schedulerType: fifo', /^orrery: bad\.yaml:1:1 schedulerType: expected one of "builtin", "backfill"/],
  ])('refuses %j in one line, before there is a home', async (text, line) => {
    const { code, stdout, stderr } = await orrery([
      'up',
      '--detach',
      '--port',
      '0',
      '--policy',
      `./${file('bad.yaml', text)}`,
    ]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(line);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(existsSync(join(home, 'state'))).toBe(false);
  });

  it('refuses a name that is not in the catalogue, and nodes that are not there', async () => {
    expect(await orrery(['up', '-d', '--policy', 'rcs'])).toMatchObject({
      code: 2,
      stderr: 'orrery: unknown policy "rcs": known are rsc; or give a path to a YAML file\n',
    });
    file('far.yaml', 'partitions: [{name: gpu, nodes: [rsc001]}]');
    expect(await orrery(['up', '-d', '--port', '0', '--nodes', '2', '--policy', './far.yaml'])).toMatchObject({
      code: 2,
      stderr: 'orrery: far.yaml: partition gpu: no node "rsc001" here: known are n1, n2\n',
    });
    expect(existsSync(join(home, 'state', 'orrery.db'))).toBe(false);
  });

  it('says which rules hold', async () => {
    file('site.yaml', POLICY);
    const { code, stdout } = await orrery(['up', '-d', '--port', '0', '--nodes', '2', '--policy', './site.yaml']);
    expect(code).toBe(0);
    expect(stdout).toContain('  rules site.yaml (another: orrery up --policy NAME|FILE; none: --policy default)\n');
  });
});

describe('an array on the command line', () => {
  it('is submitted in one line, waited for whole, and read and asked about by task', async () => {
    file(
      'job.sh',
      '#!/bin/sh\n#SBATCH --array=1-3%2\n#SBATCH -p debug -q high\n#SBATCH -A research\necho "$SLURM_ARRAY_TASK_ID"\n',
    );
    const { stdout, stderr, code } = await orrery(['run', 'job.sh', '--wait']);
    expect(stdout).toBe('Submitted array job 1 (job.sh): 3 tasks, 1_1 to 1_3\n');
    expect(stderr.trimEnd().split('\n').toSorted()).toEqual(
      [1, 2, 3].map((taskId) => `Job 1_${taskId} (job.sh) COMPLETED (exit code 0)`),
    );
    expect(code).toBe(0);
    expect((await orrery(['logs', '1_2'])).stdout).toBe('2\n');
    expect(await orrery(['logs', '1'])).toMatchObject({
      code: 2,
      stderr: 'orrery: job 1 is an array: name one of its tasks, such as 1_1\n',
    });
    const { stdout: queue } = await orrery(['queue', '--all']);
    expect(queue).toMatch(/JOBID +NAME +PARTITION +ACCOUNT +QOS +STATE/);
    expect(queue).toMatch(/ 1_3 +job\.sh +debug +research +high +COMPLETED/);
    expect((await orrery(['why', '1_3'])).stdout).toContain('It is a task of array 1: 3 COMPLETED.');
    expect((await orrery(['job', 'show', '1_3'])).stdout).toContain('task 3 of job 1, tasks 1-3%2');
    expect((await orrery(['why', '1_4'])).code).toBe(3);
  });

  it('is cancelled whole by its id, which is said', async () => {
    expect((await orrery(['run', '-H', '-a', '0-4', '-J', 'sweep', '--', 'true'])).code).toBe(0);
    expect((await orrery(['cancel', '4_2'])).stdout).toBe('Cancelled job 4_2 (sweep)\n');
    expect((await orrery(['cancel', '4'])).stdout).toBe('Cancelled job 4 (sweep), the tasks of the array\n');
    expect((await orrery(['wait', '4'])).code).toBe(1);
    expect(await orrery(['cancel', '4'])).toMatchObject({ code: 4 });
  });

  it.each([
    [['--array', '3-1', '--', 'true'], 2, /^orrery: --array: expected tasks such as/],
    [['--array', '0-3', '--follow', '--', 'true'], 2, /^orrery: --follow prints the output of one job/],
    [['--qos', 'urgent', '--', 'true'], 2, /^orrery: no QOS "urgent": known are normal, high\n$/],
    [['-p', 'gpu', '--', 'true'], 2, /^orrery: no partition "gpu": known are batch, debug\n$/],
  ])('%j is refused', async (args, code, line) => {
    const outcome = await orrery(['run', '--no-snapshot', ...args]);
    expect(outcome).toMatchObject({ code, stdout: '' });
    expect(outcome.stderr).toMatch(line);
  });
});

describe('an operator', () => {
  it('makes reservations, lists and deletes them', async () => {
    const create = (...args: string[]) => orrery(['reservations', 'create', ...args]);
    expect((await create('repair', '--nodes', 'n2', '--start', 'now+1h', '--duration', '2h')).stdout).toBe(
      'Created reservation repair\n',
    );
    expect(await create('other', '--nodes', 'n[1-2]', '--start', 'now+2h', '--duration', '2h')).toMatchObject({
      code: 4,
      stderr: 'orrery: reservation other: reservation repair has some of the nodes then\n',
    });
    expect(await create('other', '--nodes', 'n9', '--duration', '2h')).toMatchObject({ code: 3 });
    expect(await create('other', '--nodes', 'n1')).toMatchObject({ code: 2 });
    expect(await create('other', '--nodes', 'n1', '--start', 'soon', '--duration', '2h')).toMatchObject({ code: 2 });
    expect(await create('other', '--nodes', 'n1', '--end', '2020-01-01')).toMatchObject({ code: 2 });
    expect((await orrery(['reservations'])).stdout).toMatch(/repair +planned .* n2 +nobody/);
    expect(JSON.parse((await orrery(['reservations', '--json'])).stdout)).toMatchObject({
      reservations: [{ name: 'repair', nodes: ['n2'], state: 'planned', otherJobs: [] }],
    });
    expect((await orrery(['reservations', 'delete', 'repair'])).stdout).toBe('Deleted reservation repair\n');
    expect(await orrery(['reservations', 'delete', 'repair'])).toMatchObject({ code: 3 });
    expect((await orrery(['reservations'])).stdout).toMatch(/^No reservations/);
  });

  it('sees priorities, shares and what speaks for lemons', async () => {
    await orrery(['run', '-N', '2', '--exclusive', '-t', '5m', '--', 'sleep', '60']);
    await orrery(['run', '-N', '2', '--exclusive', '-q', 'high', '--', 'true']);
    const { stdout: priorities } = await orrery(['queue', '--priority']);
    expect(priorities).toMatch(/JOBID +USER +ACCOUNT +PRIORITY +AGE +FAIRSHARE +JOBSIZE +PARTITION +QOS +OWN\n/);
    expect(priorities).toMatch(/ 0 +1000 +0 *$/m);
    expect((await orrery(['accounting', '--shares'])).stdout).toMatch(
      /ACCOUNT +USER +SHARE +BILLED HOURS +USE +FACTOR/,
    );
    const { stdout: lemons } = await orrery(['nodes', 'lemons']);
    expect(lemons).toMatch(
      /NODE +VERDICT +EXCLUDED +XIDS +TICKETS +OUT +MULTI-NODE FAILS +SINGLE-NODE FAILS +RATE\nn1/,
    );
    expect(lemons).toContain('For advice only: nothing is drained.\nXID errors are not looked for: orrery up');
  });
});
