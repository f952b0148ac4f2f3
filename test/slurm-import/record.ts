import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type SlurmCluster, startSlurm } from '../support/slurm-cluster.ts';
import { SITE } from './site.ts';
import { type SiteJob, siteWorkload } from './workload.ts';

const run = promisify(execFile);

/** Shell commands and the files that they fill: what docs/guides/slurm-import.md tells people to run. */
export const RECIPE: Readonly<Record<string, readonly [string, ...string[]]>> = {
  'config.txt': ['scontrol', 'show', 'config'],
  'node.txt': ['scontrol', '-o', 'show', 'node'],
  'partition.txt': ['scontrol', '-o', 'show', 'partition'],
  'topology.txt': ['scontrol', 'show', 'topology'],
  'qos.txt': ['sacctmgr', '-P', 'show', 'qos'],
  'assoc.txt': ['sacctmgr', '-P', 'show', 'assoc', 'tree'],
  'sshare.txt': ['sshare', '-alP'],
  'sprio.txt': ['sprio', '-w'],
  'sdiag.txt': ['sdiag'],
  'squeue.txt': [
    'squeue',
    '-a',
    '-O',
    [
      'JobID',
      'JobArrayID',
      'State',
      'Reason',
      'UserName',
      'Account',
      'QOS',
      'Partition',
      'NumNodes',
      'NumCPUs',
      'tres-alloc',
      'tres-per-node',
      'TimeLimit',
      'TimeUsed',
      'SubmitTime',
      'EligibleTime',
      'AccrueTime',
      'StartTime',
      'PriorityLong',
      'Nice',
      'Dependency',
      'Reservation',
      'OverSubscribe',
      'NodeList',
    ]
      .map((field) => `${field}:|`)
      .join(','),
  ],
  'sacct.txt': [
    'sacct',
    '-aXDP',
    '-S',
    'now-28days',
    '-o',
    'JobID,State,Submit,Eligible,Start,End,ElapsedRaw,TimelimitRaw,NNodes,NCPUS,ReqTRES,AllocTRES,User,Account,QOS,Partition,Reservation',
  ],
};

export interface SiteRun {
  seed: number;
  /** Submitted before the import, over so many seconds. */
  before: number;
  beforeSeconds: number;
  after: number;
  afterSeconds: number;
  workSeconds: number;
}

/** Runs a workload on a real Slurm, saves in the midst what the import reads, and in the end what accounting says of all jobs. */
export async function recordSite(plan: SiteRun, folder: string): Promise<void> {
  const slurm = await startSlurm(SITE);
  try {
    const { before, after, beforeSeconds, afterSeconds, workSeconds, seed } = plan;
    const gpus = SITE.nodes * (SITE.gpusPerNode ?? 0);
    const jobs = siteWorkload({
      seed,
      jobs: before + after,
      spanSeconds: beforeSeconds + afterSeconds,
      workSeconds,
      gpus,
    });
    const startMs = Date.now();
    await submitAll(jobs.slice(0, before), startMs, slurm);
    const saving = save(join(folder, 'saved'), slurm);
    await submitAll(jobs.slice(before), startMs, slurm);
    await saving;
    await untilDrained(slurm);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'after.txt'), await output(RECIPE['sacct.txt'] ?? ['sacct'], slurm));
    writeFileSync(
      join(folder, 'slurm.conf'),
      execFileSync('/bin/cat', [join(slurm.folder, 'slurm.conf')], { encoding: 'utf8' }),
    );
    execFileSync('/bin/cp', [join(slurm.folder, 'log', 'slurmctld.log'), folder]);
  } finally {
    await slurm.stop();
  }
}

async function save(folder: string, slurm: SlurmCluster): Promise<void> {
  mkdirSync(folder, { recursive: true });
  // The queue first and all at once: what follows is a second older.
  const names = Object.keys(RECIPE);
  const texts = await Promise.all(names.map((name) => output(RECIPE[name] ?? ['true'], slurm)));
  for (const [index, name] of names.entries()) writeFileSync(join(folder, name), texts[index] ?? '');
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
    await run('/usr/bin/sbatch', submission(job), { env: slurm.env });
  }
}

function submission(job: SiteJob): string[] {
  return [
    '--parsable',
    '--output=/dev/null',
    '--chdir=/',
    `--nodes=${job.nodes}`,
    '--ntasks-per-node=1',
    `--gpus-per-node=${job.gpusPerNode}`,
    `--time=${job.limitMinutes}`,
    `--uid=${job.user}`,
    `--account=${job.account}`,
    `--qos=${job.qos}`,
    `--partition=${job.partition}`,
    `--wrap=exec sleep ${job.runSeconds}`,
  ];
}

async function untilDrained(slurm: SlurmCluster): Promise<void> {
  for (;;) {
    const queue = execFileSync('/usr/bin/squeue', ['-h', '-o', '%i'], { env: slurm.env, encoding: 'utf8' });
    if (queue.trim() === '') break;
    await new Promise((done) => {
      setTimeout(done, 1000);
    });
  }
  // Accounting hears of the last end a moment later.
  await new Promise((done) => {
    setTimeout(done, 2000);
  });
}

if (process.argv[1] === import.meta.filename) {
  const [folder, seed] = process.argv.slice(2);
  if (folder === undefined || seed === undefined) {
    process.stderr.write('usage: record.ts FOLDER SEED\n');
    process.exit(2);
  }
  await recordSite(
    { seed: Number(seed), before: 200, beforeSeconds: 45, after: 200, afterSeconds: 55, workSeconds: 120 },
    folder,
  );
}
