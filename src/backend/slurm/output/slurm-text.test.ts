import { describe, expect, it } from 'vitest';
import { parseSacct } from './sacct-text.ts';
import { parseNodes, parsePartitions } from './scontrol-text.ts';
import { type CommandEnd, failureOf } from '../slurm-failure.ts';
import { parseSlurmJobName, slurmArrayName, slurmJobName, taskIdOf } from '../batch/job-key.ts';

const GiB = 1024 ** 3;

describe('scontrol --oneliner', () => {
  const node = (fields: string) =>
    `NodeName=dgx-001 Arch=x86_64 CoresPerSocket=64  CPUAlloc=5 CPUEfctv=252 CPUTot=256 CPULoad=2.95 Gres=gpu:a100:8(S:0-1),nic:2 NodeAddr=10.0.0.1 OS=Linux 6.1 #1 SMP  RealMemory=1048576 AllocMem=2048 ThreadsPerCore=2 AvailableFeatures=a100,nvlink ActiveFeatures=a100 Partitions=main,short  BootTime=2026-11-26T15:52:43 AllocTRES=cpu=5,mem=2G,gres/gpu=3,gres/gpu:a100=3 ${fields}`;

  it('tells a node: what it has, what is taken, what is wrong with it', () => {
    const [seen] = parseNodes(`${node('State=MIXED+DRAIN Reason=bad cable, slot=3 [root@2026-11-26T16:00:00]')}\n`);
    expect(seen).toEqual({
      spec: {
        name: 'dgx-001',
        resources: { cpus: 252, memoryBytes: 1024 * GiB, gpus: 8 },
        gpuType: 'a100',
        leaf: null,
      },
      state: 'draining',
      isSilent: false,
      isPoweredDown: false,
      slurmState: 'MIXED+DRAIN',
      reason: 'bad cable, slot=3',
      allocated: { cpus: 5, memoryBytes: 2 * GiB, gpus: 3 },
      partitions: ['main', 'short'],
      features: ['a100', 'nvlink'],
    });
  });

  it('tells the GPUs in use where they are not among the trackable resources', () => {
    const text =
      'NodeName=s2 CPUAlloc=2 CPUTot=2 Gres=gpu:a100:4 GresDrain=N/A GresUsed=gpu:a100:2(IDX:0-1),nic:1 State=ALLOCATED';
    expect(parseNodes(`${text} AllocTRES=cpu=2,mem=256M`)[0]?.allocated.gpus).toBe(2);
    expect(parseNodes(text.replace('2(IDX:0-1)', '0(IDX:N/A)'))[0]?.allocated.gpus).toBe(0);
  });

  it.each([
    ['MIXED', 'mixed', false],
    ['MIXED*', 'mixed', true],
    ['ALLOCATED', 'allocated', false],
    ['MIXED+COMPLETING', 'mixed', false],
    ['DOWN*', 'down', true],
    ['DOWN*+DRAIN', 'down', true],
    ['DOWN+NOT_RESPONDING', 'down', true],
    ['MIXED+NOT_RESPONDING', 'mixed', true],
    ['ALLOCATED+MAINT', 'draining', false],
    ['DOWN+POWERED_DOWN', 'down', false],
    ['MIXED+NOT_RESPONDING+POWERING_UP', 'mixed', true],
    // `scontrol reboot` of a node that still takes jobs, and the same with ASAP.
    ['MIXED+REBOOT_REQUESTED', 'mixed', false],
    ['MIXED+DRAIN+REBOOT_REQUESTED', 'draining', false],
  ])('says %s in our words: %s, and that it does not answer: %s', (slurmState, state, isSilent) => {
    expect(parseNodes(node(`State=${slurmState}`))[0]).toMatchObject({ state, isSilent });
  });

  it('says of a node that is off to save power that it is, so that nothing but a job starts it', () => {
    const of = (state: string) => parseNodes(`NodeName=n1 CPUTot=4 State=${state}`)[0];
    expect(of('IDLE+POWERED_DOWN')).toMatchObject({ isPoweredDown: true, reason: 'powered down until a job needs it' });
    expect(of('IDLE+POWERING_DOWN')).toMatchObject({ isPoweredDown: true, reason: null });
    expect(of('MIXED+POWERING_UP')).toMatchObject({ isPoweredDown: false });
  });

  it('takes an idle node with nothing on it for idle, with DRAIN for drained', () => {
    const idle = (state: string) => `NodeName=n1 CPUTot=4 RealMemory=1000 Gres=(null) State=${state}`;
    expect(parseNodes(idle('IDLE'))[0]).toMatchObject({
      state: 'idle',
      spec: { gpuType: null, resources: { cpus: 4, gpus: 0 } },
    });
    expect(parseNodes(idle('IDLE+DRAIN'))[0]?.state).toBe('drained');
    expect(parseNodes(idle('FUTURE'))).toEqual([]);
    for (const state of ['DOWN+REBOOT_ISSUED', 'DOWN+DRAIN+REBOOT_ISSUED+PLANNED'])
      expect(parseNodes(idle(state))[0]?.state).toBe('drained');
    for (const state of ['IDLE+POWERED_DOWN', 'IDLE+CLOUD+POWERED_DOWN', 'IDLE+POWERING_DOWN'])
      expect(parseNodes(idle(state))[0]?.state).toBe('idle');
    // As every node for a moment after it is resumed.
    expect(parseNodes(idle('IDLE+NOT_RESPONDING'))[0]).toMatchObject({ state: 'idle', reason: 'not responding' });
  });

  it('tells partitions with their limits', () => {
    const text = [
      'PartitionName=main AllowGroups=ALL Default=YES DefaultTime=NONE MaxTime=UNLIMITED Nodes=n[1-2,7] State=UP',
      'PartitionName=short AllowAccounts=vip,ops DenyQos=low AllowQos=ALL Default=NO DefaultTime=00:10:00 MaxTime=1-00:00:00 MaxNodes=4 QoS=capped Nodes=(null) State=DOWN',
    ];
    expect(parsePartitions(text.join('\n'))).toEqual([
      {
        name: 'main',
        isDefault: true,
        isUp: true,
        nodeNames: ['n1', 'n2', 'n7'],
        maxTimeSeconds: null,
        priorityTier: 1,
        defaultTimeSeconds: null,
        maxNodes: null,
        qos: null,
      },
      {
        name: 'short',
        isDefault: false,
        isUp: false,
        nodeNames: [],
        priorityTier: 1,
        maxTimeSeconds: 86_400,
        defaultTimeSeconds: 600,
        maxNodes: 4,
        qos: 'capped',
        allowAccounts: ['vip', 'ops'],
        denyQos: ['low'],
      },
    ]);
  });
});

describe('sacct', () => {
  it('lists the runs of a job, steps left out', () => {
    const text = [
      '12|12|NODE_FAIL|0:0|1795709896|1795709897|1795709957|n[1-2]|a|b.orrery-0a1b2c3d-3-1',
      '12.batch|12.batch|CANCELLED|0:15|1795709897|1795709897|1795709957|n1|batch',
      '12|12|CANCELLED by 0|1:9|1795709957|Unknown|1795709999|None assigned|a|b.orrery-0a1b2c3d-3-1',
      '',
    ];
    expect(parseSacct(text.join('\n'))).toEqual([
      {
        slurmJobId: 12,
        label: '12',
        name: 'a|b.orrery-0a1b2c3d-3-1',
        state: 'NODE_FAIL',
        cancelledBy: null,
        exitStatus: { code: 0, signal: 0 },
        submitMs: 1_795_709_896_000,
        startMs: 1_795_709_897_000,
        endMs: 1_795_709_957_000,
        nodeNames: ['n1', 'n2'],
      },
      expect.objectContaining({
        state: 'CANCELLED',
        cancelledBy: 0,
        exitStatus: { code: 1, signal: 9 },
        startMs: null,
        nodeNames: [],
      }),
    ]);
  });

  it('sacct: tasks that never had a number of their own are as many runs, and none of one that had', () => {
    const lines = ['4|1_5|RUNNING', '1|1_[3-5,9%2]|CANCELLED by 1000', '8|8|CANCELLED'];
    const runs = parseSacct(lines.map((line) => `${line}|0:0|1795709896|None|1795709896|None assigned|x`).join('\n'));
    expect(runs.map(({ label, state, cancelledBy }) => `${label} ${state} ${cancelledBy}`)).toEqual([
      '1_5 RUNNING null',
      '1_3 CANCELLED 1000',
      '1_4 CANCELLED 1000',
      '1_9 CANCELLED 1000',
      '8 CANCELLED null',
    ]);
  });
});

describe('failures of Slurm', () => {
  const end = (fields: Partial<CommandEnd>): CommandEnd => ({
    program: 'sbatch',
    host: null,
    status: 1,
    stderr: '',
    isTimedOut: false,
    isNotFound: false,
    timeoutSeconds: 60,
    ...fields,
  });

  it.each<[string, Partial<CommandEnd>, string, string]>([
    [
      'a dead controller',
      { stderr: 'sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)' },
      'unreachable',
      'sbatch: Batch job submission failed: Unable to contact slurm controller (connect failure): jobs run on and are caught up with once it answers',
    ],
    [
      'commands that find no cluster',
      {
        program: 'scontrol',
        stderr:
          'scontrol: error: resolve_ctls_from_dns_srv: res_nsearch error: Unknown host\nscontrol: fatal: Could not establish a configuration source\n',
      },
      'unreachable',
      'scontrol: Could not establish a configuration source: there is no slurm.conf there: set SLURM_CONF, or name a login node with --slurm-host; jobs run on meanwhile',
    ],
    [
      'a silent one',
      { isTimedOut: true, status: null },
      'unreachable',
      'sbatch: no answer within 60 s: jobs run on and are caught up with once it answers',
    ],
    [
      'a wrong partition',
      {
        stderr:
          'sbatch: error: invalid partition specified: x\nsbatch: error: Batch job submission failed: Invalid partition name specified\n',
      },
      'rejected',
      'sbatch: invalid partition specified: x: Batch job submission failed: Invalid partition name specified',
    ],
    [
      'a full queue',
      {
        stderr:
          "sbatch: error: Batch job submission failed: Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)",
      },
      'limit',
      "sbatch: Batch job submission failed: Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)",
    ],
    [
      'a backup slurmctld that waits',
      { stderr: 'sbatch: error: Batch job submission failed: Slurm backup controller in standby mode' },
      'unreachable',
      'sbatch: Batch job submission failed: Slurm backup controller in standby mode: jobs run on and are caught up with once it answers',
    ],
    [
      'a slurmctld whose disk is full',
      { stderr: 'sbatch: error: Batch job submission failed: I/O error writing script/environment to file' },
      'unreachable',
      'sbatch: Batch job submission failed: I/O error writing script/environment to file: jobs run on and are caught up with once it answers',
    ],
    [
      'a site that takes no jobs at the moment',
      { stderr: 'sbatch: error: Batch job submission failed: System submissions disabled' },
      'limit',
      'sbatch: Batch job submission failed: System submissions disabled',
    ],
    [
      'a slurmctld that is away, by the words that say so',
      {
        program: 'squeue',
        stderr:
          'slurm_load_jobs error: Unable to contact slurm controller (connect failure)\nslurm_load_jobs: Failed while looking for jobs: Unspecified error\n',
      },
      'unreachable',
      'squeue: slurm_load_jobs error: Unable to contact slurm controller (connect failure): jobs run on and are caught up with once it answers',
    ],
    [
      'what a plugin of the site asks for, whatever words it uses',
      {
        stderr:
          'sbatch: error: name a time limit, the connection refused none\nsbatch: error: Job needs it: https://hpc.example\nsbatch: error: Batch job submission failed: Unspecified error\n',
      },
      'rejected',
      'sbatch: name a time limit, the connection refused none; Job needs it: https://hpc.example: Batch job submission failed: Unspecified error',
    ],
    [
      'the last controller that was tried, and not one before it that took no connection: this one may have heard it',
      {
        stderr:
          'sbatch: error: Unable to contact slurm controller (connect failure): Connection refused\nsbatch: error: Batch job submission failed: Socket timed out on send/recv operation\n',
      },
      'unreachable',
      'sbatch: Batch job submission failed: Socket timed out on send/recv operation: jobs run on and are caught up with once it answers',
    ],
    [
      'a slurmctld that goes in the middle of an answer',
      { stderr: 'sbatch: error: Batch job submission failed: Message receive failure\n' },
      'unreachable',
      'sbatch: Batch job submission failed: Message receive failure: jobs run on and are caught up with once it answers',
    ],
    [
      'a full queue, by which limit',
      {
        stderr:
          'sbatch: error: QOSMaxSubmitJobPerUserLimit\nsbatch: error: Batch job submission failed: Job violates accounting/QOS policy (job submit limit)\n',
      },
      'limit',
      'sbatch: QOSMaxSubmitJobPerUserLimit: Batch job submission failed: Job violates accounting/QOS policy (job submit limit)',
    ],
    [
      'a job that a QOS with DenyOnLimit would never start',
      {
        stderr:
          'sbatch: error: QOSMaxGRESPerJob\nsbatch: error: Batch job submission failed: Job violates accounting/QOS policy (job submit limit)\n',
      },
      'rejected',
      'sbatch: QOSMaxGRESPerJob: Batch job submission failed: Job violates accounting/QOS policy (job submit limit)',
    ],
    [
      'no permission',
      { program: 'scontrol', stderr: 'slurm_update error: Invalid user id\n' },
      'permission',
      'scontrol: slurm_update error: Invalid user id',
    ],
    [
      'an old Slurm',
      {
        program: 'squeue',
        stderr: 'squeue: unrecognized option \'--json\'\nTry "squeue --help" for more information\n',
      },
      'oldSlurm',
      'squeue knows no --json: expected Slurm 22.05 or later',
    ],
    [
      'a job that is gone',
      { program: 'scontrol', stderr: 'slurm_load_jobs error: Invalid job id specified\n' },
      'unknownJob',
      'scontrol: slurm_load_jobs error: Invalid job id specified',
    ],
    [
      'no Slurm here',
      { isNotFound: true, status: null },
      'missing',
      'sbatch: not found on the PATH: expected the commands of Slurm there',
    ],
    [
      'no Slurm there',
      { host: 'login1', status: 127, stderr: 'bash: line 1: sbatch: command not found' },
      'missing',
      'sbatch: not found on login1: expected the commands of Slurm there',
    ],
    [
      'a login node that is cut off',
      { host: 'login1', status: 255, stderr: 'Timeout, server 10.1.2.3 not responding.\r\n' },
      'unreachable',
      'sbatch on login1: Timeout, server 10.1.2.3 not responding.: jobs run on and are caught up with once it answers',
    ],
    [
      'an expired key',
      { host: 'login1', status: 255, stderr: 'me@login1: Permission denied (publickey).\r\n' },
      'login',
      'sbatch on login1: me@login1: Permission denied (publickey).: renew the key or the agent and try ssh by hand; jobs run on meanwhile',
    ],
  ])('%s', (_what, fields, kind, message) => {
    expect(failureOf(end(fields))).toMatchObject({ kind, message });
  });
});

describe('names and words', () => {
  it("finds the key of a job in its name again, and no other home's", () => {
    const name = slurmJobName('my "job", a|b', '0a1b2c3d', { jobId: 12, submission: 3 });
    expect(name).toBe('my__job___a_b.orrery-0a1b2c3d-12-3');
    expect(parseSlurmJobName(name, '0a1b2c3d', null)).toEqual({ jobId: 12, submission: 3 });
    expect(parseSlurmJobName(name, 'ffffffff', null)).toBeNull();
    expect(parseSlurmJobName('train', '0a1b2c3d', null)).toBeNull();
  });

  it('finds the job of a task by the name of its array and its place there', () => {
    const key = { first: 40, min: 10, step: 5 };
    const name = slurmArrayName('sweep', '0a1b2c3d', key, 2);
    expect(name).toBe('sweep.orrery-0a1b2c3d-40+10x5-2');
    for (const jobId of [40, 41, 47]) {
      expect(parseSlurmJobName(name, '0a1b2c3d', taskIdOf(key, jobId))).toEqual({ jobId, submission: 2 });
    }
    for (const taskId of [null, 5, 12]) expect(parseSlurmJobName(name, '0a1b2c3d', taskId)).toBeNull();
  });
});
