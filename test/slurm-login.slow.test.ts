import { execFileSync } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningDaemon, startDaemon } from './support/daemon.ts';
import { endOf, readLog, submitJob } from './support/jobs.ts';
import { ensureSshd, type LoginNode, makeLoginNode } from './support/login-node.ts';
import { ensureInstalled } from './support/packages.ts';
import { ensureSlurm, type SlurmCluster, startSlurm } from './support/slurm-cluster.ts';
import { QUICK_LINES, slurmVariables } from './support/slurm-daemon.ts';

/** What people leave in the files of their shells, and what sites print there. */
const NOISE = [
  'echo "Welcome to login1"',
  'echo 4711',
  'echo "The use of this machine by others is not permitted." >&2',
  'export SBATCH_PARTITION=nowhere SBATCH_HOLD=1 SQUEUE_STATES=PD SQUEUE_USERS=root SLURM_TIME_FORMAT=%A SLURM_CLUSTERS=other',
  '',
].join('\n');

let slurm: SlurmCluster;
let login: LoginNode;
let home = '';
let daemon: RunningDaemon;

beforeAll(async () => {
  if (!ensureSlurm() || !ensureSshd()) throw new Error('Slurm and sshd are needed');
  if (!ensureInstalled(['/usr/bin/tcsh', '/usr/bin/fish'], ['tcsh', 'fish']))
    throw new Error('tcsh and fish are needed');
  login = await makeLoginNode();
  slurm = await startSlurm({ nodes: 1, cpusPerNode: 4, credentialSeconds: 5, confLines: [...QUICK_LINES] });
  await login.start(slurmVariables(slurm));
  home = mkdtempSync(join(login.home, 'orrery-'));
  chownSync(home, login.uid, login.gid);
  const args = ['--backend', 'slurm', '--slurm-host', 'login1', '--poll-ms', '300'];
  daemon = await startDaemon(home, {}, args, login.wrapper);
}, 180_000);
afterAll(async () => {
  daemon?.process.kill('SIGKILL');
  await daemon?.exited;
  await slurm?.stop();
  await login?.remove();
}, 60_000);

async function shellIs(path: string): Promise<void> {
  execFileSync('usermod', ['--shell', path, login.userName]);
  // Ends the connection that the daemon has.
  await login.stop();
  await login.start(slurmVariables(slurm));
}

/** A job goes there and comes back; what it wrote. */
async function runOne(fields: object = {}): Promise<string> {
  const id = await submitJob(daemon.client, { command: ['echo', 'ran'], ...fields });
  expect(await endOf(daemon.client, id)).toMatchObject({ state: 'COMPLETED', attempt: 1 });
  return readLog(daemon.client, id);
}

describe('a login node whose shell is not as it was thought to be', () => {
  it.each(['/usr/bin/tcsh', '/usr/bin/fish', '/bin/bash'])(
    '%s hands every word on as it is',
    async (shell) => {
      await shellIs(shell);
      expect(await runOne({ comment: `it's "one" $HOME !sbatch a\\\\b %j` })).toBe('ran\n');
    },
    240_000,
  );

  it('is not heard where its files print, and cannot set options of Slurm, nor of the job', async () => {
    await shellIs('/bin/bash');
    const file = join(login.home, '.bashrc');
    writeFileSync(file, NOISE);
    writeFileSync(join(login.home, '.profile'), NOISE);
    expect(await runOne()).toBe('ran\n');
    for (const name of ['.bashrc', '.profile']) rmSync(join(login.home, name));
  }, 240_000);
});
