import { Random } from '../../src/lib/random.ts';
import type { NodeKind, SlurmClusterOptions } from '../support/slurm-cluster.ts';

/** A partition as jobs see it. */
export interface VariedPartition {
  name: string;
  /** Jobs that go there, beside those of the others. */
  share: number;
  first: number;
  last: number;
  /** Of each of its nodes, at least. */
  cpus: number;
  gpus: number;
  /** Its jobs have whole nodes. */
  isWhole: boolean;
  /** Nodes with GPUs. */
  gpuNodes: number;
  memoryMiB: number;
  nodesMax: number;
  maxMinutes: number;
}

export interface VariedSite {
  options: SlurmClusterOptions;
  partitions: readonly VariedPartition[];
  users: readonly { user: string; account: string; share: number }[];
  qos: readonly { name: string; share: number }[];
  isMemoryAsked: boolean;
  /** What was drawn, for people. */
  words: string;
}

type Draw = {
  pick: <T>(...choices: readonly [T, ...T[]]) => T;
  from: (low: number, high: number) => number;
  chance: (share: number) => boolean;
};

export function drawsOf(random: Random): Draw {
  const from = (low: number, high: number) => low + Math.floor(random.nextUniform() * (high - low + 1));
  return {
    pick: (...choices) => choices[from(0, choices.length - 1)] ?? choices[0],
    from,
    chance: (share) => random.nextUniform() < share,
  };
}

/** A made-up cluster of three partitions, two QOS or more, fair-share and leaf switches: another for each seed. */
export function variedSite(seed: number): VariedSite {
  const draw = drawsOf(new Random(seed * 1000 + 17));
  const { pick, from, chance } = draw;
  const kinds = nodeKinds(draw);
  const nodes = kinds.reduce((sum, kind) => sum + kind.nodes, 0);
  const gpus = kinds.some((kind) => kind.gpus > 0);
  const select = pick('CR_CPU_Memory', 'CR_Core_Memory', 'CR_CPU', 'CR_Core');
  const preemption = pick('none', 'none', 'qos', 'qos', 'cancel', 'partition');
  const { lines, partitions, shape } = partitionLines(draw, kinds, nodes, preemption === 'partition');
  const halfLife = pick(2, 5, 10, 30);
  const cadence = pick(
    'bf_interval=10,bf_resolution=10',
    'bf_interval=5,bf_continue,batch_sched_delay=1',
    'defer,bf_interval=8,sched_interval=15',
    'bf_window=2880,bf_continue',
    '',
    '',
  );
  const qosLimit = pick('', '', 'MaxJobsPerUser=12', 'MaxTRESPerUser=node=8');
  const high = [
    'add',
    'qos',
    'high',
    `priority=${pick(50, 100, 1000)}`,
    ...(preemption === 'qos' ? ['preempt=normal,low'] : preemption === 'cancel' ? ['preempt=low'] : []),
  ];
  const low = [
    'add',
    'qos',
    'low',
    'priority=1',
    ...(chance(0.3) ? ['UsageFactor=0.5'] : []),
    ...(preemption === 'cancel' ? ['preemptmode=cancel'] : []),
  ];
  const accounts = accountTree(draw);
  const words = (key: string, value: string | number) => `${key}=${value}`;
  const confLines = [
    words('SelectTypeParameters', select),
    'TopologyPlugin=topology/tree',
    ...(gpus ? ['AccountingStorageTRES=gres/gpu'] : []),
    'LogTimeFormat=iso8601_ms',
    'SlurmctldDebug=debug',
    'DebugFlags=Backfill',
    ...(select.endsWith('Memory') ? [`DefMemPerCPU=${pick(1000, 2000)}`] : []),
    ...(cadence === '' ? [] : [`SchedulerParameters=${cadence}`]),
    'PriorityType=priority/multifactor',
    words('PriorityWeightAge', pick(1000, 5000)),
    words('PriorityMaxAge', pick('0-00:05:00', '1-00:00:00', '7-00:00:00')),
    words('PriorityWeightFairshare', pick(10_000, 100_000)),
    words('PriorityWeightQOS', pick(2000, 10_000, 50_000)),
    words('PriorityWeightPartition', pick(0, 1000)),
    words('PriorityWeightJobSize', pick(0, 0, 2000)),
    words('PriorityDecayHalfLife', `0-00:${String(halfLife).padStart(2, '0')}:00`),
    words('PriorityCalcPeriod', pick(1, 1, 5)),
    ...(chance(0.25) ? ['PriorityFlags=NO_FAIR_TREE'] : []),
    ...(chance(0.25) ? ['PriorityFavorSmall=YES'] : []),
    ...(preemption === 'none'
      ? []
      : [`PreemptType=preempt/${preemption === 'partition' ? 'partition_prio' : 'qos'}`, 'PreemptMode=REQUEUE']),
    ...lines,
  ];
  const leaf = pick(3, 4, 6, 8);
  return {
    options: {
      nodes,
      cpusPerNode: 0,
      nodeKinds: kinds,
      nodePrefix: 'n',
      confLines: dedupe(confLines),
      topologyLines: leafSwitches(nodes, leaf),
      accounting: [low, [...high, ...(qosLimit === '' ? [] : [qosLimit])], ...accounts.commands],
    },
    partitions,
    users: accounts.users,
    qos: [
      { name: 'normal', share: 5 },
      { name: 'high', share: from(1, 3) },
      { name: 'low', share: from(0, 4) },
    ],
    isMemoryAsked: select.endsWith('Memory'),
    words: `${nodes} nodes (${kinds.map((kind) => `${kind.nodes}x${kind.cpus}c${kind.gpus}g`).join('+')}), ${select}, partitions ${shape}, preemption ${preemption}, cadence ${cadence || 'default'}, half-life ${halfLife} m, ${qosLimit || 'no limit'}`,
  };
}

function dedupe(lines: readonly string[]): string[] {
  const seen = new Map<string, string>();
  for (const line of lines) seen.set(line.startsWith('PartitionName') ? line : (line.split('=')[0] ?? ''), line);
  return [...seen.values()];
}

function nodeKinds({ pick, from }: Draw): NodeKind[] {
  const gpu = { cpus: pick(32, 64), memoryMiB: 256_000, gpus: pick(4, 8), threadsPerCore: pick(1, 1, 2) };
  const cpu = { cpus: pick(16, 32, 48), memoryMiB: pick(96_000, 192_000), gpus: 0, threadsPerCore: 1 };
  switch (pick('gpu', 'mixed', 'mixed', 'cpu')) {
    case 'gpu':
      return [{ nodes: from(12, 28), ...gpu }];
    case 'mixed':
      return [
        { nodes: from(8, 16), ...gpu },
        { nodes: from(6, 14), ...cpu },
      ];
    default:
      return [{ nodes: from(14, 30), ...cpu }];
  }
}

function partitionLines(
  { pick, from, chance }: Draw,
  kinds: readonly NodeKind[],
  nodes: number,
  isByPartition: boolean,
): { lines: string[]; partitions: VariedPartition[]; shape: string } {
  const shape = pick('nested', 'chain', 'halves', 'all');
  const [third, half] = [Math.ceil(nodes / 3), Math.ceil(nodes / 2)];
  const ranges: readonly (readonly [string, number, number, number])[] = {
    nested: [
      ['batch', 1, nodes, 5],
      ['large', 1, half, 3],
      ['debug', nodes - 2, nodes, 1],
    ] as const,
    chain: [
      ['front', 1, nodes - third, 5],
      ['back', third, nodes, 4],
      ['test', third, third + 3, 1],
    ] as const,
    halves: [
      ['left', 1, half, 3],
      ['right', half + 1, nodes, 3],
      ['any', 1, nodes, 3],
    ] as const,
    all: [
      ['short', 1, nodes, 4],
      ['medium', 1, nodes, 3],
      ['long', 1, nodes, 2],
    ] as const,
  }[shape];
  const lines: string[] = [];
  const partitions = ranges.map(([name, first, last, share], index): VariedPartition => {
    const maxMinutes = pick(10, 20, 60);
    const isWhole = chance(0.12);
    const tier = isByPartition ? [2, 3, 1][index] : pick(1, 1, 1, 5);
    const words = [
      `PartitionName=${name} Nodes=n[${first}-${last}] State=UP MaxTime=${maxMinutes}`,
      index === 0 ? 'Default=YES' : '',
      chance(0.5) ? `DefaultTime=${from(2, 8)}` : '',
      tier === 1 ? '' : `PriorityTier=${tier}`,
      chance(0.3) ? `PriorityJobFactor=${from(2, 20)}` : '',
      isWhole ? 'OverSubscribe=EXCLUSIVE' : '',
      isByPartition ? `PreemptMode=${index === 1 ? 'OFF' : 'REQUEUE'}` : '',
    ];
    lines.push(words.filter((word) => word !== '').join(' '));
    const own = kindsOf(kinds, first, last);
    const gpuNodes = own.reduce((sum, kind) => sum + (kind.gpus > 0 ? kind.nodes : 0), 0);
    const least = (of: (kind: NodeKind) => number) => Math.min(...own.map(of));
    return {
      name,
      share,
      first,
      last,
      cpus: least(({ cpus }) => cpus),
      // A partition of several kinds has jobs with GPUs all the same.
      gpus: Math.max(...own.map((kind) => kind.gpus)),
      isWhole,
      gpuNodes,
      memoryMiB: least(({ memoryMiB }) => memoryMiB),
      nodesMax: Math.max(1, Math.min(4, Math.floor((last - first + 1) / 3))),
      maxMinutes,
    };
  });
  return { lines, partitions, shape };
}

/** Of these nodes, each with as many of them. */
function kindsOf(kinds: readonly NodeKind[], first: number, last: number): NodeKind[] {
  let next = 1;
  return kinds.flatMap((kind) => {
    const begin = next;
    next += kind.nodes;
    const nodes = Math.min(last, next - 1) - Math.max(first, begin) + 1;
    return nodes > 0 ? [{ ...kind, nodes }] : [];
  });
}

function leafSwitches(nodes: number, leaf: number): string[] {
  const lines: string[] = [];
  for (let first = 1; first <= nodes; first += leaf)
    lines.push(`SwitchName=leaf${lines.length + 1} Nodes=n[${first}-${Math.min(nodes, first + leaf - 1)}]`);
  return [...lines, `SwitchName=spine Switches=leaf[1-${lines.length}]`];
}

/** Users of Debian. */
const USERS = ['games', 'man', 'mail', 'news', 'lp', 'proxy', 'backup', 'irc'] as const;

function accountTree({ from, chance }: Draw): { commands: string[][]; users: VariedSite['users'] } {
  const qos = 'qos=normal,high,low';
  const isNested = chance(0.4);
  const names = ['physics', 'biology', 'speech'].slice(0, from(2, 3));
  const commands = [
    ...(isNested ? [['add', 'account', 'science', `fairshare=${from(1, 4)}`, qos]] : []),
    ...names.map((name, index) => [
      'add',
      'account',
      name,
      `fairshare=${from(1, 5)}`,
      qos,
      ...(isNested && index < 2 ? ['parent=science'] : []),
    ]),
  ];
  const users = USERS.slice(0, from(4, 8)).map((user, index) => ({
    user,
    account: names[index % names.length] ?? 'physics',
    share: 1,
  }));
  for (const { user, account } of users)
    commands.push(['add', 'user', user, `account=${account}`, `fairshare=${from(1, 3)}`]);
  return { commands, users };
}
