import { execFile, execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { recipe, SAVED_FILES } from '../../src/backend/slurm/saved/saved-files.ts';
import { type SlurmCluster, startSlurm } from '../support/slurm-cluster.ts';
import { variedSite } from './varied-site.ts';
import type { SiteRun } from './record.ts';
import { type VariedJob, variedWorkload } from './varied-workload.ts';

const run = promisify(execFile);
const MAIN = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');

export const VARIED_PLAN: Omit<SiteRun, 'seed'> = {
  before: 100,
  beforeSeconds: 35,
  after: 200,
  afterSeconds: 60,
  workSeconds: 150,
};

/** Runs one on a real Slurm and keeps in `folder`: `out`, the import as people run it, `saved`, what its recipe saved, and `after.txt`, accounting in the end. */
export async function recordVaried(folder: string, plan: SiteRun, siteSeed = plan.seed): Promise<void> {
  const site = variedSite(siteSeed);
  process.stderr.write(`site ${siteSeed}, jobs ${plan.seed}: ${site.words}\n`);
  mkdirSync(folder, { recursive: true });
  const jobs = variedWorkload(site, plan);
  const slurm = await startSlurm(site.options);
  try {
    const startMs = Date.now();
    const submission = new Submission(slurm, jobs, startMs);
    await submission.submit(0, plan.before);
    await Promise.all([importBoth(folder, slurm), submission.submit(plan.before, jobs.length)]);
    await submission.cancels;
    await untilDone(slurm);
    // Accounting hears of the last end a moment later.
    await new Promise((done) => {
      setTimeout(done, 3000);
    });
    const [program = '', ...args] = SAVED_FILES.find(({ name }) => name === 'sacct')?.command(1) ?? [];
    const { stdout } = await run(program, args, { env: slurm.env, maxBuffer: 1 << 26 });
    writeFileSync(join(folder, 'after.txt'), stdout);
    writeFileSync(join(folder, 'runs.json'), JSON.stringify(submission.runSeconds));
    writeFileSync(join(folder, 'refused.json'), JSON.stringify(submission.refused));
    for (const name of ['slurm.conf', 'topology.conf']) copyFileSync(join(slurm.folder, name), join(folder, name));
    writeFileSync(join(folder, 'slurmctld.log'), readFileSync(join(slurm.folder, 'log', 'slurmctld.log')));
  } finally {
    await slurm.stop();
  }
}

async function importBoth(folder: string, slurm: SlurmCluster): Promise<void> {
  const command = [
    MAIN,
    'clusters',
    'import',
    '--from',
    'slurm',
    '--out',
    join(folder, 'out'),
    '--days',
    '1',
    '--json',
  ];
  const [{ stdout }] = await Promise.all([
    run(process.execPath, command, { env: slurm.env }),
    run('/bin/sh', ['-c', recipe(1)], { cwd: folder, env: slurm.env }),
  ]);
  writeFileSync(join(folder, 'import.json'), stdout);
}

/** Until nothing is left but jobs that never start. */
async function untilDone(slurm: SlurmCluster): Promise<void> {
  const endMs = Date.now() + 480_000;
  for (;;) {
    const queue = execFileSync('/usr/bin/squeue', ['-h', '-o', '%i|%T|%r'], { env: slurm.env, encoding: 'utf8' });
    const left = queue.split('\n').filter((line) => line !== '' && !line.endsWith('|DependencyNeverSatisfied'));
    if (left.length === 0) return;
    if (Date.now() > endMs) {
      process.stderr.write(`left: ${left.join(' ')}\n`);
      return;
    }
    await new Promise((done) => {
      setTimeout(done, 1000);
    });
  }
}

class Submission {
  readonly runSeconds: Record<string, number> = {};
  readonly refused: string[] = [];
  readonly #ids = new Map<number, string>();
  readonly #cancels: Promise<void>[] = [];
  readonly #slurm: SlurmCluster;
  readonly #jobs: readonly VariedJob[];
  readonly #startMs: number;

  constructor(slurm: SlurmCluster, jobs: readonly VariedJob[], startMs: number) {
    this.#slurm = slurm;
    this.#jobs = jobs;
    this.#startMs = startMs;
  }

  get cancels(): Promise<unknown> {
    return Promise.all(this.#cancels);
  }

  async submit(from: number, to: number): Promise<void> {
    for (const [offset, job] of this.#jobs.slice(from, to).entries()) {
      await this.#until(job.submitMs);
      await this.#submitOne(from + offset, job);
    }
  }

  async #submitOne(index: number, { args, runSeconds, isFailing, after, cancelMs, tasks }: VariedJob): Promise<void> {
    const before = after === null ? undefined : this.#ids.get(after.index);
    const dependency = after === null || before === undefined ? [] : [`--dependency=${after.condition}:${before}`];
    const script = isFailing ? `sleep ${runSeconds}; exit 1` : `exec sleep ${runSeconds}`;
    const all = ['--parsable', '--output=/dev/null', '--chdir=/', ...args, ...dependency, `--wrap=${script}`];
    try {
      const { stdout } = await run('/usr/bin/sbatch', all, { env: this.#slurm.env });
      const id = stdout.trim();
      this.#ids.set(index, id);
      if (tasks === 1) this.runSeconds[id] = runSeconds;
      else for (let task = 0; task < tasks; task += 1) this.runSeconds[`${id}_${task}`] = runSeconds;
      if (cancelMs !== null) this.#cancels.push(this.#cancel(id, cancelMs));
    } catch (error) {
      this.refused.push(`${all.join(' ')}: ${String(error)}`);
    }
  }

  async #cancel(id: string, atMs: number): Promise<void> {
    await this.#until(atMs);
    await run('/usr/bin/scancel', [id], { env: this.#slurm.env });
  }

  async #until(atMs: number): Promise<void> {
    const waitMs = this.#startMs + atMs - Date.now();
    if (waitMs <= 0) return;
    await new Promise((done) => {
      setTimeout(done, waitMs);
    });
  }
}

if (process.argv[1] === import.meta.filename) {
  const [folder, seed, siteSeed] = process.argv.slice(2);
  if (folder === undefined || seed === undefined) {
    process.stderr.write('usage: varied-record.ts FOLDER SEED [SITE]\n');
    process.exit(2);
  }
  await recordVaried(folder, { ...VARIED_PLAN, seed: Number(seed) }, Number(siteSeed ?? seed));
}
