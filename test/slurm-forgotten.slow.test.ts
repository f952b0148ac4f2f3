import { execFileSync } from 'node:child_process';
import { rmSync, mkdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRecord } from './support/chaos-accounting.ts';
import { makeHome, type RunningDaemon, until } from './support/daemon.ts';
import { endOf, submitJob } from './support/jobs.ts';
import { ensureSlurm, type SlurmCluster, startSlurm } from './support/slurm-cluster.ts';
import { endSlurmDaemon, QUICK_LINES, startSlurmDaemon } from './support/slurm-daemon.ts';

let home = '';
let slurm: SlurmCluster;
let daemon: RunningDaemon;

beforeAll(async () => {
  if (!ensureSlurm()) throw new Error('Slurm is needed');
  home = makeHome();
  // Without accounting, and what has ended is soon forgotten.
  slurm = await startSlurm({ nodes: 1, cpusPerNode: 4, confLines: [...QUICK_LINES, 'MinJobAge=2'] });
  daemon = await startSlurmDaemon(home, slurm);
}, 180_000);
afterAll(() => endSlurmDaemon(home, slurm, daemon), 60_000);

const atSlurm = (id: number) =>
  execFileSync('squeue', ['-h', '--states=all', '-o', '%j'], { env: slurm.env, encoding: 'utf8' })
    .split('\n')
    .filter((name) => name.includes(`-${id}-`));

async function submitHeld(): Promise<number> {
  const id = await submitJob(daemon.client, { command: ['true'], hold: true });
  await until(() => atSlurm(id).length > 0, 'the job to be at Slurm');
  // Killed before it is told the number, the daemon that follows could not know that sbatch had taken the job.
  await until(() => readRecord(home, id).slurmJobId !== null, 'its number to be on the disk');
  return id;
}

async function endDaemon(): Promise<void> {
  daemon.process.kill('SIGKILL');
  await daemon.exited;
}

/** As if slurmctld had been there for ten minutes when it took the job. */
function age(id: number): void {
  const later = new Date(Date.now() + 600_000);
  utimesSync(join(home, 'jobs', String(id), 'submission.json'), later, later);
}

describe('a held job that Slurm knows nothing of any more', () => {
  it('was cancelled where slurmctld has had it all along', async () => {
    const id = await submitHeld();
    await endDaemon();
    age(id);
    execFileSync('scancel', ['--user=root'], { env: slurm.env });
    await until(() => atSlurm(id).length === 0, 'Slurm to forget it', 120_000);
    daemon = await startSlurmDaemon(home, slurm);
    expect(await endOf(daemon.client, id)).toMatchObject({ state: 'CANCELLED', attempt: 0 });
    expect(atSlurm(id)).toEqual([]);
  }, 300_000);

  it('is submitted again, and held, where slurmctld began since', async () => {
    const id = await submitHeld();
    await endDaemon();
    await slurm.killController();
    rmSync(join(slurm.folder, 'state'), { recursive: true });
    mkdirSync(join(slurm.folder, 'state'));
    slurm.startController();
    daemon = await startSlurmDaemon(home, slurm);
    await until(() => atSlurm(id).some((name) => name.endsWith('-2')), 'the job to be submitted again', 60_000);
    expect(await daemon.client.job(id)).toMatchObject({ state: 'PENDING' });
    await daemon.client.release(id);
    expect(await endOf(daemon.client, id)).toMatchObject({ state: 'COMPLETED', attempt: 1 });
  }, 300_000);
});
