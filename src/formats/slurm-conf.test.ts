import { describe, expect, it } from 'vitest';
import { completePolicy } from '../scheduler/policy.ts';
import { defaultAskOf } from './slurm-default-ask.ts';
import { errorOf, ignoredOf, NODES, parse } from './slurm-conf.test-support.ts';
import { SLURM_CADENCE } from './slurm-times.ts';

const MEBI = 1024 ** 2;

const SITE = `
# The superpod
ClusterName=pod GresTypes=gpu   AccountingStorageType=accounting_storage/slurmdbd
SchedulerType=sched/backfill
schedulerparameters=bf_interval=60,bf_window=10080,\\
bf_resolution=300,bf_max_job_test=2000,bf_continue,default_queue_depth=1000
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory,CR_LLN
PriorityType=priority/multifactor
PriorityWeightAge=1000 PriorityWeightFairshare=100000   # both on one line
PriorityWeightJobSize=500
PriorityWeightQOS=1000000
PriorityMaxAge=14-0
PriorityDecayHalfLife=2-12:00:00
PriorityCalcPeriod=1
PriorityFavorSmall=NO
PriorityFlags=NO_FAIR_TREE,CALCULATE_RUNNING
PreemptType=preempt/qos
PreemptMode=REQUEUE
PreemptExemptTime=2:00:00
PreemptParameters=youngest_first
KillWait=60
JobRequeue=0
NodeName=DEFAULT Sockets=2 CoresPerSocket=64 ThreadsPerCore=2 RealMemory=2000000 State=UNKNOWN
NodeName=dgx[001-003,007] Gres=gpu:a100:8(S:0-1),nic:2 NodeAddr=10.0.0.[1-4] Features=dgx,big
NodeName=cpu1 Sockets=1 CoresPerSocket=16 CPUs=32 RealMemory=64000
NodeName=old[1-2] State=DOWN
PartitionName=DEFAULT MaxTime=7-0 State=UP
PartitionName=learn Nodes=dgx[001-003,007] Default=YES PriorityTier=2 PriorityJobFactor=10 DefaultTime=01:00:00
PartitionName=any Nodes=ALL MaxTime=UNLIMITED AllowAccounts=vision OverSubscribe=EXCLUSIVE
`;

describe('what a job asks for that does not say', () => {
  const asks = (...lines: string[]) =>
    defaultAskOf(parse(['NodeName=a CPUs=64', ...lines].join('\n')).rules.defaults)(4);

  it('is a CPU and all of the memory, unless the file has defaults', () => {
    expect(asks()).toEqual({ cpus: 1, memoryBytes: null });
    expect(asks('DefMemPerNode=100')).toEqual({ cpus: 1, memoryBytes: 100 * 1024 ** 2 });
    expect(asks('DefCpuPerGPU=8', 'DefMemPerCPU=10')).toEqual({ cpus: 32, memoryBytes: 320 * 1024 ** 2 });
    expect(asks('DefMemPerGPU=7')).toEqual({ cpus: 1, memoryBytes: 28 * 1024 ** 2 });
  });
});

describe('a slurm.conf', () => {
  it('gives nodes: defaults, host lists, CPUs from their parts, memory and GPUs', () => {
    const { nodes, clusterName } = parse(SITE);
    expect(clusterName).toBe('pod');
    expect(nodes.map(({ name }) => name)).toEqual(['dgx001', 'dgx002', 'dgx003', 'dgx007', 'cpu1']);
    const large = { cpus: 256, memoryBytes: 2_000_000 * MEBI, gpus: 8 };
    expect(nodes[3]).toEqual({ name: 'dgx007', resources: large, gpuType: 'a100', leaf: null });
    expect(nodes[4]).toEqual({
      name: 'cpu1',
      resources: { cpus: 32, memoryBytes: 64_000 * MEBI, gpus: 0 },
      gpuType: null,
      leaf: null,
    });
  });

  it('gives the policy in the same words', () => {
    const conf = parse(SITE);
    expect(conf.policy).toEqual({
      schedulerType: 'backfill',
      backfillType: 'conservative',
      killWaitSeconds: 60,
      defaultQueueDepth: 1000,
      bfIntervalSeconds: 60,
      bfResolutionSeconds: 300,
      bfMaxJobTest: 2000,
      bfWindowSeconds: 604_800,
      priority: {
        type: 'multifactor',
        weights: { age: 1000, fairshare: 100_000, jobSize: 500, partition: 0, qos: 1_000_000 },
        maxAgeSeconds: 1_209_600,
        decayHalfLifeSeconds: 216_000,
        calcPeriodSeconds: 60,
        isSmallFavored: false,
        fairshareAlgorithm: 'classic',
        billingWeights: { cpu: 1, gpu: 0 },
      },
      cadence: { ...SLURM_CADENCE, bfMaxTimeSeconds: 60, isBfContinued: true, loopDelaySeconds: 0.27 },
      requeueDelaySeconds: 121,
      preempt: { type: 'qos', mode: 'requeue', exemptSeconds: 7200, isYoungestFirst: true },
      partitions: [
        {
          name: 'learn',
          nodes: ['dgx001', 'dgx002', 'dgx003', 'dgx007'],
          isDefault: true,
          priorityTier: 2,
          priorityJobFactor: 10,
          maxTimeSeconds: 604_800,
          defaultTimeSeconds: 3600,
        },
        { name: 'any', nodes: null, isDefault: false, maxTimeSeconds: null, allowAccounts: ['vision'] },
      ],
    });
    expect(completePolicy(conf.policy).bfMaxJobTest).toBe(2000);
    expect(conf.rules).toMatchObject({
      isWholeNode: false,
      exclusivePartitions: ['any'],
      isMemoryConsumed: true,
      isRequeued: false,
      cpusPerCore: 2,
      partitionDefaults: {},
    });
  });

  it('says what it does not model, where, and why', () => {
    expect(ignoredOf(SITE)).toEqual([
      'slurm.conf:25 Gres=nic:2: only GPUs are counted',
      'slurm.conf:27 NodeName=old[1-2]: State=DOWN: its nodes are left out',
      'slurm.conf:17 PriorityFlags CALCULATE_RUNNING: a job that runs has no priority',
      'slurm.conf:8 SelectTypeParameters CR_LLN: placement packs nodes and leaf switches',
    ]);
  });

  it('has launches and ends follow one another where nodes are one machine', () => {
    expect(parse('NodeName=n[1-16]\n').timing).toEqual({ launchMs: 10, completeMs: 10, killMs: 10 });
    expect(parse('NodeName=n[1-16] NodeHostname=h[1-16]\n').timing).toEqual({
      launchMs: 10,
      completeMs: 10,
      killMs: 10,
    });
    const apart = Array.from(
      { length: 16 },
      (_, index) => `NodeName=n${index} NodeHostname=here Port=${7000 + index}\n`,
    );
    const shared = { launchMs: 20, completeMs: 10, killMs: 20, launchGapMs: 3, killGapMs: 10 };
    for (const text of [
      apart.join(''),
      'NodeName=n[1-16] NodeHostname=here Port=[17001-17016]\n',
      'NodeName=DEFAULT NodeHostname=here\nNodeName=n[1-4],m[1-8]\nNodeName=x[1-4]\n',
      'NodeName=n[1-16] NodeAddr=127.0.0.1 Port=[17001-17016]\n',
    ]) {
      expect({ text, timing: parse(text).timing }).toEqual({ text, timing: shared });
    }
  });

  it('leaves nodes out that are not up, also where partitions name them', () => {
    const text = `NodeName=n[1-9] Weight=5
NodeName=n[10-11] State=FUTURE
DownNodes=n[2-3] State=DRAIN Reason="power, ETA=Dec25"
DownNodes=n4 State=UNKNOWN
PartitionName=p Nodes=n[1-5],n10, Default=YES
PartitionName=q Nodes=n10
`;
    const { nodes, policy } = parse(text);
    expect(nodes.map(({ name }) => name)).toEqual(['n1', 'n4', 'n5', 'n6', 'n7', 'n8', 'n9']);
    expect(policy.partitions).toMatchObject([{ nodes: ['n1', 'n4', 'n5'] }, { nodes: [] }]);
    expect(ignoredOf(text)).toEqual([
      'slurm.conf:3 DownNodes=n[2-3]: State=DRAIN: its nodes are left out',
      'slurm.conf:2 NodeName=n[10-11]: State=FUTURE: its nodes are left out',
    ]);
  });

  it.each([
    ['CPUs=28 RealMemory=128000 CoreSpecCount=12 MemSpecLimit=49152', 16, 78_848],
    ['Sockets=2 CoresPerSocket=8 ThreadsPerCore=2 CoreSpecCount=2', 28, 1],
    ['Sockets=2 CoresPerSocket=8 ThreadsPerCore=2 CpuSpecList=0-2,16', 28, 1],
    ['CPUs=16 Sockets=2 CoresPerSocket=8 ThreadsPerCore=2 CpuSpecList=0-2', 13, 1],
  ])('keeps for the system what it says: %s', (words, cpus, mebi) => {
    expect(parse(`NodeName=n1 ${words}\n`).nodes).toMatchObject([{ resources: { cpus, memoryBytes: mebi * MEBI } }]);
  });

  it('has jobs on whole cores', () => {
    const cores = (words: string) => parse(`NodeName=n1 ${words}\nSelectType=select/cons_tres\n`).rules.cpusPerCore;
    expect(cores('CPUs=16 CoresPerSocket=8 ThreadsPerCore=2')).toBe(2);
    expect(cores('CPUs=8 CoresPerSocket=8 ThreadsPerCore=2')).toBe(1);
    expect(cores('CPUs=16')).toBe(1);
  });

  it('has one partition of a name, the first, and one default, the last', () => {
    const text = `${NODES}PartitionName=a Nodes=ALL Default=YES\nPartitionName=b Nodes=n1 Default=YES\nPartitionName=a Nodes=n2\n`;
    expect(parse(text).policy.partitions).toMatchObject([
      { name: 'a', nodes: null, isDefault: false },
      { name: 'b', nodes: ['n1'], isDefault: true },
    ]);
    expect(ignoredOf(text)).toEqual(['slurm.conf:4 PartitionName=a: it was declared before: the first counts']);
  });

  it('gives the jobs of a partition what it says', () => {
    const text = `${NODES}SelectType=select/cons_tres
DefMemPerCPU=100 DefCpuPerGPU=4
PartitionName=DEFAULT Nodes=ALL
PartitionName=plain
PartitionName=large DefMemPerNode=500
PartitionName=gpu JobDefaults=DefCpuPerGPU=8,DefMemPerGPU=50
PartitionName=none DefMemPerNode=UNLIMITED
`;
    const none = { mebibytesPerNode: 0, mebibytesPerCpu: 0, mebibytesPerGpu: 0 };
    expect(parse(text).rules.partitionDefaults).toEqual({
      large: { ...none, cpusPerGpu: 4, mebibytesPerNode: 500 },
      gpu: { ...none, cpusPerGpu: 8, mebibytesPerGpu: 50 },
    });
    expect(ignoredOf(text)).toEqual([]);
  });

  it('weighs use as the partition does, and by CPUs where it does not', () => {
    const lines = [
      'PartitionName=a TRESBillingWeights="CPU=0.5,GRES/gpu=16"',
      'PartitionName=b TRESBillingWeights=cpu=2',
      'PartitionName=c',
      'PartitionName=d TRESBillingWeights=Mem=.25G,Node=2,license/x=1',
      'PartitionName=e TRESBillingWeights=CPU=1,Mem=0.001',
      'PartitionName=f TRESBillingWeights=GRES/nic=1',
    ];
    const memory = ['SelectType=select/cons_tres', 'SelectTypeParameters=CR_Core_Memory'];
    const text = [NODES.trim(), ...lines, ...memory].join('\n');
    const { priority, partitions = [] } = parse(text).policy;
    expect(priority?.billingWeights).toEqual({ cpu: 1, gpu: 0 });
    expect(partitions.map(({ billingWeights }) => billingWeights)).toEqual([
      { cpu: 0.5, gpu: 16 },
      { cpu: 2, gpu: 0 },
      undefined,
      { cpu: 0, gpu: 0, gibibyte: 0.25, node: 2 },
      { cpu: 1, gpu: 0, gibibyte: 1.024 },
      undefined,
    ]);
    expect(ignoredOf(text)).toEqual([
      'slurm.conf:5 TRESBillingWeights license/x: use is counted by nodes, CPUs, memory and GPUs',
      'slurm.conf:7 TRESBillingWeights gres/nic: use is counted by nodes, CPUs, memory and GPUs',
    ]);
    expect(ignoredOf(`${NODES}PartitionName=a TRESBillingWeights=CPU=1,Mem=1G\n`)).toEqual([
      'slurm.conf:2 TRESBillingWeights mem: memory is no resource that can run out, and what jobs ask of it is not known',
    ]);
  });

  it('has partitions say how their jobs are preempted, by partition', () => {
    const partitions =
      'PartitionName=a Nodes=ALL PreemptMode=OFF\nPartitionName=b Nodes=ALL PreemptMode=CANCEL GraceTime=60\nPartitionName=c Nodes=ALL PreemptMode=GANG,SUSPEND\n';
    const by = (type: string) => `${NODES}PreemptType=preempt/${type} PreemptMode=REQUEUE\n${partitions}`;
    expect(parse(by('partition_prio')).policy.partitions).toMatchObject([
      { preemptMode: 'off' },
      { preemptMode: 'cancel', graceSeconds: 60 },
      { preemptMode: 'off' },
    ]);
    expect(ignoredOf(by('partition_prio'))).toEqual([
      'slurm.conf:5 PartitionName=c PreemptMode=SUSPEND: no job is suspended: none of it is preempted',
    ]);
    expect(parse(by('qos')).policy.partitions?.[1]).not.toHaveProperty('preemptMode');
  });

  it.each([
    ['PartitionName=p Nodes=ALL LLN=YES', 'PartitionName=p lln=YES: placement packs nodes and leaf switches'],
    [
      'TopologyPlugin=topology/tree',
      'TopologyPlugin=tree: without the topology.conf gangs are placed as if there were no switches: give it too',
    ],
    ['Prolog=/etc/slurm/prolog.sh', 'Prolog: it takes no time'],
    ['PartitionName=p Nodes=ALL RootOnly=YES', 'PartitionName=p rootonly=YES: every user may use it'],
    [
      'SelectTypeParameters=CR_Socket_Memory',
      'SelectTypeParameters CR_SOCKET_MEMORY: jobs have whole cores, and not whole sockets: more of them fit on a node than in Slurm',
    ],
    ['BurstBufferType=burst_buffer/lua', 'BurstBufferType: no job waits for its data'],
    ['MCSPlugin=mcs/user', 'MCSPlugin: users and their groups share nodes'],
    ['SchedulerParameters=max_rpc_cnt=150', 'SchedulerParameters max_rpc_cnt: the twin has no RPC load'],
  ])('says that it does not model %s', (words, told) => {
    expect(ignoredOf(`${NODES}${words}\n`)).toEqual([`slurm.conf:2 ${told}`]);
  });

  it('reads the limits of partitions and whether they are enforced', () => {
    const text = `NodeName=n[1-4]
OverTimeLimit=5
KillWait=60
EnforcePartLimits=ANY
PartitionName=DEFAULT Nodes=ALL
PartitionName=a MinNodes=2 MaxNodes=3 OverTimeLimit=0
PartitionName=b MinNodes=0 MaxNodes=UNLIMITED OverTimeLimit=UNLIMITED
PartitionName=c MinNodes=1 OverTimeLimit=NONE
`;
    const { policy, ignored } = parse(text);
    expect(policy).toMatchObject({ overTimeSeconds: 300, killWaitSeconds: 60, enforcePartLimits: 'any' });
    expect(policy.partitions).toEqual([
      { name: 'a', nodes: null, isDefault: false, minNodes: 2, maxNodes: 3, overTimeSeconds: 0 },
      { name: 'b', nodes: null, isDefault: false, overTimeSeconds: null },
      { name: 'c', nodes: null, isDefault: false },
    ]);
    expect(ignored).toEqual([]);
    for (const value of ['ALL', 'YES'])
      expect(parse(`NodeName=n1\nEnforcePartLimits=${value}\n`).policy.enforcePartLimits).toBe(true);
    const plain = parse('NodeName=n1\nEnforcePartLimits=NO\nOverTimeLimit=0\nKillWait=30\n').policy;
    for (const field of ['overTimeSeconds', 'killWaitSeconds', 'enforcePartLimits'])
      expect(plain).not.toHaveProperty(field);
  });

  it('passes over settings that say none', () => {
    expect(
      ignoredOf(
        `${NODES}MCSPlugin=mcs/none\nPartitionName=p Nodes=ALL MaxCPUsPerNode=UNLIMITED RootOnly=NO AllocNodes=ALL\n`,
      ),
    ).toEqual([]);
  });

  it('reads what bounds passes of the scheduler', () => {
    const parameters =
      'bf_max_job_user=10,bf_max_job_part=20,bf_max_job_user_part=5,bf_max_job_start=7,bf_job_part_count_reserve=4,bf_min_age_reserve=600,bf_min_prio_reserve=1000,partition_job_depth=50,sched_max_job_start=9,bf_max_job_assoc=3';
    const conf = (more: string) => parse(`ClusterName=x\n${more}NodeName=n1\nSchedulerParameters=${parameters}\n`);
    const bounds = {
      bfMaxJobUser: 10,
      bfMaxJobPart: 20,
      bfMaxJobUserPart: 5,
      bfMaxJobStart: 7,
      bfJobPartCountReserve: 4,
      bfMinAgeReserveSeconds: 600,
      bfMinPrioReserve: 1000,
      partitionJobDepth: 50,
      schedMaxJobStart: 9,
    };
    const withDatabase = conf('AccountingStorageType=accounting_storage/slurmdbd\n');
    expect(withDatabase.policy).toMatchObject({ ...bounds, bfMaxJobAssoc: 3 });
    expect(withDatabase.ignored).toEqual([]);
    const without = conf('');
    expect(without.policy).toMatchObject(bounds);
    expect(without.policy).not.toHaveProperty('bfMaxJobAssoc');
    expect(without.ignored.map(({ key, reason }) => `${key}: ${reason}`)).toEqual([
      'SchedulerParameters bf_max_job_assoc: without a database there are no associations, and Slurm keeps to no such limit either',
    ]);
  });

  it('reads the weights of nodes', () => {
    const { nodes, ignored } = parse(
      'NodeName=DEFAULT Weight=7\nNodeName=a1\nNodeName=a2 Weight=1\nNodeName=a3 Weight=0\n',
    );
    expect(nodes.map(({ weight = 1 }) => weight)).toEqual([7, 1, 0]);
    expect(ignored).toEqual([]);
    expect(() => parse('NodeName=a1 Weight=heavy\n')).toThrow(
      'slurm.conf:1 Weight: expected an integer >= 0, got "heavy"',
    );
  });

  it('that says nothing has the defaults of Slurm', () => {
    const conf = parse('NodeName=n1\n');
    expect(conf.nodes).toEqual([
      { name: 'n1', resources: { cpus: 1, memoryBytes: MEBI, gpus: 0 }, gpuType: null, leaf: null },
    ]);
    expect(conf.policy).toMatchObject({
      schedulerType: 'backfill',
      backfillType: 'conservative',
      defaultQueueDepth: 100,
      bfIntervalSeconds: 30,
      bfResolutionSeconds: 60,
      bfMaxJobTest: 500,
      bfWindowSeconds: 86_400,
      priority: { type: 'basic' },
      preempt: { type: 'none' },
    });
    // select/linear is the default of 22.05.
    expect(conf.rules).toMatchObject({ isWholeNode: true, isMemoryConsumed: false, isRequeued: true });
    expect(conf.ignored).toEqual([]);
  });

  it.each([
    ['SelectType=select/linear', { rules: { isWholeNode: true, isMemoryConsumed: false } }],
    [
      'SchedulerParameters=bf_interval=2,bf_max_time=5,bf_yield_interval=1000000,bf_yield_sleep=250000',
      {
        policy: {
          cadence: { ...SLURM_CADENCE, bfMaxTimeSeconds: 5, bfYieldIntervalSeconds: 1, bfYieldSleepSeconds: 0.25 },
        },
      },
    ],
    ['SelectType=select/cons_tres', { rules: { isWholeNode: false, isMemoryConsumed: true } }],
    [
      'SelectType=select/cons_tres SelectTypeParameters=CR_CPU',
      { rules: { isWholeNode: false, isMemoryConsumed: false } },
    ],
    [
      'SchedulerParameters=batch_sched_delay=10,sched_interval=300\nEpilog=/etc/slurm/epilog.sh\nAuthInfo=cred_expire=60',
      {
        policy: expect.objectContaining({
          cadence: { ...SLURM_CADENCE, batchSchedDelaySeconds: 10, schedIntervalSeconds: 300, promptEndShare: 1 },
          requeueDelaySeconds: 61,
        }),
        ignored: [],
      },
    ],
    [
      'AccountingStorageType=accounting_storage/slurmdbd',
      { policy: expect.objectContaining({ cadence: { ...SLURM_CADENCE, loopDelaySeconds: 0.27 } }) },
    ],
    ['SchedulerParameters=bf_interval=-1', { policy: expect.objectContaining({ schedulerType: 'builtin' }) }],
    [
      'PreemptType=preempt/partition_prio PreemptMode=CANCEL',
      {
        policy: expect.objectContaining({
          preempt: expect.objectContaining({ type: 'partition_prio', mode: 'cancel' }),
        }),
      },
    ],
    [
      'PriorityDecayHalfLife=0',
      { policy: expect.objectContaining({ priority: expect.objectContaining({ decayHalfLifeSeconds: 0 }) }) },
    ],
    ['PriorityMaxAge=10\nPriorityMaxAge=20', { policy: { priority: { maxAgeSeconds: 1200 } } }],
    ['SchedulerParameters=BF_Interval=5', { policy: { bfIntervalSeconds: 5, cadence: { bfMaxTimeSeconds: 5 } } }],
    ['PartitionName=p Nodes=ALL Shared=EXCLUSIVE', { rules: { isWholeNode: true, exclusivePartitions: ['p'] } }],
  ])('with %s', (setting, expected) => {
    expect(parse(`${NODES}${setting}\n`)).toMatchObject(expected);
  });

  it.each([
    ['gpu:8', 8, null],
    ['gpu', 1, null],
    ['gpu:a100:4', 4, 'a100'],
    ['gpu:a100:no_consume:4', 4, 'a100'],
    ['gpu:a100', 1, 'a100'],
    ['gpu:a100:4(S:0,1),gpu:a100:4(S:2,3)', 8, 'a100'],
    ['craynetwork:4', 0, null],
  ])('reads Gres=%s', (gres, gpus, gpuType) => {
    expect(parse(`NodeName=n1 Gres=${gres}\n`).nodes).toMatchObject([{ resources: { gpus }, gpuType }]);
  });

  it('may include other files, and quote values', () => {
    const files: Record<string, string> = { 'nodes.conf': 'Include more.conf\n', 'more.conf': NODES };
    const include = (path: string) => (path in files ? { name: path, text: files[path] ?? '' } : undefined);
    const ofCluster = (path: string) => (path === 'nodes-pod.conf' ? { name: path, text: NODES } : undefined);
    expect(parse('ClusterName=pod GresTypes=gpu\nInclude nodes-%c.conf\n', { include: ofCluster }).nodes).toHaveLength(
      4,
    );
    const { nodes, policy } = parse('include nodes.conf\nSchedulerParameters="bf_window=5, bf_resolution=10"\n', {
      include,
    });
    expect(nodes).toHaveLength(4);
    expect(policy).toMatchObject({ bfWindowSeconds: 300, bfResolutionSeconds: 10 });
    expect(errorOf('Include lost.conf\n', { include })).toBe(
      'slurm.conf:1 Include: there is no file "lost.conf" to read',
    );
    const ring = (path: string) => ({ name: path, text: `Include ${path}\n` });
    expect(errorOf('Include a\n', { include: ring })).toBe('a:1 Include: more than 8 files deep');
  });

  it('may name sets of nodes', () => {
    const text = `NodeName=a[1-2] Feature=big\nNodeName=b[1-2]\nNodeSet=large Feature=big\nNodeSet=rest Nodes=b[1-2]\n`;
    const { policy } = parse(`${text}PartitionName=p Nodes=large,b1\nPartitionName=q Nodes=rest\n`);
    expect(policy.partitions).toMatchObject([{ nodes: ['a1', 'a2', 'b1'] }, { nodes: ['b1', 'b2'] }]);
  });

  it.each([
    ['', 'slurm.conf:1 expected at least one NodeName line with nodes that are up'],
    ['NodeName=n[1-\n', 'slurm.conf:1 NodeName: expected a host list such as dgx[001-064], got "n[1-"'],
    ['NodeName=n1\nNodeName=n[1-2]\n', 'slurm.conf:2 NodeName: node n1 is declared twice'],
    ['NodeName=n1 CPUs=many\n', 'slurm.conf:1 CPUs: expected an integer >= 1, got "many"'],
    ['NodeName=n1 Gres=gpu:a100:x\n', 'slurm.conf:1 Gres: expected gpu:TYPE:COUNT, got "gpu:a100:x"'],
    ['NodeName=n1\nwhat is this\n', 'slurm.conf:2 expected Key=Value, got "what is this"'],
    [
      'NodeName=n1\nPartitionName=p Nodes=n[1-2]\n',
      'slurm.conf:2 Nodes: expected nodes that NodeName lines declare, got n2',
    ],
    [
      'NodeName=n1\nPartitionName=p Nodes=n1 MaxTime=soon\n',
      'slurm.conf:2 MaxTime: expected a time such as 1-12:00:00, got "soon"',
    ],
    [
      'NodeName=n1\nPartitionName=p Nodes=n1 Default=perhaps\n',
      'slurm.conf:2 Default: expected YES or NO, got "perhaps"',
    ],
    [
      'NodeName=n1\nSchedulerType=sched/magic\n',
      'slurm.conf:2 SchedulerType: expected sched/backfill or sched/builtin, got "sched/magic"',
    ],
    [
      'NodeName=n1\nSchedulerParameters=bf_window=x\n',
      'slurm.conf:2 SchedulerParameters: bf_window: expected an integer >= 1, got "x"',
    ],
    [
      'NodeName=n1\nPriorityType=priority/fate\n',
      'slurm.conf:2 PriorityType: expected priority/basic or priority/multifactor, got "priority/fate"',
    ],
  ])('%j is refused in one line', (text, message) => {
    expect(errorOf(text)).toBe(message);
  });
});
