import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeLanguageModel } from '../src/cli/language-model.test-support.ts';
import { root, until } from './support/daemon.ts';
import { orrery } from './support/orrery-command.ts';
import { ensureSlurm, type SlurmCluster, startSlurm } from './support/slurm-cluster.ts';

const isThere = ensureSlurm();
let slurm: SlurmCluster;
let folder: string;
beforeAll(async () => {
  if (!isThere) return;
  folder = mkdtempSync(join(tmpdir(), 'orrery-on-slurm-'));
  slurm = await startSlurm({ nodes: 2, cpusPerNode: 1 });
});
afterAll(async () => {
  await slurm?.stop();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

const run = (args: readonly string[], env: NodeJS.ProcessEnv, onStderr: (text: string) => void = () => undefined) =>
  orrery(args, { home: join(folder, 'home'), cwd: folder, env, onStderr });

function scenario(name: string, nodes: number, days = 2): string {
  const text = `workload: rsc-phase1\ncluster: rsc-phase1\ndays: ${days}\nset: {nodes: ${nodes}}\n`;
  writeFileSync(join(folder, name), text);
  return name;
}

const squeue = (...args: string[]) =>
  execFileSync('squeue', ['-h', ...args], { env: slurm.env, encoding: 'utf8' }).trim();

describe.skipIf(!isThere)('orrery sim compare --on slurm', () => {
  it('answers what it answers here, also where somebody cancels one of its tasks', async () => {
    const words = ['sim', 'compare', scenario('base.yaml', 760), scenario('more.yaml', 900), '--seeds', '2', '--json'];
    const there = run([...words, '--on', 'slurm', '--report', 'there.html'], slurm.env);
    let task = '';
    const isRunning = () => {
      [task = ''] = squeue('-t', 'R', '-o', '%F_%K').split('\n');
      return task !== '';
    };
    await until(isRunning, 'a task to run');
    // By then it may have ended.
    spawnSync('scancel', [task], { env: slurm.env });
    const [onSlurm, here] = [await there, await run([...words, '--report', 'here.html'], process.env)];
    expect(onSlurm.code).toBe(0);
    expect(onSlurm.stderr).toMatch(
      /^4 tasks submitted to Slurm as array job \d+\n(?:array job \d+ waits .*\n|1 task submitted .* again: .*\n)*wrote there\.html\n$/,
    );
    expect(JSON.parse(onSlurm.stdout)).toEqual(JSON.parse(here.stdout));
    const [page, pageHere] = ['there.html', 'here.html'].map((file) => readFileSync(join(folder, file), 'utf8'));
    expect(page?.replace(' --on slurm', '') === pageHere).toBe(true);
    await until(() => squeue() === '', 'the queue to be empty');
    expect(readdirSync(join(folder, 'home', 'arrays'))).toEqual([]);
  });

  it('says what is wrong with a scenario as it does here, and leaves nothing in the queue', async () => {
    writeFileSync(join(folder, 'bad.yaml'), 'workload: rsc-phase1\ncluster: nosuch\ndays: 1\n');
    const words = ['sim', 'compare', scenario('base.yaml', 760, 60), 'bad.yaml', '--seeds', '1'];
    const [onSlurm, here] = [await run([...words, '--on', 'slurm'], slurm.env), await run(words, process.env)];
    const said = 'submitted to Slurm as array job';
    expect({ ...onSlurm, stderr: onSlurm.stderr.replace(new RegExp(`.* ${said} .*\n`), '') }).toEqual(here);
    expect(onSlurm.stderr).toContain(said);
    expect(here.stderr).toMatch(/^orrery: .*nosuch/);
    await until(() => squeue() === '', 'the queue to be empty');
  });

  it('says why it waits while nothing of it runs', async () => {
    const words = ['sim', 'compare', scenario('base.yaml', 760), scenario('more.yaml', 900), '--seeds', '1'];
    execFileSync('scontrol', ['update', 'NodeName=s[1-2]', 'State=DRAIN', 'Reason=test'], { env: slurm.env });
    const said: string[] = [];
    const there = run([...words, '--on', 'slurm'], slurm.env, (text) => said.push(text));
    const reason = /^array job \d+ waits in Slurm's queue \(.*(?:Resources|ReqNodeNotAvail|required for job).*\)$/m;
    await until(() => reason.test(said.join('')), 'it to say why it waits', 120_000).catch(() => undefined);
    execFileSync('scontrol', ['update', 'NodeName=s[1-2]', 'State=RESUME'], { env: slurm.env });
    const { code, stderr } = await there;
    expect(stderr).toMatch(reason);
    expect(code).toBe(0);
  });

  it('says in one line where there is no Slurm', async () => {
    const words = ['sim', 'compare', scenario('base.yaml', 760), scenario('more.yaml', 900), '--on', 'slurm'];
    const { code, stderr } = await run(words, { ...slurm.env, PATH: '/nowhere' });
    expect(stderr).toBe('orrery: sbatch: not found on the PATH: expected the commands of Slurm there\n');
    expect(code).not.toBe(0);
  });
});

describe.skipIf(!isThere)('orrery evaluate --on slurm', () => {
  it('says what it says here', async () => {
    const model = join(folder, 'model');
    mkdirSync(model);
    writeLanguageModel(model);
    const words = ['abc', 'bcd', 'cde', 'xyz', 'yz', 'z'];
    const lines = Array.from(
      { length: 1000 },
      (_, index) => `${index % 3 ? 'eng' : 'kor'}\t${words[index % words.length]}\n`,
    );
    writeFileSync(join(folder, 'texts.tsv'), `${lines.join('')}xx\tabc\nno tab\n`);
    const command = ['evaluate', 'texts.tsv', '--model', 'model', '--json'];
    const there = await run([...command, '--on', 'slurm', '--tasks', '5'], slurm.env);
    const here = await run(command, process.env);
    expect(here.code).toBe(0);
    expect({ ...there, stderr: there.stderr.replace(/^(?:array job|5 tasks) .*\n/gm, '') }).toEqual(here);
    expect(there.stderr).toMatch(/^5 tasks submitted to Slurm as array job \d+\n/);
    expect(JSON.parse(here.stdout)).toMatchObject({ texts: 1000, badLines: 1 });
    expect(readdirSync(join(folder, 'home', 'arrays'))).toEqual([]);
  });

  it('says in one line what a task found wrong, and leaves nothing in the queue', async () => {
    const { code, stderr } = await run(['evaluate', 'nowhere.tsv', '--model', 'model', '--on', 'slurm'], slurm.env);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^orrery: cannot read .*nowhere\.tsv: no such file$/m);
    await until(() => squeue() === '', 'the queue to be empty');
  });
});

describe.skipIf(!isThere)('orrery plan --on slurm', () => {
  const grid = ['plan', '--model', 'gpt3-1.3b,gpt3-175b', '--cluster', 'selene,mine.yaml', '--tokens', '26B'];
  const gpus = Array.from({ length: 12 }, (_, index) => 64 * (index + 1)).join();

  it('says what it says here, to the byte', async () => {
    // A file that only this machine need have: the tasks get what was read of it.
    const selene = readFileSync(join(root, 'catalog', 'clusters', 'selene.yaml'), 'utf8');
    writeFileSync(join(folder, 'mine.yaml'), selene.replace('name: selene', 'name: mine'));
    const words = [...grid, '--gpus', gpus, '--cost-per-gpu-hour', '2,1.5', '--json'];
    const outputs = (place: string) => ['--csv', `${place}.csv`, '--report', `${place}.html`];
    const there = await run([...words, ...outputs('there'), '--on', 'slurm', '--tasks', '5'], slurm.env);
    const here = await run([...words, ...outputs('here')], process.env);
    expect(here).toMatchObject({ code: 0, stderr: 'wrote here.html\nwrote here.csv\n' });
    expect(there.stderr).toMatch(
      /^5 tasks submitted to Slurm as array job \d+\n(?:array job \d+ waits .*\n)*wrote there\.html\nwrote there\.csv\n$/,
    );
    expect(there.stdout === here.stdout).toBe(true);
    expect(JSON.parse(here.stdout).cases).toHaveLength(48);
    const [table, page] = ['csv', 'html'].map((kind) => readFileSync(join(folder, `there.${kind}`), 'utf8'));
    expect(table === readFileSync(join(folder, 'here.csv'), 'utf8')).toBe(true);
    const pageHere = readFileSync(join(folder, 'here.html'), 'utf8');
    expect(page?.replace(' --on slurm --tasks 5', '').replaceAll('there.', 'here.') === pageHere).toBe(true);
    await until(() => squeue() === '', 'the queue to be empty');
    expect(readdirSync(join(folder, 'home', 'arrays'))).toEqual([]);
  });

  it('is as large as the cases are where nothing is said', async () => {
    const { code, stderr } = await run([...grid, '--gpus', '64,128', '--on', 'slurm'], slurm.env);
    expect([code, stderr.split('\n')[0]]).toEqual([
      0,
      expect.stringMatching(/^1 task submitted to Slurm as array job/),
    ]);
  });
});
