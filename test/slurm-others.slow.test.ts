import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeHome, type RunningDaemon, until } from './support/daemon.ts';
import { endOf, readLog, submitJob } from './support/jobs.ts';
import { ensureSlurmAccounting, type SlurmCluster, startSlurm } from './support/slurm-cluster.ts';
import { endSlurmDaemon, QUICK_LINES, researchAccount, startSlurmDaemon } from './support/slurm-daemon.ts';

let home = '';
let slurm: SlurmCluster;
let daemon: RunningDaemon;

beforeAll(async () => {
  if (!ensureSlurmAccounting()) throw new Error('Slurm and slurmdbd are needed');
  home = makeHome();
  slurm = await startSlurm({
    nodes: 1,
    cpusPerNode: 8,
    credentialSeconds: 5,
    confLines: [...QUICK_LINES, 'MinJobAge=2', 'MessageTimeout=5', 'PreemptType=preempt/qos', 'PreemptMode=REQUEUE'],
    accounting: [
      ...researchAccount('root'),
      ['add', 'qos', 'tiny', 'MaxSubmitJobsPerUser=1'],
      ['add', 'qos', 'low', 'GraceTime=4'],
      ['add', 'qos', 'high', 'Preempt=low'],
      ['modify', 'user', 'root', 'set', 'qos+=tiny,low,high'],
    ],
  });
  daemon = await startSlurmDaemon(home, slurm);
}, 180_000);
afterAll(() => endSlurmDaemon(home, slurm, daemon), 60_000);

const submit = (command: string[], fields: object = {}) => submitJob(daemon.client, { command, ...fields });
const ended = (id: number) => endOf(daemon.client, id);

const isUp = (id: number) => async () => (await readLog(daemon.client, id)) === 'up\n';
const run = (file: string, ...args: string[]) =>
  execFileSync(file, args, { env: slurm.env, encoding: 'utf8', timeout: 20_000 }).trim();
/** `12 train.orrery-... PENDING` of all that Slurm lists. */
const listed = () => run('squeue', '-h', '-t', 'all', '-o', '%i %j %T').split('\n');
/** What Slurm calls the job's submission. */
const nameOf = (id: number) =>
  listed()
    .find((line) => line.includes(`-${id}-`))
    ?.split(' ')[1] ?? '';

const FULL = 'QOS tiny lets one user have 1 job waiting or running (MaxSubmitPU=1): root has 1.';

/** What srun said of the job's first attempt. */
const said = (id: number) => {
  const path = join(home, 'jobs', String(id), 'attempts', '1', 'srun.err');
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
};

describe('what others do', () => {
  it('they fill a QOS: what it does not take waits and says why, and holds up nothing else', async () => {
    const first = await submit(['true'], { qos: 'tiny', hold: true });
    await until(() => nameOf(first) !== '', 'the first to be at Slurm');
    const later: number[] = [];
    for (let count = 0; count < 5; count += 1) later.push(await submit(['true'], { qos: 'tiny' }));
    const free = await submit(['true']);
    expect(await ended(free)).toMatchObject({ state: 'COMPLETED' });
    for (const id of [later[0] ?? 0, later[4] ?? 0]) {
      expect(await daemon.client.job(id)).toMatchObject({ state: 'PENDING' });
      await until(async () => (await daemon.client.why(id)).detail[0] === FULL, `job ${id} to say what it waits for`);
    }
    await daemon.client.cancel(first);
    expect(await ended(later[0] ?? 0)).toMatchObject({ state: 'COMPLETED' });
    for (const id of later.slice(1)) await daemon.client.cancel(id).catch(() => undefined);
  }, 180_000);

  it('they change the QOS of a job that waits: it is shown as Slurm has it', async () => {
    const id = await submit(['true'], { hold: true });
    await until(() => nameOf(id) !== '', 'the job to be at Slurm');
    const [number = ''] =
      listed()
        .find((line) => line.includes(nameOf(id)))
        ?.split(' ') ?? [];
    expect((await daemon.client.job(id)).qos).toBe('normal');
    run('scontrol', 'update', `JobId=${number}`, 'QOS=high');
    await until(async () => (await daemon.client.job(id)).qos === 'high', 'the other QOS to be shown');
    await daemon.client.cancel(id);
  }, 120_000);

  it('they preempt a job whose ranks die of the SIGTERM that begins its GraceTime: it is put back, and has not failed', async () => {
    const command = ['sh', '-c', 'echo up; [ $ORRERY_ATTEMPT = 2 ] || sleep 300'];
    const id = await submit(command, { qos: 'low', exclusive: true });
    await until(isUp(id), 'the job to run');
    expect(await ended(await submit(['true'], { qos: 'high', exclusive: true }))).toMatchObject({ state: 'COMPLETED' });
    expect(await ended(id)).toMatchObject({ state: 'COMPLETED', attempt: 2 });
    const { attempts } = await daemon.client.job(id);
    expect(attempts.map(({ state }) => state)).toEqual(['PREEMPTED', 'COMPLETED']);
  }, 240_000);

  it('they delete the folder of a job that runs: it ends as it did, once, and other jobs are followed', async () => {
    const ledger = join(home, 'ledger');
    const tidied = await submit(['sh', '-c', `echo up; echo ran >> ${ledger}; sleep 4`]);
    await until(isUp(tidied), 'the job to run');
    rmSync((await daemon.client.job(tidied)).folder, { recursive: true, maxRetries: 5 });
    const other = await submit(['true']);
    expect(await ended(other)).toMatchObject({ state: 'COMPLETED' });
    expect(await ended(tidied)).toMatchObject({ state: 'COMPLETED', exitCode: 0, attempt: 1 });
    expect(readFileSync(ledger, 'utf8')).toBe('ran\n');
  }, 180_000);

  it('they give jobs other names and delete folders: each stays the job it was, also to the next daemon', async () => {
    const ledger = join(home, 'renamed');
    const waiting = await submit(['sh', '-c', `echo waited >> ${ledger}`], { hold: true });
    const mayEnd = join(home, 'may-end');
    const isLet = `until [ -e ${mayEnd} ]; do sleep 0.2; done`;
    const running = await submit(['sh', '-c', `echo up; echo ran >> ${ledger}; ${isLet}`]);
    const bare = await submit(['sh', '-c', `echo up; echo bare >> ${ledger}; ${isLet}`]);
    await until(isUp(running), 'the job to run');
    await until(isUp(bare), 'the other to run');
    await until(async () => (await daemon.client.job(bare)).state === 'RUNNING', 'that to be seen');
    const numbers = [waiting, running].map(
      (id) =>
        listed()
          .find((line) => line.includes(`-${id}-`))
          ?.split(' ')[0],
    );
    for (const number of numbers) run('scontrol', 'update', `JobId=${number}`, 'JobName=mine');
    rmSync((await daemon.client.job(bare)).folder, { recursive: true, maxRetries: 5 });
    daemon.process.kill('SIGKILL');
    await daemon.exited;
    daemon = await startSlurmDaemon(home, slurm);
    // Longer than what Slurm does not list and never began is looked for.
    await new Promise((resolve) => setTimeout(resolve, 12_000));
    expect(listed().filter((line) => line.includes(' mine '))).toHaveLength(2);
    expect([waiting, running].map(nameOf)).toEqual(['', '']);
    writeFileSync(mayEnd, '');
    await daemon.client.release(waiting);
    for (const id of [waiting, running, bare])
      expect(await ended(id)).toMatchObject({ state: 'COMPLETED', attempt: 1 });
    expect(readFileSync(ledger, 'utf8').split('\n').sort()).toEqual(['', 'bare', 'ran', 'waited']);
  }, 240_000);

  it('they cancel a job while the daemon and accounting are away: forgotten by Slurm since, it waits for accounting', async () => {
    const id = await submit(['sh', '-c', 'echo up; sleep 300']);
    await until(isUp(id), 'the job to run');
    const name = nameOf(id);
    const booked = () => run('sacct', '-X', '-n', '-P', '-o', 'JobName').split('\n');
    await until(() => booked().includes(name), 'accounting to know of it');
    await slurm.killAccounting();
    daemon.process.kill('SIGKILL');
    await daemon.exited;
    run('scancel', `--name=${name}`);
    await until(() => nameOf(id) === '', 'Slurm to forget it', 60_000);
    daemon = await startSlurmDaemon(home, slurm);
    const said = async () => (await daemon.client.why(id)).detail.join(' ');
    await until(async () => (await said()).includes('accounting, which knows how it ended'), 'what it waits for');
    slurm.startAccounting();
    expect(await ended(id)).toMatchObject({ state: 'CANCELLED', attempt: 1 });
    expect(nameOf(id)).toBe('');
  }, 180_000);

  it('they end its step where nothing tells srun how its ranks ended, which it leaves with 0: no success, and it runs again', async () => {
    const ledger = join(home, 'stepped');
    const id = await submit(['sh', '-c', `echo up; echo ran >> ${ledger}; sleep 12`]);
    await until(isUp(id), 'the job to run');
    const number = listed()
      .find((line) => line.includes(`-${id}-`))
      ?.split(' ')[0];
    const stepd = run('pgrep', '-f', `^slurmstepd: \\[${number}\\.0\\]`);
    process.kill(Number(stepd), 'SIGSTOP');
    try {
      run('scancel', `${number}.0`);
      const waited = () => said(id).includes('Timed out waiting for job step');
      await until(waited, 'srun to give up', 120_000);
    } finally {
      process.kill(Number(stepd), 'SIGKILL');
    }
    expect(await ended(id)).toMatchObject({ state: 'COMPLETED', attempt: 2 });
  }, 240_000);

  it('they end its step, and with it its ranks: it runs again, and not one that has killed itself and its shell', async () => {
    const id = await submit(['sh', '-c', 'echo up; [ $ORRERY_ATTEMPT = 2 ] || sleep 300']);
    const own = await submit(['sh', '-c', 'kill -9 0']);
    await until(isUp(id), 'the job to run');
    const number = listed()
      .find((line) => line.includes(`-${id}-`))
      ?.split(' ')[0];
    run('scancel', `${number}.0`);
    expect(await ended(id)).toMatchObject({ state: 'COMPLETED', attempt: 2 });
    const { state, exitCode, attempts } = await daemon.client.job((await ended(own)).id);
    expect({ state, exitCode }).toEqual({ state: 'FAILED', exitCode: 137 });
    expect(attempts.map(({ message }) => message)).toEqual(['rank 0 on s1 was killed by SIGKILL']);
  }, 240_000);

  it('they are given the number of a job by a slurmctld that lost its state: theirs is not touched', async () => {
    const id = await submit(['sh', '-c', 'echo up; sleep 300']);
    await until(isUp(id), 'the job to run');
    const number = Number(
      listed()
        .find((line) => line.includes(`-${id}-`))
        ?.split(' ')[0],
    );
    await slurm.killController();
    const state = join(slurm.folder, 'state');
    for (const file of readdirSync(state)) rmSync(join(state, file), { recursive: true });
    slurm.startController();
    const theirs = () =>
      run('sbatch', '--parsable', '--hold', '-J', 'theirs', '-o', '/dev/null', '--wrap', 'sleep 300');
    await until(() => spawnSync('sinfo', { env: slurm.env }).status === 0, 'slurmctld', 60_000);
    while (Number(theirs()) < number);
    const before = listed().filter((line) => line.includes('theirs'));
    expect(before).toContain(`${number} theirs PENDING`);
    const others = `Slurm has another job under the number ${number} now`;
    await expect(daemon.client.requeue(id)).rejects.toThrow(others);
    await expect(daemon.client.signal(id, 'USR1')).rejects.toThrow(others);
    await daemon.client.cancel(id);
    expect(listed().filter((line) => line.includes('theirs'))).toEqual(before);
    run('scancel', '--name=theirs');
    expect(existsSync(join((await daemon.client.job(id)).folder, 'attempts'))).toBe(true);
  }, 240_000);
});
