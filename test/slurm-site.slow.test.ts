import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeHome, type RunningDaemon, until } from './support/daemon.ts';
import { endOf, readLog, submitJob } from './support/jobs.ts';
import { ensureSlurmAccounting, type SlurmCluster, startSlurm } from './support/slurm-cluster.ts';
import { endSlurmDaemon, QUICK_LINES, researchAccount, startSlurmDaemon } from './support/slurm-daemon.ts';

/** Nodes can be powered down, and nothing is done for it. */
const POWER_LINES = [
  'SuspendProgram=/bin/true',
  'ResumeProgram=/bin/true',
  'SuspendTime=3600',
  'SuspendTimeout=1',
  'ResumeTimeout=300',
];

let home = '';
let slurm: SlurmCluster;
let daemon: RunningDaemon;

beforeAll(async () => {
  if (!ensureSlurmAccounting()) throw new Error('Slurm and slurmdbd are needed');
  home = makeHome();
  slurm = await startSlurm({
    nodes: 2,
    cpusPerNode: 8,
    credentialSeconds: 5,
    confLines: [...QUICK_LINES, 'MinJobAge=2', ...POWER_LINES],
    accounting: researchAccount('root'),
  });
  daemon = await startSlurmDaemon(home, slurm);
}, 180_000);
afterAll(() => endSlurmDaemon(home, slurm, daemon), 60_000);

const submit = (command: string[], fields: object = {}) => submitJob(daemon.client, { command, ...fields });
const ended = (id: number) => endOf(daemon.client, id);

const run = (file: string, ...args: string[]) =>
  execFileSync(file, args, { env: slurm.env, encoding: 'utf8', timeout: 20_000 }).trim();
/** Slurm's configuration, from now on. */
function reconfigure(change: (conf: string) => string): void {
  const file = slurm.env['SLURM_CONF'] ?? '';
  writeFileSync(file, change(readFileSync(file, 'utf8')));
  run('scontrol', 'reconfigure');
}
const reason = async (id: number) => (await daemon.client.job(id)).reason;
const isAtSlurm = (id: number) => run('squeue', '-h', '-o', '%j').includes(`-${id}-`);

describe('what a site changes while the daemon runs', () => {
  it('partitions and QOS that are added can be used at once', async () => {
    await expect(submit(['true'], { partition: 'extra' })).rejects.toThrow(
      'partition: no "extra": expected one of main',
    );
    reconfigure((conf) => `${conf}PartitionName=extra Nodes=s2\n`);
    await new Promise((resolve) => setTimeout(resolve, 2100));
    expect(await ended(await submit(['true'], { partition: 'extra' }))).toMatchObject({
      state: 'COMPLETED',
      nodeList: ['s2'],
    });
    await expect(submit(['true'], { qos: 'quick' })).rejects.toThrow('qos: no "quick"');
    run('sacctmgr', '-i', 'add', 'qos', 'quick');
    run('sacctmgr', '-i', 'modify', 'user', 'root', 'set', 'qos+=quick');
    await new Promise((resolve) => setTimeout(resolve, 2100));
    expect(await ended(await submit(['true'], { qos: 'quick' }))).toMatchObject({ state: 'COMPLETED' });
    const partitions = async () => (await daemon.client.nodes()).map((node) => node.partitions.join());
    await until(async () => (await partitions()).join(' ') === 'main main,extra', 'nodes to be in both');
  }, 240_000);

  it('a partition that is renamed: what waited in it goes to the default one, or says that its own is gone', async () => {
    const running = await submit(['sh', '-c', 'echo up; [ $ORRERY_ATTEMPT = 2 ] || sleep 300'], { maxRequeues: 1 });
    // Calls of sbatch overtake each other: the next one would have the nodes first.
    await until(async () => (await readLog(daemon.client, running)) === 'up\n', 'the job to run');
    const waiting = await submit(['true'], { nodes: 2, exclusive: true });
    const named = await submit(['true'], { partition: 'main', hold: true });
    await until(() => [waiting, named].every(isAtSlurm), 'Slurm to have the others');
    reconfigure((conf) => conf.replace('PartitionName=main ', 'PartitionName=batch '));
    expect(await ended(running)).toMatchObject({ state: 'COMPLETED', attempt: 2 });
    expect(await ended(waiting)).toMatchObject({ state: 'COMPLETED', attempt: 1 });
    await until(async () => (await reason(named)) === 'refused by sbatch', 'sbatch to refuse it');
    expect((await daemon.client.why(named)).detail.join(' ')).toContain('Invalid partition name specified');
    await daemon.client.cancel(named);
  }, 300_000);

  it('a node that is powered down is idle and no outage; a job that it is started for says so', async () => {
    run('scontrol', 'update', 'NodeName=s2', 'State=POWER_DOWN');
    await until(() => run('scontrol', '-o', 'show', 'node', 's2').includes('IDLE+POWERED_DOWN'), 'it to be off');
    const node = async () => (await daemon.client.nodes()).find(({ name }) => name === 's2');
    await until(async () => (await node())?.reason === 'powered down until a job needs it', 'that to be seen');
    expect(await node()).toMatchObject({ state: 'idle', outage: null });
    expect((await daemon.client.node('s2')).history.filter(({ words }) => words.startsWith('down'))).toEqual([]);
    const id = await submit(['true'], { nodes: 2 });
    const said = async () => (await daemon.client.why(id)).detail.join(' ');
    await until(async () => (await said()).includes('begins on s1, s2 once they are up'), 'what it waits for');
    await daemon.client.cancel(id);
    expect(await ended(id)).toMatchObject({ state: 'CANCELLED' });
  }, 300_000);
});
