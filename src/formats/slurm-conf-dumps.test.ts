import { describe, expect, it } from 'vitest';
import { errorOf, ignoredOf, NODES, parse } from './slurm-conf.test-support.ts';

describe('a topology.conf', () => {
  it('says on which leaf a node hangs', () => {
    const text =
      'SwitchName=leaf1 Nodes=n[1-2]\nSwitchName=leaf2 Nodes=n3,x[1-9]\nSwitchName=spine Switches=leaf[1-2]\n';
    const conf = parse(NODES, { topology: { name: 'topology.conf', text } });
    expect(conf.nodes.map(({ leaf }) => leaf)).toEqual(['leaf1', 'leaf1', 'leaf2', null]);
    expect(conf.ignored).toEqual([
      {
        file: 'topology.conf',
        line: 2,
        key: 'SwitchName=leaf2',
        reason: '9 of its nodes are not in slurm.conf, x1 for one',
      },
    ]);
  });

  it('that Slurm would not read is told', () => {
    const topology = { topology: { name: 'topology.conf', text: 'SwitchName=leaf Nodes=n[1-4]\n' } };
    expect(ignoredOf(`${NODES}ClusterName=pod GresTypes=gpu TopologyPlugin=topology/tree\n`, topology)).toEqual([]);
    expect(ignoredOf(`${NODES}ClusterName=pod GresTypes=gpu\n`, topology)).toEqual([
      'topology.conf:1 TopologyPlugin=none: Slurm reads a topology.conf with topology/tree alone; here it counts',
    ]);
  });
});

const QOS_COLUMNS =
  'Name|Priority|GraceTime|Preempt|PreemptExemptTime|PreemptMode|Flags|UsageThres|UsageFactor|GrpTRES|GrpJobs|MaxTRES|MaxWall|MaxTRESPU|MaxJobsPU|MaxSubmitPU|MaxTRESPA|MaxJobsPA|MinTRES|GrpSubmit|MaxSubmitPA|GrpTRESRunMins';

describe('a dump of QOS', () => {
  const dump = (...records: string[]) => ({
    qos: { name: 'qos.txt', text: `${QOS_COLUMNS}\n${records.join('\n')}\n` },
  });

  it('gives their limits and who preempts whom', () => {
    const conf = parse(
      `${NODES}SelectTypeParameters=CR_CPU_Memory\n`,
      dump(
        'normal|0|00:00:00|||cluster|||1.000000|||||||||||||',
        'high|100|00:02:00|normal,gone|02:00:00|requeue|DenyOnLimit,NoReserve,PartitionTimeLimit,NoDecay,PartitionMaxNodes||0.500000|gres/gpu=1024,node=128|50|gres/gpu=512,cpu=9,mem=1T|7-00:00:00|gres/gpu=64|10|20|node=4|5|cpu=2|500|200|cpu=9000',
      ),
    );
    expect(conf.policy.qos).toEqual([
      { name: 'normal', priority: 0, usageFactor: 1 },
      {
        name: 'high',
        priority: 100,
        preempts: ['normal'],
        preemptMode: 'requeue',
        graceSeconds: 120,
        preemptExemptSeconds: 7200,
        usageFactor: 0.5,
        wallSecondsMax: 604_800,
        submitJobsPerUser: 20,
        group: { gpus: 1024, nodes: 128, jobs: 50 },
        perUser: { gpus: 64, jobs: 10 },
        perAccount: { nodes: 4, jobs: 5 },
        perJob: { gpus: 512, cpus: 9, memoryBytes: 2 ** 40 },
        perJobMin: { cpus: 2 },
        groupRunMinutes: { cpus: 9000 },
        submitJobs: 500,
        submitJobsPerAccount: 200,
        isDeniedOnLimit: true,
        isNeverReserved: true,
        isUseKept: true,
        lifts: ['maxTimeSeconds', 'maxNodes'],
      },
    ]);
    expect(conf.ignored.map(({ file, line, key }) => `${file}:${line} ${key}`)).toEqual(['qos.txt:1 Preempt gone']);
  });

  it('has limits on the minutes of a job, of what runs and of what was used', () => {
    const header = 'Name|Priority|MaxTRESMins|GrpTRESMins|GrpTRESRunMins|GrpWall|Flags';
    const text = `${header}\nhigh|9|cpu=60,mem=6000M|cpu=7,mem=1M|gres/gpu=90,billing=5|1-00:00:00|NoDecay\n`;
    const conf = parse(`${NODES}SelectTypeParameters=CR_CPU_Memory\n`, { qos: { name: 'qos.txt', text } });
    expect(conf.policy.qos).toEqual([
      {
        name: 'high',
        priority: 9,
        perJobMinutes: { cpus: 60, memoryBytes: 6000 * 2 ** 20 },
        groupRunMinutes: { gpus: 90 },
        groupMinutes: { cpus: 7, memoryBytes: 2 ** 20 },
        groupWallSeconds: 86_400,
        isUseKept: true,
      },
    ]);
    expect(conf.ignored.map(({ key }) => key)).toEqual(['GrpTRESRunMins billing']);
  });

  it('has limits on what a job has of a node, and none on nodes', () => {
    const text = 'Name|Priority|MaxTRESPerNode\nhigh|9|cpu=4,gres/gpu=2,node=1\nlow|1|node=1\n';
    const conf = parse(NODES, { qos: { name: 'qos.txt', text } });
    expect(conf.policy.qos).toEqual([
      { name: 'high', priority: 9, perNode: { cpus: 4, gpus: 2 } },
      { name: 'low', priority: 1 },
    ]);
    expect(conf.ignored).toEqual([]);
  });

  it.each([
    ['limits', undefined],
    ['associations,limits,safe', true],
    ['all', true],
  ])('has limits on what was used that are safe where AccountingStorageEnforce=%s says so', (word, isSafe) => {
    const settings = `ClusterName=pod\nAccountingStorageEnforce=${word}\n${NODES}`;
    const policyOf = (column: string) =>
      parse(settings, { qos: { name: 'qos.txt', text: `Name|Priority|${column}\nhigh|9|cpu=7\n` } }).policy;
    expect(policyOf('GrpTRESMins').areLimitsSafe).toBe(isSafe);
    // It is about these alone.
    expect(policyOf('GrpTRES').areLimitsSafe).toBe(undefined);
  });

  it('has limits on memory that count only where it can run out', () => {
    const limited = dump('high|9||||||||mem=1T,cpu=8||||mem=4G||||||||');
    const qosOf = (settings: string) => parse(`${NODES}${settings}`, limited).policy.qos;
    expect(qosOf('SelectTypeParameters=CR_CPU_Memory\n')).toEqual([
      { name: 'high', priority: 9, group: { memoryBytes: 2 ** 40, cpus: 8 }, perUser: { memoryBytes: 2 ** 32 } },
    ]);
    expect(qosOf('SelectTypeParameters=CR_CPU\n')).toEqual([{ name: 'high', priority: 9, group: { cpus: 8 } }]);
    expect(ignoredOf(`${NODES}SelectTypeParameters=CR_CPU\n`, limited).join()).toContain(
      'memory is no resource that can run out, and limits on it change nothing: those of high, for one',
    );
  });

  it('has limits that count only where accounting enforces them', () => {
    const limited = dump('high|9|||||||||50||||10|||||||');
    const qosOf = (settings: string) => parse(`${NODES}ClusterName=pod GresTypes=gpu\n${settings}`, limited).policy.qos;
    for (const words of ['associations,limits', 'safe', 'all']) {
      expect(qosOf(`AccountingStorageEnforce=${words}\n`)).toMatchObject([
        { group: { jobs: 50 }, perUser: { jobs: 10 } },
      ]);
    }
    expect(qosOf('AccountingStorageEnforce=associations,qos\n')).toEqual([{ name: 'high', priority: 9 }]);
    expect(ignoredOf(`${NODES}ClusterName=pod GresTypes=gpu\n`, limited)).toEqual([
      'slurm.conf:1 AccountingStorageEnforce=: without "limits", Slurm keeps to no limit of QOS, accounts and users: those of 1, high for one, change nothing',
    ]);
  });

  it.each([
    ['normal|0', /^qos\.txt:2 expected 22 fields as in the header, got 2$/],
    ['normal|zero||||cluster||||||||||||||||', /^qos\.txt:2 Priority: expected a number, got "zero"$/],
    ['normal|0|soon|||cluster||||||||||||||||', /^qos\.txt:2 GraceTime: expected a time, got "soon"$/],
  ])('refuses %j', (text, message) => {
    expect(errorOf(NODES, dump(text))).toMatch(message);
  });
});

describe('a dump of associations', () => {
  const columns = 'Cluster|Account|User|Partition|Share|GrpJobs|GrpTRES|MaxJobs|MaxTRES|MaxSubmit|MaxWall';
  const dump = (...records: string[]) => ({
    associations: { name: 'assoc.txt', text: `${[columns, ...records].join('\n')}\n` },
  });

  it('leaves out the other clusters of a slurmdbd', () => {
    const records = ['pod|root|||1||||||', 'pod| vision|||2||||||', 'old|root|||1||||||', 'old| vision|||9||||||'];
    expect(parse(`ClusterName=Pod\n${NODES}`, dump(...records)).policy.accounts).toEqual([
      { name: 'vision', parent: null, shares: 2 },
    ]);
  });

  it('gives the tree of accounts and their users', () => {
    const conf = parse(
      NODES,
      dump(
        'pod|root|||1||||||',
        'pod| root|root||1||||||',
        'pod| research|||3||gres/gpu=512|||100|',
        'pod|  vision|||2|8||4|gres/gpu=64||1-00:00:00',
        'pod|   vision|ada||5||||||',
        'pod|   vision|bob|learn|1||||||',
        'pod|  language|||parent||||||',
        'pod|   language|bob||parent||||||',
        'pod| guests|||1||||||',
        'pod|  guests|eve||1|1|||||',
      ),
    );
    expect(conf.policy.accounts).toEqual([
      { name: 'research', parent: null, shares: 3, group: { gpus: 512 }, submitJobsPerUser: 100 },
      {
        name: 'vision',
        parent: 'research',
        shares: 2,
        group: { jobs: 8 },
        perUser: { jobs: 4 },
        perJob: { gpus: 64 },
        wallSecondsMax: 86_400,
      },
      { name: 'language', parent: 'research', shares: 'parent' },
      { name: 'guests', parent: null, shares: 1 },
    ]);
    expect(conf.policy.users).toEqual([
      { name: 'root', account: 'root', shares: 1 },
      { name: 'ada', account: 'vision', shares: 5 },
      { name: 'bob', account: 'language', shares: 'parent' },
      { name: 'eve', account: 'guests', shares: 1, group: { jobs: 1 } },
    ]);
    expect(conf.ignored.map(({ line, key }) => `${line} ${key}`)).toEqual(['7 bob@vision']);
  });

  it('without its columns is refused', () => {
    const associations = { name: 'assoc.txt', text: 'Account|User\na|b\n' };
    expect(errorOf(NODES, { associations })).toBe(
      'assoc.txt:1 missing column Share: expected the output of sacctmgr show assoc tree -P',
    );
  });
});
