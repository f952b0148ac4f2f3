import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobSpecInput } from '../src/contract/job.ts';
import { parseExposition } from '../src/daemon/measurements/exposition.test-support.ts';
import { makeHome, type RunningDaemon, sleep, until } from './support/daemon.ts';
import { orrery } from './support/orrery-command.ts';
import { ensureSlurmAccounting, type SlurmCluster, startSlurm } from './support/slurm-cluster.ts';
import { endSlurmDaemon, QUICK_LINES, researchAccount, startSlurmDaemon } from './support/slurm-daemon.ts';

const isThere = ensureSlurmAccounting();
let home = '';
let slurm: SlurmCluster;
let daemon: RunningDaemon;
beforeAll(async () => {
  if (!isThere) return;
  home = makeHome();
  slurm = await startSlurm({
    nodes: 2,
    cpusPerNode: 2,
    gpusPerNode: 4,
    confLines: [
      ...QUICK_LINES,
      'PriorityType=priority/multifactor',
      'PriorityWeightFairshare=1000',
      'PriorityWeightQOS=500',
      'PartitionName=main Nodes=s1 Default=YES MaxTime=INFINITE State=UP',
      'PartitionName=spare Nodes=s2 MaxTime=INFINITE State=UP',
    ],
    accounting: [
      ...researchAccount('root'),
      ['add', 'qos', 'narrow'],
      ['modify', 'qos', 'narrow', 'set', 'MaxJobsPerUser=1'],
      ['modify', 'user', 'root', 'set', 'qos+=narrow'],
    ],
  });
  daemon = await startSlurmDaemon(home, slurm);
}, 120_000);
afterAll(() => endSlurmDaemon(home, slurm, daemon));

const runs = (jobId: number) => async () => (await daemon.client.job(jobId)).state === 'RUNNING';

// First, while no job of the past says how long others run.
describe.skipIf(!isThere)('when a job on Slurm will start', () => {
  it('is told from the jobs of everybody there, and so is what would make it start sooner', async () => {
    // Somebody else's, of which the daemon knows nothing.
    const ask = (program: string, ...args: string[]) => {
      return execFileSync(program, args, { env: slurm.env, encoding: 'utf8' }).trim();
    };
    const job = ['--parsable', '--exclusive', '--time=20', '--output=/dev/null', '--wrap=sleep 1200'];
    const other = ask('sbatch', ...job);
    await until(() => ask('squeue', '-h', '-j', other, '-o', '%T') === 'RUNNING', 'the other job to run');
    const { jobs } = await daemon.client.submit({
      jobs: [{ command: ['sleep', '60'], exclusive: true, time: '10m' }],
      environment: {},
    });
    const jobId = jobs[0]?.id ?? 0;
    await until(async () => (await daemon.client.job(jobId)).reason === 'Resources', 'the job to wait');
    const forecast = await daemon.client.forecast(jobId);
    // Nothing has ended here yet: by the time limit of what runs.
    expect((forecast.medianTime ?? 0) - Date.now() / 1000).toBeGreaterThan(15 * 60);
    expect((forecast.medianTime ?? 0) - Date.now() / 1000).toBeLessThan(21 * 60);
    expect(forecast.sooner).toMatchObject([{ flag: '--partition', value: 'spare' }]);
    expect((forecast.sooner[0]?.medianTime ?? 0) - Date.now() / 1000).toBeLessThan(60);
    await daemon.client.cancel(jobId);
    const again = await daemon.client.submit({
      jobs: [{ command: ['sleep', '60'], exclusive: true, time: '10m', partition: 'spare' }],
      environment: {},
    });
    await until(runs(again.jobs[0]?.id ?? 0), 'the job to run where it was said to start sooner', 60_000);
    expect(await daemon.client.forecast(again.jobs[0]?.id ?? 0)).toMatchObject({ medianTime: null, sooner: [] });
    await daemon.client.cancel(again.jobs[0]?.id ?? 0);
  }, 180_000);
});

describe.skipIf(!isThere)('why a job waits on Slurm', () => {
  const waitsFor = (jobId: number, reason: string) =>
    until(async () => (await daemon.client.job(jobId)).reason === reason, `job ${jobId} to wait for ${reason}`, 60_000);
  const submit = async (job: JobSpecInput) => {
    const { jobs } = await daemon.client.submit({ jobs: [job], environment: {} });
    return jobs[0]?.id ?? 0;
  };

  it('is told with what is ahead, whoever it is of, and with what runs', async () => {
    const others = execFileSync(
      'sbatch',
      ['--parsable', '--exclusive', '--time=5', '--output=/dev/null', '--wrap=true'],
      { env: slurm.env, encoding: 'utf8' },
    ).trim();
    const jobId = await submit({ command: ['true'], exclusive: true, time: '10m' });
    await waitsFor(jobId, 'Priority');
    const { detail } = await daemon.client.why(jobId);
    expect(detail).toContain(`Ahead of it: 1 job for 1 node: ${others} (root, 1 node).`);
    expect(detail.join(' ')).toMatch(/1 job runs there, on 1 node; the first of their time limits is in 00:1\d:\d\d\./);
    await daemon.client.cancel(jobId);
    execFileSync('scancel', ['--partition=main'], { env: slurm.env });
  }, 180_000);

  it('is told with the limit that holds it', async () => {
    const job = { command: ['sleep', '300'], partition: 'spare', qos: 'narrow', cpus: 1, memory: '10M' };
    const first = await submit(job);
    await until(runs(first), 'the first job to run', 60_000);
    const second = await submit(job);
    await waitsFor(second, 'QOSMaxJobsPerUserLimit');
    const { detail } = await daemon.client.why(second);
    expect(detail[0]).toMatch(/^QOS narrow lets one user run 1 job at a time \(MaxJobsPU=1\): \S+ runs 1\.$/);
    expect(detail[1]).toMatch(/^It is in use by \d+ \(.*\)\.$/);
    expect(detail[2]).toBe('It starts when one of them has ended.');
    expect(detail.join(' ')).not.toContain('Ahead of it');
    for (const id of [first, second]) await daemon.client.cancel(id);
  }, 180_000);
});

describe.skipIf(!isThere)('the GPUs that Slurm gives a job', () => {
  it.each([
    [4, 2, ['0,1', '2,3']],
    [2, 2, ['0', '1']],
    [1, 2, ['0', '0']],
  ])(
    '%i are dealt to %i ranks',
    async (gpusPerNode, tasksPerNode, dealt) => {
      const words = ['run', '--no-snapshot', '--follow', '--mem', '16M', '--gpus-per-node', `a100:${gpusPerNode}`];
      const script = 'echo "$CUDA_VISIBLE_DEVICES of $SLURM_STEP_GPUS"';
      const { stdout } = await orrery([...words, '--ntasks-per-node', `${tasksPerNode}`, '--', 'sh', '-c', script], {
        home,
        cwd: home,
      });
      const all = Array.from({ length: gpusPerNode }, (_, index) => index).join(',');
      const lines = stdout.trim().split('\n').toSorted();
      expect(lines).toEqual(dealt.map((gpus, rank) => `${rank}: ${gpus} of ${all}`));
    },
    180_000,
  );
});

describe.skipIf(!isThere)('what Slurm has of a job', () => {
  it('is shown: the partition it went to by default, and the number it is found under, also once it has ended', async () => {
    const nodes = await daemon.client.nodes();
    expect(nodes.map(({ name, partitions }) => [name, partitions])).toEqual([
      ['s1', ['main']],
      ['s2', ['spare']],
    ]);
    const submit = async (partition?: string) => {
      const job = { command: ['true'], memory: '16M', ...(partition !== undefined && { partition }) };
      const { jobs } = await daemon.client.submit({ jobs: [job], environment: {} });
      return jobs[0]?.id ?? 0;
    };
    for (const [jobId, partition] of [
      [await submit(), 'main'],
      [await submit('spare'), 'spare'],
    ] as const) {
      await until(async () => (await daemon.client.job(jobId)).state === 'COMPLETED', 'the job to end', 60_000);
      const job = await daemon.client.job(jobId);
      expect(job.partition).toBe(partition);
      const text = execFileSync('squeue', ['-h', '-t', 'all', '-j', String(job.slurmJobId), '-o', '%j|%P'], {
        env: slurm.env,
        encoding: 'utf8',
      });
      expect(text).toMatch(new RegExp(`^true\\.orrery-[0-9a-f]+-${jobId}-1\\|${partition}\\n$`));
      const shown = await orrery(['job', 'show', String(jobId)], { home });
      expect(shown.stdout).toMatch(new RegExp(`QOS, partition: normal, ${partition}\\n`));
      expect(shown.stdout).toMatch(new RegExp(`Slurm job: +${job.slurmJobId}\\n`));
    }
  }, 180_000);
});

describe.skipIf(!isThere)('a node of Slurm', () => {
  it('is back at work as soon as it is resumed, and is in no event taken for one that failed', async () => {
    const inSlurm = () => execFileSync('sinfo', ['-h', '-n', 's2', '-o', '%T'], { env: slurm.env, encoding: 'utf8' });
    await until(() => inSlurm() === 'idle\n', 'what ran there before to be gone');
    await daemon.client.drainNode('s2', 'new fan');
    const { state } = await daemon.client.resumeNode('s2');
    expect(state).toBe('idle');
    await until(async () => (await daemon.client.nodes())[1]?.reason === null, 'the node to respond', 60_000);
    const { nodes } = await daemon.client.lemons();
    const again = await orrery(['nodes', 'resume', 's2'], { home });
    expect(again).toMatchObject({ code: 0, stdout: 'Node s2 is in service already: it is idle\n' });
    // The drain is one; a failure would be another.
    const { evidence } = nodes.find(({ name }) => name === 's2') ?? { evidence: [] };
    expect(Math.max(...evidence.map(({ value }) => value))).toBe(1);
  }, 180_000);
});

describe.skipIf(!isThere)('who comes first on Slurm', () => {
  it('is told as Slurm has it: the parts of the priorities, and the shares', async () => {
    const job = { command: ['sleep', '60'], exclusive: true, time: '10m' };
    const submit = async (...specs: JobSpecInput[]) => {
      const { jobs } = await daemon.client.submit({ jobs: specs, environment: {} });
      return jobs.map(({ id }) => id);
    };
    const [first = 0] = await submit(job);
    await until(runs(first), 'the first job to run', 60_000);
    const pending = await submit(job, { ...job, nice: 100 });
    await until(async () => (await daemon.client.priorities()).length === 2, 'two jobs to wait', 60_000);
    const priorities = await daemon.client.priorities();
    expect(priorities.map(({ id }) => id)).toEqual(pending);
    expect(priorities.map(({ own }) => own)).toEqual([0, -100]);
    for (const { id, account, priority, fairshare, own } of priorities) {
      const { slurmJobId } = await daemon.client.job(id);
      const args = ['-h', '-j', String(slurmJobId), '-o', '%Q'];
      expect(priority).toBe(Number(execFileSync('squeue', args, { env: slurm.env, encoding: 'utf8' })));
      expect(account).toBe('research');
      expect(priority).toBe(fairshare + own);
    }
    const shares = await daemon.client.shares();
    expect(shares.find((share) => share.account === 'research')).toMatchObject({ user: 'root', share: 0.5 });
    expect((await orrery(['queue', '--priority'], { home })).stdout).toMatch(/JOBID +USER +ACCOUNT +PRIORITY/);
    expect((await orrery(['accounting', '--shares'], { home })).stdout).toMatch(/research +root +0\.500/);
    for (const id of [first, ...pending]) await daemon.client.cancel(id);
    await until(async () => (await daemon.client.jobs({})).length === 0, 'the jobs to end', 60_000);
  }, 180_000);
});

describe.skipIf(!isThere)('what Prometheus is told of a Slurm', () => {
  it('are its partitions and GPUs, and how long its commands take', async () => {
    const read = async () => {
      const answer = await fetch(`${daemon.url}/metrics`, { headers: { authorization: `Bearer ${daemon.token}` } });
      return parseExposition(await answer.text());
    };
    const value = async (name: string, labels: Record<string, string>) => {
      const family = (await read()).get(name.replace(/_count$/, '')) ?? (await read()).get(name);
      return family?.samples.find((sample) => {
        return sample.name === name && Object.entries(labels).every(([key, text]) => sample.labels[key] === text);
      })?.value;
    };
    const noneIsLeft = () => until(async () => (await daemon.client.jobs({})).length === 0, 'the jobs to end', 60_000);
    for (const { id } of await daemon.client.jobs({})) await daemon.client.cancel(id);
    await noneIsLeft();
    execFileSync('scancel', ['--user=root'], { env: slurm.env });
    const isIdle = async () => (await daemon.client.nodes()).every(({ state }) => state === 'idle');
    await until(isIdle, 'the nodes to be idle', 60_000);
    const cancelled = () => value('orrery_attempts_ended_total', { state: 'CANCELLED' });
    const before = (await cancelled()) ?? 0;
    const { jobs } = await daemon.client.submit({
      jobs: [{ command: ['sleep', '60'], gpusPerNode: 2, gpuType: 'a100', partition: 'spare', time: '5m' }],
      environment: {},
    });
    const jobId = jobs[0]?.id ?? 0;
    await until(runs(jobId), 'the job to run', 60_000);
    await daemon.client.drainNode('s1', 'x'.repeat(100));
    await until(async () => (await daemon.client.nodes())[0]?.state === 'drained', 'the node to be drained');
    expect(await value('orrery_partition_jobs', { partition: 'spare', state: 'RUNNING' })).toBe(1);
    expect(await value('orrery_account_job_gpus', { account: 'research', state: 'RUNNING' })).toBe(2);
    expect(await value('orrery_partition_nodes', { partition: 'main', state: 'drained' })).toBe(1);
    expect(await value('orrery_node_out', { node: 's1', cause: 'other' })).toBe(1);
    await until(async () => (await value('orrery_gpus', { type: 'a100', use: 'allocated' })) === 2, 'the GPUs', 60_000);
    expect(await value('orrery_gpus', { type: 'a100', use: 'out' })).toBe(4);
    expect(await value('orrery_queue_wait_seconds_count', { partition: 'spare' })).toBeGreaterThan(0);
    expect(await value('orrery_slurm_command_seconds_count', { program: 'squeue' })).toBeGreaterThan(0);
    expect(await value('orrery_slurm_look_seconds_count', {})).toBeGreaterThan(0);
    expect(await value('orrery_scheduling_cycle_seconds_count', {})).toBe(0);
    await daemon.client.resumeNode('s1');
    await daemon.client.cancel(jobId);
    await noneIsLeft();
    expect(await cancelled()).toBe(before + 1);
  }, 180_000);
});

describe.skipIf(!isThere)('a daemon that starts while slurmctld is away', () => {
  it('takes jobs all the same and submits them once it is back', async () => {
    for (const { id } of await daemon.client.jobs()) await daemon.client.cancel(id);
    await until(async () => (await daemon.client.jobs()).length === 0, 'the jobs before to end');
    // What slurmctld knows is on disk after five seconds; killed before that it would take those jobs for running.
    await sleep(7_000);
    daemon.process.kill('SIGKILL');
    await daemon.exited;
    await slurm.killController();
    daemon = await startSlurmDaemon(home, slurm);
    const { jobs } = await daemon.client.submit({ jobs: [{ command: ['true'], partition: 'spare' }], environment: {} });
    const jobId = jobs[0]?.id ?? 0;
    const { detail } = await daemon.client.why(jobId);
    expect(detail.join(' ')).toMatch(/Slurm/);
    slurm.startController();
    await until(async () => (await daemon.client.job(jobId)).state === 'COMPLETED', 'the job to complete', 150_000);
  }, 300_000);
});
