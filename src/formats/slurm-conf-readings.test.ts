import { describe, expect, it } from 'vitest';
import { billingRate } from '../scheduler/billing.ts';
import { completePolicy } from '../scheduler/policy.ts';
import { ignoredOf, NODES, parse } from './slurm-conf.test-support.ts';

// Each of these is what `scontrol show node`, `show partition` and `show config` of a Slurm 22.05 made of the same lines.

describe('CPUs of a node', () => {
  const cpusOf = (line: string) => {
    const { nodes, rules } = parse(`SelectType=select/cons_tres\nNodeName=a ${line}\n`);
    return [nodes[0]?.resources.cpus, rules.cpusPerCore];
  };

  it.each([
    ['CPUs=16 Sockets=2 CoresPerSocket=4 ThreadsPerCore=2', 16, 2],
    ['CPUs=8 Sockets=2 CoresPerSocket=4 ThreadsPerCore=2', 8, 1],
    ['CPUs=16 CoresPerSocket=4 ThreadsPerCore=2', 16, 2],
    ['CPUs=8 ThreadsPerCore=2', 8, 2],
    ['CPUs=8 Boards=2 SocketsPerBoard=2 CoresPerSocket=2 ThreadsPerCore=2', 8, 1],
    ['CPUs=16 Boards=2 SocketsPerBoard=1 CoresPerSocket=4 ThreadsPerCore=2 CoreSpecCount=2', 12, 2],
  ])('are sockets, cores or threads: %s', (line, cpus, cpusPerCore) => {
    expect(cpusOf(line)).toEqual([cpus, cpusPerCore]);
    expect(ignoredOf(`NodeName=a ${line}\n`)).toEqual([]);
  });

  it.each([
    ['CPUs=16 Sockets=2', 2],
    ['CPUs=4 Sockets=2 CoresPerSocket=4 ThreadsPerCore=2', 16],
    ['CPUs=10 CoresPerSocket=4', 4],
    ['CPUs=9 ThreadsPerCore=2', 2],
    ['CPUs=64 Boards=2 Sockets=2 CoresPerSocket=16', 32],
  ])('are the threads where they are none of these, which is told: %s', (line, cpus) => {
    expect(cpusOf(line)[0]).toBe(cpus);
    expect(ignoredOf(`NodeName=a ${line}\n`)).toEqual([
      expect.stringMatching(/^slurm.conf:1 CPUs=\d+: neither the sockets nor the cores nor the threads of/),
    ]);
  });
});

describe('GPUs of a node', () => {
  it('count also where GresTypes does not have them, and this is told', () => {
    const told = (settings: string) => {
      const text = `ClusterName=pod\n${settings}\n${NODES}`;
      return [parse(text).nodes[0]?.resources.gpus, ignoredOf(text).length];
    };
    expect([told('GresTypes=nic,gpu'), told('GresTypes=nic'), told('')]).toEqual([
      [8, 0],
      [8, 1],
      [8, 1],
    ]);
  });
});

describe('memory that is kept for the system', () => {
  it('is none where it is all that there is', () => {
    const memory = (limit: number) =>
      parse(`NodeName=a RealMemory=2000 MemSpecLimit=${limit}\n`).nodes[0]?.resources.memoryBytes;
    expect([1999, 2000].map((limit) => (memory(limit) ?? 0) / 1024 ** 2)).toEqual([1, 2000]);
    expect(ignoredOf('NodeName=a RealMemory=2000 MemSpecLimit=2000\n')).toEqual([
      'slurm.conf:1 MemSpecLimit=2000: a node has to have more: nothing is kept, as in Slurm',
    ]);
  });
});

describe('a partition', () => {
  const partitionOf = (lines: string) => parse(`${NODES}${lines}\n`).policy.partitions?.[0];

  it.each([
    ['PartitionName=a Priority=5 PriorityTier=7', 5, 5],
    ['PartitionName=a PriorityJobFactor=9 Priority=5', 5, 5],
    ['PartitionName=DEFAULT Priority=4\nPartitionName=a PriorityTier=7', 4, 4],
    ['PartitionName=DEFAULT PriorityTier=9\nPartitionName=a Priority=5', 5, 5],
    ['PartitionName=DEFAULT PriorityTier=9\nPartitionName=a PriorityJobFactor=3', 9, 3],
  ])('has the tier and the factor that Priority says, over what else says one: %s', (lines, tier, factor) => {
    expect(partitionOf(lines)).toMatchObject({ priorityTier: tier, priorityJobFactor: factor });
  });

  it('may name its nodes twice, and with a comma too many', () => {
    expect(partitionOf('PartitionName=a Nodes=n3,,n[1-2],n3,')?.nodes).toEqual(['n3', 'n1', 'n2']);
  });

  it('has times of whole minutes, and no default that exceeds the most', () => {
    expect(partitionOf('PartitionName=a MaxTime=90:30 DefaultTime=1:30')).toMatchObject({
      maxTimeSeconds: 91 * 60,
      defaultTimeSeconds: 120,
    });
    const exceeding = 'PartitionName=a MaxTime=2:00:00 DefaultTime=3:00:00';
    expect(partitionOf(exceeding)).not.toHaveProperty('defaultTimeSeconds');
    expect(partitionOf('PartitionName=a MaxTime=10 DefaultTime=UNLIMITED')).not.toHaveProperty('defaultTimeSeconds');
    expect(partitionOf('PartitionName=a DefaultTime=UNLIMITED')).toHaveProperty('defaultTimeSeconds', null);
    expect(ignoredOf(`${NODES}${exceeding}\n`)).toEqual([
      'slurm.conf:2 PartitionName=a DefaultTime=3:00:00: it exceeds MaxTime, which counts in its place, as in Slurm',
    ]);
  });
});

describe('the weights of a priority', () => {
  const WEIGHTS =
    'PriorityType=priority/multifactor\nPriorityWeightAge=1\nPriorityWeightFairshare=2\nPriorityWeightQOS=3\n';

  it('are none for age and fair-share without a database', () => {
    const text = `${NODES}ClusterName=pod GresTypes=gpu\n${WEIGHTS}`;
    expect(parse(text).policy.priority?.weights).toMatchObject({ age: 0, fairshare: 0, qos: 3 });
    const reason = 'Slurm passes it over too, without AccountingStorageType=accounting_storage/slurmdbd';
    expect(ignoredOf(text)).toEqual([
      `slurm.conf:4 PriorityWeightAge: ${reason}`,
      `slurm.conf:5 PriorityWeightFairshare: ${reason}`,
    ]);
    const kept = `${text}AccountingStorageType=accounting_storage/slurmdbd\n`;
    expect(parse(kept).policy.priority?.weights).toMatchObject({ age: 1, fairshare: 2, qos: 3 });
    expect(ignoredOf(kept)).toEqual([]);
  });

  it('go by times of whole minutes', () => {
    const text = `${NODES}${WEIGHTS}PriorityMaxAge=1:30\nPriorityDecayHalfLife=0:30\nPriorityCalcPeriod=2:30\n`;
    expect(parse(text).policy.priority).toMatchObject({
      maxAgeSeconds: 120,
      decayHalfLifeSeconds: 60,
      calcPeriodSeconds: 180,
    });
  });

  it('may have use counted by what weighs most on a node', () => {
    const text = `${NODES}${WEIGHTS}PriorityFlags=FAIR_TREE,MAX_TRES\nPartitionName=a TRESBillingWeights=CPU=1,GRES/gpu=16\n`;
    const billing = (conf: string, cpus: number, gpus: number) => {
      const policy = completePolicy(parse(conf).policy);
      return billingRate(policy, policy.partitions[0], { cpus, memoryBytes: 0, gpus });
    };
    expect([billing(text, 64, 2), billing(text, 8, 2)]).toEqual([64, 32]);
    expect(billing(text.replace(',MAX_TRES', ''), 64, 2)).toBe(96);
    expect(ignoredOf(text)).toEqual([]);
  });

  it('may go by the size of a job relative to its time limit', () => {
    const text = `${NODES}${WEIGHTS}PriorityFlags=SMALL_RELATIVE_TO_TIME\n`;
    expect(parse(text).policy.priority?.isSizeRelativeToTime).toBe(true);
    expect(ignoredOf(text)).toEqual([]);
  });
});

describe('how nodes are chosen', () => {
  it('is that of select/linear where a whole conf names no other', () => {
    const typeOf = (words: string) => parse(`${words}${NODES}`).policy.selectType;
    expect(typeOf('SelectType=select/linear\n')).toBe('linear');
    expect(typeOf('ClusterName=c\n')).toBe('linear');
    expect(typeOf('ClusterName=c\nSelectType=select/cons_tres\n')).toBeUndefined();
    expect(typeOf('')).toBeUndefined();
  });
});

describe('what is given to several jobs at once', () => {
  it('is told, unless it is given to one', () => {
    const told = (words: string) => ignoredOf(`${NODES}PartitionName=a OverSubscribe=${words}\n`);
    expect(told('FORCE:4')).toEqual(['slurm.conf:2 PartitionName=a OverSubscribe=FORCE:4: nothing is given twice']);
    expect([...told('FORCE:1'), ...told('NO')]).toEqual([]);
  });
});
