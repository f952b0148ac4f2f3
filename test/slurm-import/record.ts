import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { sleepJobArguments, untilQueueIsEmpty } from '../support/sleep-jobs.ts';
import { type SlurmCluster, startSlurm } from '../support/slurm-cluster.ts';
import { fileNameOf, SAVED_FILES } from '../../src/backend/slurm/saved/saved-files.ts';
import { SITE } from './site.ts';
import { type SiteJob, siteWorkload } from './workload.ts';

const run = promisify(execFile);

export interface SiteRun {
  seed: number;
  /** Submitted before the import, over so many seconds. */
  before: number;
  beforeSeconds: number;
  after: number;
  afterSeconds: number;
  workSeconds: number;
}

/** What the slow test and the recordings run: less than three minutes. Some of those after it come before the import has looked. */
export const SITE_RUN: Omit<SiteRun, 'seed'> = {
  before: 160,
  beforeSeconds: 15,
  after: 210,
  afterSeconds: 31.5,
  workSeconds: 108,
};

export interface SiteRecord {
  /** What sacct says of all jobs in the end. */
  after: string;
  /** How long each job sleeps, by its id: sacct knows whole seconds alone. */
  runSeconds: Readonly<Record<string, number>>;
  /** Slurmctld's. */
  log: string;
}

/** Runs a workload on a real Slurm and has `inTheMidst` done with it. */
export async function recordSite(
  { before, after, beforeSeconds, afterSeconds, workSeconds, seed }: SiteRun,
  inTheMidst: (slurm: SlurmCluster) => Promise<void>,
): Promise<SiteRecord> {
  const slurm = await startSlurm(SITE);
  try {
    const gpus = SITE.nodes * (SITE.gpusPerNode ?? 0);
    const jobs = siteWorkload({ seed, jobs: before + after, before, beforeSeconds, afterSeconds, workSeconds, gpus });
    const startMs = Date.now();
    await submitAll(jobs.slice(0, before), startMs, slurm);
    await Promise.all([inTheMidst(slurm), submitAll(jobs.slice(before), startMs, slurm)]);
    await untilDrained(slurm);
    const log = readFileSync(join(slurm.folder, 'log', 'slurmctld.log'), 'utf8');
    // One at a time: ids in the order of submission.
    const runSeconds = Object.fromEntries(jobs.map((job, index) => [String(index + 1), job.runSeconds]));
    return { after: await accounting(slurm), runSeconds, log };
  } finally {
    await slurm.stop();
  }
}

export async function saveTexts(folder: string, slurm: SlurmCluster): Promise<void> {
  mkdirSync(folder, { recursive: true });
  // The queue first and all at once: what follows is a second older.
  const texts = await Promise.all(SAVED_FILES.map(({ command }) => output(command(1), slurm)));
  for (const [index, { name }] of SAVED_FILES.entries())
    writeFileSync(join(folder, fileNameOf(name)), texts[index] ?? '');
}

async function accounting(slurm: SlurmCluster): Promise<string> {
  const sacct = SAVED_FILES.find(({ name }) => name === 'sacct');
  return await output(sacct?.command(1) ?? ['sacct'], slurm);
}

async function output([program, ...args]: readonly [string, ...string[]], slurm: SlurmCluster): Promise<string> {
  const { stdout } = await run(program, args, { env: slurm.env, maxBuffer: 1 << 26 });
  return stdout;
}

async function submitAll(jobs: readonly SiteJob[], startMs: number, slurm: SlurmCluster): Promise<void> {
  for (const job of jobs) {
    const waitMs = startMs + job.submitMs - Date.now();
    if (waitMs > 0) {
      await new Promise((done) => {
        setTimeout(done, waitMs);
      });
    }
    await run('/usr/bin/sbatch', sleepJobArguments({ ...job, afterId: null }), { env: slurm.env });
  }
}

async function untilDrained(slurm: SlurmCluster): Promise<void> {
  await untilQueueIsEmpty(slurm, 1000);
  // Accounting hears of the last end a moment later.
  const states = [
    'sacct',
    '--allusers',
    '--allocations',
    '--noheader',
    '--starttime=now-1hours',
    '--format=State',
  ] as const;
  const endMs = Date.now() + 120_000;
  while (/PENDING|RUNNING/.test(await output(states, slurm))) {
    if (Date.now() > endMs) throw new Error('accounting did not hear of all ends within two minutes');
    await new Promise((done) => {
      setTimeout(done, 1000);
    });
  }
}

if (process.argv[1] === import.meta.filename) {
  const [folder, seed] = process.argv.slice(2);
  if (folder === undefined || seed === undefined) {
    process.stderr.write('usage: record.ts FOLDER SEED\n');
    process.exit(2);
  }
  mkdirSync(folder, { recursive: true });
  const { after, runSeconds, log } = await recordSite({ ...SITE_RUN, seed: Number(seed) }, (slurm) => {
    return saveTexts(join(folder, 'saved'), slurm);
  });
  writeFileSync(join(folder, 'after.txt'), after);
  writeFileSync(join(folder, 'runs.json'), JSON.stringify(runSeconds));
  writeFileSync(join(folder, 'slurmctld.log'), log);
}
