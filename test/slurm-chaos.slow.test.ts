import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeHome, removeHome, type RunningDaemon, sleep, startDaemon, until } from './support/daemon.ts';
import { evidenceJob, expectAllWell, haveEnded, makeLedger } from './support/jobs.ts';
import { ensureSlurmAccounting, type SlurmCluster, startSlurm } from './support/slurm-cluster.ts';

const JOBS = Number(process.env['ORRERY_CHAOS_JOBS'] ?? 60);

let home = '';
let slurm: SlurmCluster;
let daemon: RunningDaemon;
const start = () =>
  startDaemon(home, { SLURM_CONF: slurm.env['SLURM_CONF'] ?? '' }, ['--backend', 'slurm', '--poll-ms', '500']);

beforeAll(async () => {
  if (!ensureSlurmAccounting()) throw new Error('Slurm and slurmdbd are needed');
  home = makeHome();
  slurm = await startSlurm({
    nodes: 4,
    cpusPerNode: 8,
    credentialSeconds: 5,
    confLines: [
      'SchedulerParameters=bf_interval=2,bf_resolution=1,batch_sched_delay=1,sched_interval=2',
      'MinJobAge=30',
      'SlurmdTimeout=15',
    ],
    accounting: [
      ['add', 'account', 'research'],
      ['add', 'user', 'root', 'account=research', 'defaultaccount=research'],
    ],
  });
  daemon = await start();
}, 180_000);
afterAll(async () => {
  daemon.process.kill('SIGKILL');
  await daemon.exited;
  await slurm.stop();
  await removeHome(home);
}, 60_000);

describe('a Slurm whose controller is killed, under a daemon that is killed', () => {
  it(`ends each of ${JOBS} jobs once, in the right state, as accounting has it`, async () => {
    const ledger = makeLedger(home);
    const jobs = Array.from({ length: JOBS }, (_, index) => ({ ...evidenceJob(index, ledger), memory: '32M' }));
    const ids = (await daemon.client.submit({ jobs, environment: { PATH: '/usr/bin:/bin' } })).jobs.map(({ id }) => id);
    for (let round = 0; round < 20; round += 1) {
      await sleep(((round * 397) % 1511) + 200);
      if (round % 4 === 1) {
        await slurm.killController();
        await sleep(500);
        slurm.startController();
      }
      daemon.process.kill('SIGKILL');
      await daemon.exited;
      daemon = await restarted();
    }
    await until(() => haveEnded(daemon.client, ids), 'all jobs to end', 900_000);
    await expectAllWell(daemon.client, ids, ledger);
    expect(await differingFromAccounting(ids)).toEqual([]);
  }, 1_200_000);
});

/** The controller may be on its way up. */
async function restarted(): Promise<RunningDaemon> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await start();
    } catch (error) {
      if (tries === 10) throw error;
      await sleep(500);
    }
  }
}

/** Jobs of which accounting has no run that ended as we say. */
async function differingFromAccounting(ids: readonly number[]): Promise<string[]> {
  const text = execFileSync('sacct', ['-X', '-D', '-n', '-P', '-S', 'now-1days', '-o', 'JobIDRaw,State,JobName'], {
    env: slurm.env,
    encoding: 'utf8',
    maxBuffer: 1024 ** 3,
  });
  const states = new Map<number, string[]>();
  for (const line of text.split('\n')) {
    const [, state, name = ''] = line.split('|');
    const id = Number(/-(\d+)-\d+$/.exec(name)?.[1] ?? 0);
    states.set(id, [...(states.get(id) ?? []), state?.split(' ')[0] ?? '']);
  }
  const jobs = new Map((await daemon.client.jobs({ all: true })).map((job) => [job.id, job.state]));
  const differing = ids.filter((id) => !states.get(id)?.includes(jobs.get(id) ?? ''));
  return differing.map((id) => `${id}: ${jobs.get(id)}, sacct ${states.get(id)?.join('+')}`);
}
