import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobSpecInput } from '../src/contract/job.ts';
import { makeHome, type RunningDaemon, sleep, until } from './support/daemon.ts';
import { endOf, haveEnded, readLog } from './support/jobs.ts';
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
    nodes: 3,
    cpusPerNode: 16,
    gpusPerNode: 4,
    credentialSeconds: 5,
    confLines: [
      ...QUICK_LINES,
      'Licenses=matlab:4',
      // Slurm's own way to end what takes more memory than it may, without control groups.
      'JobAcctGatherType=jobacct_gather/linux',
      'JobAcctGatherFrequency=1',
      'JobAcctGatherParams=OverMemoryKill',
      'PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP',
      'PartitionName=gpu Nodes=s[1-2] DefCpuPerGPU=4 DefMemPerGPU=64 State=UP',
    ],
    accounting: [
      ...researchAccount('root', 'daemon'),
      ['add', 'qos', 'tight'],
      ['modify', 'qos', 'tight', 'set', 'MaxSubmitJobsPU=1'],
      ['modify', 'account', 'research', 'set', 'qos+=tight'],
    ],
  });
  daemon = await startSlurmDaemon(home, slurm);
}, 180_000);
afterAll(() => endSlurmDaemon(home, slurm, daemon));

const submit = async (job: JobSpecInput) => {
  const { jobs } = await daemon.client.submit({ jobs: [job], environment: { PATH: '/usr/bin:/bin' } });
  return jobs[0]?.id ?? 0;
};
const ended = (id: number) => endOf(daemon.client, id);

describe.skipIf(!isThere)('a job that names two partitions', () => {
  it('waits in both, and runs in the one that has room for it', async () => {
    const id = await submit({ command: ['true'], nodes: 3, memory: '64M', partition: 'gpu,main', hold: true });
    const partition = async () => (await daemon.client.job(id)).partition;
    expect(await partition()).toBe('gpu,main');
    await daemon.client.release(id);
    expect(await ended(id)).toMatchObject({ state: 'COMPLETED' });
    expect(await partition()).toBe('main');
  });
});

const refusal = (job: JobSpecInput) =>
  submit({ command: ['true'], memory: '64M', ...job }).then(
    () => null,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );

describe.skipIf(!isThere)('a job that leaves its CPUs to Slurm', () => {
  it.each<[string, JobSpecInput, string]>([
    ["has its partition's for each GPU", { partition: 'gpu', gpusPerNode: 2 }, '8: 4 4'],
    ['shares them among fewer ranks', { partition: 'gpu', gpusPerNode: 2, tasksPerNode: 1 }, '8: 8'],
    ['has those it names where it does', { partition: 'gpu', gpusPerNode: 2, cpus: 1 }, '2: 1 1'],
    ['has one for each rank elsewhere', { gpusPerNode: 2, memory: '64M' }, '2: 1 1'],
    ['has all of a node that is its own', { exclusive: true, tasksPerNode: 3, memory: '64M' }, '16: 5 5 5'],
  ])('%s', async (_what, spec, expected) => {
    const id = await submit({ command: ['sh', '-c', 'echo "$SLURM_JOB_CPUS_PER_NODE $OMP_NUM_THREADS"'], ...spec });
    expect(await ended(id)).toMatchObject({ state: 'COMPLETED' });
    const lines = (await readLog(daemon.client, id)).trim().split('\n');
    const [given = ''] = (lines[0] ?? '').split(' ');
    expect(`${given}: ${lines.map((line) => line.split(' ')[1]).join(' ')}`).toBe(expected);
  });
});

describe.skipIf(!isThere)('a QOS that takes no more jobs', () => {
  it('keeps back its own jobs and no others, and takes the next when one has ended', async () => {
    const sleeper = { command: ['sleep', '600'], memory: '64M', qos: 'tight' };
    const ids: number[] = [];
    // More than are handed to Slurm at once.
    for (let index = 0; index < 6; index += 1) ids.push(await submit(sleeper));
    const shown = () => Promise.all(ids.map((id) => daemon.client.job(id)));
    // Several are handed over at once: whichever Slurm takes.
    const running = async () => (await shown()).filter(({ state }) => state === 'RUNNING').map(({ id }) => id);
    await until(async () => (await running()).length === 1, 'one to run');
    const [first = 0] = await running();
    const isRefused = async () => (await shown()).some(({ reason }) => reason === 'QOSMaxSubmitJobPerUserLimit');
    await until(isRefused, 'Slurm to refuse');
    expect(await ended(await submit({ command: ['true'], memory: '64M' }))).toMatchObject({ state: 'COMPLETED' });
    const last = ids.findLast((id) => id !== first) ?? 0;
    const said = async () => (await daemon.client.why(last)).detail;
    await expect
      .poll(said, { timeout: 60_000, interval: 200 })
      .toEqual([
        'QOS tight lets one user have 1 job waiting or running (MaxSubmitPU=1): root has 1.',
        'It is taken when one of them has ended.',
        'It is not with Slurm yet, and goes there then.',
      ]);
    await daemon.client.cancel(first);
    await until(async () => (await running()).some((id) => id !== first), 'the next to run', 120_000);
    // Those that wait first: else they would follow.
    for (const id of ids.filter((other) => other !== first).toReversed()) await daemon.client.cancel(id);
    await until(() => haveEnded(daemon.client, ids), 'all to end');
  }, 300_000);
});

describe.skipIf(!isThere)('what a job asks for besides', () => {
  const shown = async (job: JobSpecInput) => {
    const id = await submit({ command: ['true'], ...job });
    const { state, slurmJobId } = await ended(id);
    expect(state).toBe('COMPLETED');
    const words = ['--oneliner', 'show', 'job', slurmJobId ?? ''];
    return execFileSync('scontrol', words, { env: slurm.env, encoding: 'utf8' });
  };

  it.each<[JobSpecInput, RegExp]>([
    [{ memoryPerCpu: '32M', cpus: 2, tasksPerNode: 2 }, /TRES=cpu=4,mem=128M,/],
    [{ memoryPerGpu: '48M', gpusPerNode: 2 }, /TRES=cpu=2,mem=96M,/],
    [{ memory: '0' }, / MinMemoryNode=0 /],
    [{ memory: '32M', licenses: 'matlab:2' }, / Licenses=matlab:2 /],
    [{ memory: '32M', switches: '1@01:00' }, / Switches=1@00:01:00 /],
    [{ memory: '32M', comment: 'mine, not yours' }, / Comment=mine, not yours /],
  ])('%j is what Slurm has of it', async (job, words) => {
    expect(await shown(job)).toMatch(words);
  });
});

describe.skipIf(!isThere)('a batch script', () => {
  it('runs once, and its own srun starts the ranks with its environment', async () => {
    const script = [
      '#!/bin/bash',
      'echo "$(scontrol show hostnames "$SLURM_JOB_NODELIST" | wc -l) $SLURM_NTASKS $SLURM_JOB_NAME [$RANK] $*"',
      'export SEED=7',
      'srun bash -c \'echo "$SLURM_PROCID/$SLURM_NTASKS $SEED $CUDA_VISIBLE_DEVICES"\' | sort',
      'exit 5',
    ].join('\n');
    const fields = { name: 'train', script, scriptArguments: ['a b'], once: true, memory: '64M' };
    const id = await submit({ ...fields, nodes: 2, gpusPerNode: 2, tasksPerNode: 2 });
    expect(await ended(id)).toMatchObject({ state: 'FAILED', exitCode: 5, attempt: 1 });
    const ranks = [0, 1, 2, 3].map((rank) => `${rank}/4 7 0,1\n`);
    expect(await readLog(daemon.client, id)).toBe(`2 4 train [] a b\n${ranks.join('')}`);
  });

  it('that puts its job back in the queue is the same job with the next attempt', async () => {
    const script =
      '#!/bin/sh\n[ "$ORRERY_ATTEMPT" = 2 ] || { scontrol requeue "$SLURM_JOB_ID"; exit 0; }\necho again\n';
    const id = await submit({ script, once: true, memory: '64M' });
    expect(await ended(id)).toMatchObject({ state: 'COMPLETED', attempt: 2 });
    expect(await readLog(daemon.client, id)).toContain('again\n');
  }, 240_000);
});

describe.skipIf(!isThere)('where a job runs', () => {
  it('has the features that it names', async () => {
    const words = ['update', 'NodeName=s2', 'AvailableFeatures=a100,nvlink', 'ActiveFeatures=a100,nvlink'];
    execFileSync('scontrol', words, { env: slurm.env });
    // The daemon looks at nodes four times a minute.
    await until(async () => (await refusal({ constraint: 'nvlink' })) === null, 'the feature to be known', 60_000);
    for (const constraint of ['a100', 'a100&nvlink']) {
      const id = await submit({ command: ['true'], memory: '64M', constraint });
      const job = await ended(id);
      expect(job).toMatchObject({ state: 'COMPLETED', nodeList: ['s2'] });
    }
    expect(await refusal({ constraint: 'h100' })).toBe(
      'constraint: no node of partition main has "h100": expected one of a100, nvlink',
    );
  });

  it('is on the nodes that it names', async () => {
    const id = await submit({ command: ['true'], memory: '64M', nodes: 2, nodelist: ['s3'] });
    const job = await ended(id);
    expect(job.state).toBe('COMPLETED');
    expect(job.nodeList).toHaveLength(2);
    expect(job.nodeList).toContain('s3');
    expect(await refusal({ nodelist: ['s9'] })).toBe('nodelist: no node "s9": expected some of s1, s2, s3');
    expect(await refusal({ nodelist: ['s3'], partition: 'gpu' })).toBe(
      'nodelist: s3 is not in partition gpu: expected some of s1, s2',
    );
  });
});

describe.skipIf(!isThere)("Slurm's reservations", () => {
  it('are listed, and a job that names one is looked at when it is submitted', async () => {
    const scontrol = (...words: string[]) => execFileSync('scontrol', words, { env: slurm.env });
    expect(await refusal({ reservation: 'course' })).toBe('reservation: no "course": there is none');
    expect((await orrery(['reservations'], { home })).stdout).toBe(
      'No reservations. An operator makes one: scontrol create reservation\n',
    );
    const common = ['StartTime=now', 'Duration=60'];
    scontrol('create', 'reservation', 'ReservationName=course', 'Nodes=s3', 'Users=root', 'Flags=FLEX', ...common);
    scontrol('create', 'reservation', 'ReservationName=others', 'Nodes=s[1-2]', 'Users=daemon', ...common);
    expect(await daemon.client.reservations()).toMatchObject([
      { name: 'course', nodes: ['s3'], users: ['root'], state: 'active', flags: ['FLEX', 'SPEC_NODES'] },
      { name: 'others', nodes: ['s1', 's2'], users: ['daemon'] },
    ]);
    expect((await orrery(['reservations'], { home })).stdout).toMatch(
      /^course +active .* s3 +users root +FLEX,SPEC_NODES *$/m,
    );
    expect(await refusal({ reservation: 'others' })).toBe(
      'reservation: others is for users daemon: root may not run there',
    );
    const id = await submit({ command: ['true'], memory: '64M', reservation: 'course' });
    expect(await ended(id)).toMatchObject({ state: 'COMPLETED', nodeList: ['s3'] });
    scontrol('delete', 'ReservationName=course');
    scontrol('delete', 'ReservationName=others');
  });
});

describe.skipIf(!isThere)('a job that takes more memory than it may', () => {
  // Rank 1 has ten times as much as is asked for, and keeps it.
  const program = '$kept = "x" x (($ENV{RANK} == 1 ? 640 : 1) << 20); sleep 60';
  it.each([
    ['on the node of its script', 1, 2],
    ['on another node', 2, 1],
  ])(
    'is told from one that failed: %s',
    async (_where, nodes, tasksPerNode) => {
      const id = await submit({ command: ['perl', '-e', program], memory: '64M', nodes, tasksPerNode });
      const job = await ended(id);
      expect(job).toMatchObject({ state: 'OUT_OF_MEMORY', exitCode: 137, attempt: 1 });
      expect(job.attempts[0]?.message).toMatch(
        /^ran out of memory: used \d+(?:\.\d)?M of the 64M that it may use on a node$/,
      );
    },
    180_000,
  );

  it('is not one that only says so', async () => {
    const words = 'slurmstepd of mine: error: Detected 1 oom_kill event in StepId=1.0';
    const id = await submit({ command: ['sh', '-c', `echo "${words}" >&2; exit 3`], memory: '64M' });
    expect(await ended(id)).toMatchObject({ state: 'FAILED', exitCode: 3 });
  }, 180_000);
});

describe.skipIf(!isThere)('a job that Slurm suspends', () => {
  it('is shown as one, is not taken for one that hangs, and goes on once it is resumed', async () => {
    const script = '#!/bin/sh\nfor i in 1 2 3 4 5 6 7 8 9 10; do echo "$i"; sleep 1.5; done\n';
    // It begins to count as soon as Slurm has the job run, which is before its rank does.
    const id = await submit({ script, memory: '64M', hangAfter: '10s' });
    const reads = async (text: string) => (await readLog(daemon.client, id)).includes(text);
    await until(() => reads('2'), 'the job to run', 60_000);
    const { slurmJobId } = await daemon.client.job(id);
    execFileSync('scontrol', ['suspend', slurmJobId ?? ''], { env: slurm.env });
    const isShown = async () => (await daemon.client.job(id)).reason === 'Suspended';
    await until(isShown, 'the job to be shown as suspended', 60_000);
    expect((await orrery(['queue'], { home })).stdout).toMatch(/ RUNNING +Suspended +1 +s\d /);
    expect((await daemon.client.why(id)).detail[0]).toMatch(
      /^Slurm job \d+ is suspended, .* until Slurm resumes it\.$/,
    );
    await expect(daemon.client.requeue(id)).rejects.toThrow(`job ${id} is suspended`);
    await expect(daemon.client.signal(id, 'USR1')).rejects.toThrow(`job ${id} is suspended`);
    // For longer than it may be silent.
    await sleep(13_000);
    expect(await isShown()).toBe(true);
    execFileSync('scontrol', ['resume', slurmJobId ?? ''], { env: slurm.env });
    const job = await ended(id);
    expect(job).toMatchObject({ state: 'COMPLETED', attempt: 1, requeues: 0 });
    expect(await readLog(daemon.client, id)).toBe('1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n');
  }, 240_000);

  it('is cancelled all the same', async () => {
    const id = await submit({ command: ['sh', '-c', 'echo up; exec sleep 600'], memory: '64M' });
    await until(async () => (await readLog(daemon.client, id)).includes('up'), 'the job to run', 60_000);
    const { slurmJobId } = await daemon.client.job(id);
    execFileSync('scontrol', ['suspend', slurmJobId ?? ''], { env: slurm.env });
    await daemon.client.cancel(id);
    expect(await ended(id)).toMatchObject({ state: 'CANCELLED', attempt: 1 });
  }, 240_000);
});
