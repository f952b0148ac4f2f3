import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { makeHome, type RunningDaemon, until } from './support/daemon.ts';
import { endOf, submitJob } from './support/jobs.ts';
import { ensureSlurmAccounting, type SlurmCluster, startSlurm } from './support/slurm-cluster.ts';
import { endSlurmDaemon, QUICK_LINES, researchAccount, startSlurmDaemon } from './support/slurm-daemon.ts';

/** Of a gang that runs until it is lost, and is done then. */
const ONCE_LOST = ['sh', '-c', '[ "$ORRERY_ATTEMPT" -gt 1 ] || sleep 600'];

let home = '';
let slurm: SlurmCluster;
let daemon: RunningDaemon;

beforeAll(async () => {
  if (!ensureSlurmAccounting()) throw new Error('Slurm and slurmdbd are needed');
  home = makeHome();
  slurm = await startSlurm({
    nodes: 5,
    cpusPerNode: 4,
    credentialSeconds: 5,
    confLines: [
      ...QUICK_LINES,
      'SlurmdTimeout=5',
      'PartitionName=main Nodes=ALL Default=YES',
      'PartitionName=side Nodes=ALL MaxTime=60',
    ],
    accounting: researchAccount('root'),
  });
  daemon = await startSlurmDaemon(home, slurm);
}, 180_000);
afterAll(() => endSlurmDaemon(home, slurm, daemon), 60_000);

const submit = (command: string[], fields: object = {}) => submitJob(daemon.client, { command, ...fields });
const run = (file: string, ...args: string[]) =>
  execFileSync(file, args, { env: slurm.env, encoding: 'utf8', timeout: 20_000 }).trim();
function changeConf(change: (conf: string) => string): void {
  const file = slurm.env['SLURM_CONF'] ?? '';
  writeFileSync(file, change(readFileSync(file, 'utf8')));
}
/** One more line in slurm.conf until the test ends, whatever comes of it. */
function addConfLine(line: string): void {
  changeConf((conf) => `${line}\n${conf}`);
  onTestFinished(() => {
    changeConf((conf) => conf.replace(`${line}\n`, ''));
    run('scontrol', 'reconfigure');
  });
  run('scontrol', 'reconfigure');
}
async function restartController(): Promise<void> {
  await slurm.endController();
  slurm.startController();
}
const setNode = (name: string, ...fields: string[]) => run('scontrol', 'update', `NodeName=${name}`, ...fields);
const excluded = (id: number) => run('squeue', '-h', '-t', 'PD', '-o', '%x', '-n', nameOf(id));
const nameOf = (id: number) =>
  run('squeue', '-h', '-o', '%j')
    .split('\n')
    .find((name) => name.includes(`-${id}-`)) ?? 'none';

describe('a gang whose partition has few nodes in service', () => {
  it('goes back to a node that it was lost with, and keeps off it again once there are enough others', async () => {
    setNode('s5', 'State=DRAIN', 'Reason=fan');
    const id = await submit(ONCE_LOST, { name: 'gang', nodes: 4, memory: '16M' });
    await until(async () => (await daemon.client.job(id)).state === 'RUNNING', 'the gang to run');
    await slurm.killNode('s2');
    const why = async () => (await daemon.client.why(id)).detail.join(' ');
    const isLifted = async () => (await why()).includes('It does not keep off s2, where an attempt of it was lost: ');
    await until(isLifted, 'the gang to wait again', 150_000);
    await daemon.client.hold(id);
    expect(excluded(id)).toBe('');

    setNode('s5', 'State=RESUME');
    await until(() => excluded(id) === 's2', 'it to keep off s2', 60_000);
    const isTold = async () => (await why()).includes('It keeps off s2, where an attempt of it was lost.');
    await until(isTold, 'why to tell it');

    setNode('s5', 'State=DRAIN', 'Reason=fan');
    await until(() => excluded(id) === '', 'it to keep off s2 no more', 60_000);
    slurm.startNode('s2');
    await daemon.client.release(id);
    const job = await endOf(daemon.client, id);
    expect(job).toMatchObject({ state: 'COMPLETED', attempt: 2, nodeList: ['s1', 's2', 's3', 's4'] });
    setNode('s5', 'State=RESUME');
  }, 400_000);

  it('goes back to a node of its reservation, which has no other, though its partition has', async () => {
    const nodes = ['Duration=60', 'Nodes=s1,s2', 'Users=root'];
    run('scontrol', 'create', 'reservation', 'ReservationName=two', 'StartTime=now', ...nodes);
    const id = await submit(ONCE_LOST, { nodes: 2, reservation: 'two' });
    await until(async () => (await daemon.client.job(id)).state === 'RUNNING', 'the gang to run');
    await slurm.killNode('s2');
    await until(async () => (await daemon.client.job(id)).requeues === 1, 'the gang to be put back', 150_000);
    slurm.startNode('s2');
    expect(await endOf(daemon.client, id)).toMatchObject({ state: 'COMPLETED', attempt: 2, nodeList: ['s1', 's2'] });
    run('scontrol', 'delete', 'ReservationName=two');
  }, 400_000);
});

describe('a requeue that Slurm refuses', () => {
  it('is no reason for the end of the attempt, which a node of it brings about later, after a restart of the daemon', async () => {
    const id = await submit(ONCE_LOST, { name: 'kept', maxRequeues: 1 });
    await until(async () => (await daemon.client.job(id)).state === 'RUNNING', 'the job to run');
    const [node = ''] = (await daemon.client.job(id)).nodeList;
    const [slurmJobId = ''] = run('squeue', '-h', '-o', '%i', '-n', nameOf(id)).split('\n');
    run('scontrol', 'update', `JobId=${slurmJobId}`, 'Requeue=0');
    await expect(daemon.client.requeue(id)).rejects.toThrow('Requested operation is presently disabled');
    daemon.process.kill('SIGKILL');
    await daemon.exited;
    daemon = await startSlurmDaemon(home, slurm);
    run('scontrol', 'update', `JobId=${slurmJobId}`, 'Requeue=1');
    await slurm.killNode(node);
    const job = await endOf(daemon.client, id, 240_000);
    slurm.startNode(node);
    expect(job).toMatchObject({ state: 'COMPLETED', requeues: 1, attempts: [{ state: 'NODE_FAIL' }, {}] });
  }, 400_000);
});

describe('a partition that takes no jobs for a while', () => {
  it('allows less time than it did when a job came: why says how much', async () => {
    const id = await submit(['true'], { partition: 'side', time: '30m', hold: true });
    await until(() => nameOf(id) !== 'none', 'the job to be at Slurm');
    run('scontrol', 'update', 'PartitionName=side', 'MaxTime=10');
    await daemon.client.release(id);
    const why = async () => (await daemon.client.why(id)).detail.join(' ');
    await until(async () => (await why()).includes('At most: 00:10:00 in side'), 'why to tell the limit');
    run('scontrol', 'update', 'PartitionName=side', 'MaxTime=60');
    expect(await endOf(daemon.client, id)).toMatchObject({ state: 'COMPLETED' });
  }, 240_000);

  it('gets those that were submitted meanwhile once it is open again, an array as one', async () => {
    run('scontrol', 'update', 'PartitionName=side', 'State=INACTIVE');
    const id = await submit(['true'], { partition: 'side' });
    const { jobs } = await daemon.client.submit({
      jobs: [{ command: ['true'], array: '0-2', partition: 'side', memory: '16M' }],
      environment: { PATH: '/usr/bin:/bin' },
    });
    const tasks = jobs.map((task) => task.id);
    const isSaid = async () => (await daemon.client.job(id)).reason === 'PartitionInactive';
    await until(isSaid, 'the job to wait here');
    expect((await daemon.client.why(id)).detail.join(' ')).toContain(
      'is tried again: sbatch: Batch job submission failed: Required partition not available (inactive or drain).',
    );
    run('scontrol', 'update', 'PartitionName=side', 'State=UP');
    for (const ended of [id, ...tasks]) expect(await endOf(daemon.client, ended)).toMatchObject({ state: 'COMPLETED' });
    const arrays = tasks.map(async (task) => (await daemon.client.job(task)).slurmJobId?.replace(/_\d$/, ''));
    expect(new Set(await Promise.all(arrays)).size).toBe(1);
  }, 180_000);
});

describe('a partition whose limits sbatch keeps', () => {
  it('is told of at submission once EnforcePartLimits says so, also after the daemon began', async () => {
    const long = { jobs: [{ command: ['true'], partition: 'side,main', time: '2h', hold: true }] };
    const taken = (await daemon.client.submit(long)).jobs[0]?.id ?? 0;
    addConfLine('EnforcePartLimits=ALL');
    const alone = { jobs: [{ command: ['true'], partition: 'side', time: '2h', hold: true }] };
    // What was asked of Slurm a moment before is not asked again.
    const said = async () => {
      const answer = await daemon.client.submit(alone).catch((error: unknown) => String(error));
      if (typeof answer === 'string') return answer;
      for (const { id } of answer.jobs) await daemon.client.cancel(id);
      return '';
    };
    await expect
      .poll(said)
      .toContain(
        'time: it asks for 02:00:00, and partition side gives 01:00:00 at most (EnforcePartLimits=ALL): submit it with less --time, or to another partition',
      );
    await expect(daemon.client.submit(long)).rejects.toThrow('submit it without partition side');
    await daemon.client.cancel(taken);
  }, 120_000);
});

describe('tasks that wait together', () => {
  it('can be cancelled one by one where the site lets nobody change a comment', async () => {
    const folder = join(slurm.env['SLURM_CONF'] ?? '', '..');
    const lines = [
      'function slurm_job_submit() return slurm.SUCCESS end',
      'function slurm_job_modify(job) if job.comment ~= nil then return slurm.ERROR end return slurm.SUCCESS end',
      'return slurm.SUCCESS',
    ];
    writeFileSync(join(folder, 'job_submit.lua'), `${lines.join('\n')}\n`);
    addConfLine('JobSubmitPlugins=lua');
    const { jobs } = await daemon.client.submit({
      jobs: [{ command: ['true'], array: '0-5', hold: true, memory: '16M' }],
      environment: { PATH: '/usr/bin:/bin' },
    });
    const ids = jobs.map((task) => task.id);
    const waiting = () => run('squeue', '-h', '-r', '-o', '%K').split('\n').sort().join();
    await until(() => waiting() === '0,1,2,3,4,5', 'the array to be at Slurm');
    const [first = 0, second = 0] = [ids[1], ids[4]];
    await Promise.all([daemon.client.cancel(first), daemon.client.cancel(second)]);
    for (const id of [first, second]) expect(await endOf(daemon.client, id)).toMatchObject({ state: 'CANCELLED' });
    await until(() => waiting() === '0,2,3,5', 'those two to be gone, and no other');
    for (const id of ids.filter((other) => other !== first && other !== second)) await daemon.client.cancel(id);
  }, 240_000);
});

describe('a node that is taken out of slurm.conf', () => {
  it('does not keep a job from running that excludes it', async () => {
    const id = await submit(ONCE_LOST, { name: 'choosy', exclude: ['s5'] });
    await until(async () => (await daemon.client.job(id)).state === 'RUNNING', 'the job to run');
    const [node = ''] = (await daemon.client.job(id)).nodeList;
    const [slurmJobId = ''] = run('squeue', '-h', '-o', '%i', '-n', nameOf(id)).split('\n');
    changeConf((conf) => conf.replace(/^NodeName=s5 .*\n/m, ''));
    await restartController();

    // It is submitted again, by sbatch.
    run('scontrol', 'update', `JobId=${slurmJobId}`, 'Requeue=0');
    await slurm.killNode(node);
    const job = await endOf(daemon.client, id, 240_000);
    slurm.startNode(node);
    expect(job).toMatchObject({ state: 'COMPLETED', requeues: 1, attempts: [{ state: 'NODE_FAIL' }, {}] });
  }, 400_000);

  it('is named where a job names it', async () => {
    const held = await submit(['true'], { nodelist: ['s4'], hold: true });
    await until(() => nameOf(held) !== 'none', 'the job to be at Slurm');
    changeConf((conf) => conf.replace(/^NodeName=s4 .*\n/m, ''));
    await restartController();
    const isRefused = async () => (await daemon.client.job(held)).reason === 'refused by sbatch';
    await until(isRefused, 'sbatch to refuse the job', 60_000);
    expect((await daemon.client.why(held)).detail[0]).toBe(
      'Slurm refused it: sbatch: Batch job submission failed: Invalid node name specified (nodelist: the cluster has no s4).',
    );
  }, 240_000);
});
