import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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
    confLines: [...QUICK_LINES, 'SlurmdTimeout=5'],
    accounting: researchAccount('root'),
  });
  daemon = await startSlurmDaemon(home, slurm);
}, 180_000);
afterAll(() => endSlurmDaemon(home, slurm, daemon), 60_000);

const submit = (command: string[], fields: object = {}) => submitJob(daemon.client, { command, ...fields });
const run = (file: string, ...args: string[]) =>
  execFileSync(file, args, { env: slurm.env, encoding: 'utf8', timeout: 20_000 }).trim();
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
    await until(async () => (await daemon.client.job(id)).state === 'RUNNING', 'the gang to run', 30_000);
    await slurm.killNode('s2');
    const why = async () => (await daemon.client.why(id)).detail.join(' ');
    const isLifted = async () => (await why()).includes('It does not keep off s2, where an attempt of it was lost: ');
    await until(isLifted, 'the gang to wait again', 90_000);
    await daemon.client.hold(id);
    expect(excluded(id)).toBe('');

    setNode('s5', 'State=RESUME');
    await until(() => excluded(id) === 's2', 'it to keep off s2', 60_000);
    const isTold = async () => (await why()).includes('It keeps off s2, where an attempt of it was lost.');
    await until(isTold, 'why to tell it', 30_000);

    setNode('s5', 'State=DRAIN', 'Reason=fan');
    await until(() => excluded(id) === '', 'it to keep off s2 no more', 60_000);
    slurm.startNode('s2');
    await daemon.client.release(id);
    const job = await endOf(daemon.client, id);
    expect(job).toMatchObject({ state: 'COMPLETED', attempt: 2, nodeList: ['s1', 's2', 's3', 's4'] });
    setNode('s5', 'State=RESUME');
  }, 240_000);
});

describe('a requeue that Slurm refuses', () => {
  it('is no reason for the end of the attempt, which a node of it brings about later, after a restart of the daemon', async () => {
    const id = await submit(ONCE_LOST, { name: 'kept', maxRequeues: 1 });
    await until(async () => (await daemon.client.job(id)).state === 'RUNNING', 'the job to run', 30_000);
    const [node = ''] = (await daemon.client.job(id)).nodeList;
    const [slurmJobId = ''] = run('squeue', '-h', '-o', '%i', '-n', nameOf(id)).split('\n');
    run('scontrol', 'update', `JobId=${slurmJobId}`, 'Requeue=0');
    await expect(daemon.client.requeue(id)).rejects.toThrow('Requested operation is presently disabled');
    daemon.process.kill('SIGKILL');
    await daemon.exited;
    daemon = await startSlurmDaemon(home, slurm);
    run('scontrol', 'update', `JobId=${slurmJobId}`, 'Requeue=1');
    await slurm.killNode(node);
    const job = await endOf(daemon.client, id, 120_000);
    slurm.startNode(node);
    expect(job).toMatchObject({ state: 'COMPLETED', requeues: 1, attempts: [{ state: 'NODE_FAIL' }, {}] });
  }, 240_000);
});
