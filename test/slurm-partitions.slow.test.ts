import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Asked, answersOf, cancelAll, schedulerOf, submit } from './support/slurm-answers.ts';
import { ensureSlurmAccounting, type SlurmCluster, startSlurm } from './support/slurm-cluster.ts';

const isThere = ensureSlurmAccounting();

const QOS: Readonly<Record<string, readonly string[]>> = {
  high: ['priority=10'],
  low: [],
  cpus4: ['GrpTRES=cpu=4'],
  job8: ['GrpTRES=cpu=8'],
  job2: ['GrpTRES=cpu=2'],
  over8: ['GrpTRES=cpu=8', 'Flags=OverPartQOS'],
  over: ['Flags=OverPartQOS'],
  pair: ['MaxJobsPerUser=2'],
  one: ['MaxJobsPerUser=1'],
  short: ['MaxWall=10'],
  long: ['MaxWall=30', 'MaxTRESPerNode=cpu=4'],
  overlong: ['MaxWall=30', 'Flags=OverPartQOS'],
  each4: ['MaxTRESPerJob=cpu=4'],
  each2: ['MaxTRESPerJob=cpu=2'],
  user4: ['MaxTRESPerUser=cpu=4'],
  node1: ['MaxTRESPerUser=node=1'],
  account2: ['MaxJobsPerAccount=2'],
  submit2: ['MaxSubmitJobsPerUser=2'],
  submit1: ['MaxSubmitJobsPerUser=1'],
  memory: ['GrpTRES=mem=100'],
  usermemory: ['MaxTRESPerUser=mem=100'],
  jobmemory: ['MaxTRESPerJob=mem=100'],
  least: ['MinTRESPerJob=cpu=4'],
  leastnodes: ['MinTRESPerJob=node=2'],
  all2: ['GrpSubmitJobs=2'],
  accountstwo: ['MaxSubmitJobsPerAccount=2'],
  deny: ['MaxTRESPerJob=cpu=4', 'MinTRESPerJob=cpu=2', 'MaxWall=10', 'Flags=DenyOnLimit'],
  denygroup: ['GrpTRES=cpu=4', 'MaxTRESPerUser=mem=100', 'Flags=DenyOnLimit'],
  denyothers: ['Flags=DenyOnLimit'],
  longer: ['Flags=PartitionTimeLimit'],
  longerto60: ['MaxWall=60', 'Flags=PartitionTimeLimit'],
  wider: ['Flags=PartitionMaxNodes'],
  widerto2: ['MaxTRESPerJob=node=2', 'Flags=PartitionMaxNodes'],
  smaller: ['Flags=PartitionMinNodes'],
  unreserved: ['Flags=NoReserve'],
  ahead120: ['GrpTRESRunMins=cpu=120'],
  aheadpart: ['GrpTRESRunMins=cpu=120'],
  ahead60: ['GrpTRESRunMins=cpu=60'],
  aheadbelow: ['GrpTRESRunMins=cpu=120'],
  ahead240: ['GrpTRESRunMins=cpu=240', 'Flags=OverPartQOS'],
  aheadnodes: ['GrpTRESRunMins=node=60'],
  aheadmemory: ['GrpTRESRunMins=mem=6000'],
  minutes60: ['MaxTRESMinsPerJob=cpu=60'],
  minutesnodes: ['MaxTRESMinsPerJob=node=60'],
  minutesmemory: ['MaxTRESMinsPerJob=mem=6000'],
  minuteswall: ['MaxTRESMinsPerJob=cpu=60', 'MaxWall=30'],
  node4: ['MaxTRESPerNode=cpu=4'],
  node2: ['MaxTRESPerNode=cpu=2'],
  nodeover: ['MaxTRESPerNode=cpu=8', 'Flags=OverPartQOS'],
  nodememory: ['MaxTRESPerNode=mem=100,node=1'],
  denynode: ['MaxTRESPerNode=cpu=4', 'Flags=DenyOnLimit'],
  denyminutes: ['MaxTRESMinsPerJob=cpu=60', 'GrpTRESRunMins=cpu=30', 'Flags=DenyOnLimit'],
};
/** By account. */
const LIMITS_OF_USER: Readonly<Record<string, readonly string[]>> = {
  vision: [],
  speech: [],
  text: [],
  tiny: [],
  owntwo: [],
  own: ['MaxTRESPerJob=cpu=4', 'MaxWall=10'],
  ownjobs: ['GrpJobs=2', 'MaxJobs=1'],
  owncpus: ['GrpTRES=cpu=2'],
  ownmemory: ['GrpTRES=mem=100'],
  ownone: ['MaxSubmitJobs=1'],
  low: [],
  minutes: [],
  nodes: [],
  ownnode: ['MaxTRESPerNode=cpu=3'],
  ownminutes: ['GrpTRESRunMins=cpu=30', 'MaxTRESMinsPerJob=cpu=20'],
};
const ALL_QOS = ['normal', ...Object.keys(QOS)].join(',');
const LIMITED = ['cpus4', 'pair', 'short', 'each4', 'user4', 'account2', 'submit2'];
const PARTITIONS = [
  'PartitionName=all Nodes=ALL Default=YES',
  'PartitionName=taking Nodes=ALL AllowAccounts=Vision,text AllowQos=Normal,high',
  'PartitionName=refusing Nodes=ALL DenyAccounts=speech,TEXT DenyQos=high',
  'PartitionName=above Nodes=ALL AllowAccounts=research',
  'PartitionName=small Nodes=ALL AllowAccounts=vision AllowQos=normal MaxNodes=1 MaxTime=50',
  ...LIMITED.map((qos) => `PartitionName=${qos} Nodes=ALL QOS=${qos}`),
  'PartitionName=cpus4too Nodes=ALL QOS=cpus4',
  'PartitionName=tight Nodes=ALL MaxNodes=1 MaxTime=20',
  'PartitionName=wide Nodes=ALL MinNodes=2',
  'PartitionName=timed Nodes=ALL DefaultTime=20',
  'PartitionName=denying Nodes=ALL QOS=deny',
  'PartitionName=part Nodes=ALL MaxCPUsPerNode=24',
  'PartitionName=rest Nodes=ALL MaxCPUsPerNode=40',
  'PartitionName=one Nodes=s1',
  'PartitionName=two Nodes=s2',
  'PartitionName=onetwo Nodes=s[1-2]',
  'PartitionName=urgent Nodes=ALL PriorityTier=5',
  'PartitionName=urgentone Nodes=s1 PriorityTier=5',
  'PartitionName=timed40 Nodes=ALL DefaultTime=40 MaxTime=60',
  'PartitionName=long Nodes=ALL QOS=long',
  'PartitionName=job2 Nodes=ALL QOS=job2',
  'PartitionName=aheadpart Nodes=ALL QOS=aheadpart',
  'PartitionName=minutes60 Nodes=ALL QOS=minutes60',
  'PartitionName=forvision Nodes=ALL AllowAccounts=vision',
  'PartitionName=fortext Nodes=ALL AllowAccounts=text',
];

const times = (count: number, job: Asked): Asked[] => Array.from({ length: count }, () => job);
const IN_TURN: readonly (readonly [string, readonly Asked[]])[] = [
  [
    'whose jobs a partition takes',
    ['taking', 'refusing', 'above'].flatMap((partition) =>
      ['vision', 'speech', 'text'].flatMap((account) =>
        ['normal', 'high', 'low'].map((qos) => ({ partition, account, qos })),
      ),
    ),
  ],
  [
    'nodes before time, time before QOS, QOS before accounts',
    [
      { partition: 'small', account: 'text', qos: 'high', nodes: 2, minutes: 60 },
      { partition: 'small', account: 'text', qos: 'high', minutes: 60 },
      { partition: 'small', account: 'text', qos: 'high' },
      { partition: 'small', account: 'text' },
      { partition: 'small' },
    ],
  ],
  [
    'a QOS of two partitions, of some jobs besides',
    [
      ...times(2, { partition: 'cpus4' }),
      { partition: 'all', qos: 'cpus4' },
      ...times(2, { partition: 'cpus4too' }),
      { partition: 'cpus4', qos: 'cpus4' },
    ],
  ],
  [
    'a looser one of the job',
    [
      ...times(3, { partition: 'cpus4', qos: 'job8', cpus: 2 }),
      ...times(3, { partition: 'all', qos: 'job8', cpus: 2 }),
    ],
  ],
  [
    'a tighter one of the job',
    [...times(3, { partition: 'cpus4', qos: 'job2', cpus: 2 }), { partition: 'all', qos: 'job2' }],
  ],
  [
    'one of the job that is over it',
    [
      ...times(5, { partition: 'cpus4', qos: 'over8', cpus: 2 }),
      { partition: 'cpus4' },
      { partition: 'cpus4', qos: 'over' },
    ],
  ],
  ['one over it that says nothing', times(5, { partition: 'cpus4', qos: 'over' })],
  [
    'limits of accounts after both',
    [...times(3, { partition: 'cpus4', account: 'tiny', cpus: 2 }), { partition: 'all', account: 'tiny', cpus: 2 }],
  ],
  [
    'jobs of a user',
    [
      ...times(3, { partition: 'pair', qos: 'one' }),
      { partition: 'all', qos: 'one' },
      ...times(2, { partition: 'pair' }),
    ],
  ],
  ['jobs of an account', [...times(3, { partition: 'account2' }), { partition: 'account2', account: 'text' }]],
  [
    'time',
    ['normal', 'long', 'overlong'].flatMap((qos) =>
      [5, 20, 40].map((minutes) => ({ partition: 'short', qos, minutes })),
    ),
  ],
  [
    'one job, and kinds of resources each for itself',
    [
      { partition: 'each4', cpus: 5 },
      { partition: 'each4', cpus: 3, qos: 'each2' },
      { partition: 'all', cpus: 3, qos: 'each2' },
      { partition: 'user4', cpus: 2, qos: 'node1' },
      { partition: 'user4', cpus: 2, qos: 'node1', nodes: 2 },
      { partition: 'user4', cpus: 5 },
    ],
  ],
  [
    'what a job has of a node',
    [
      ...[4, 5].map((cpus) => ({ partition: 'all', qos: 'node4', nodes: 1, cpus })),
      ...[8, 10].map((cpus) => ({ partition: 'all', qos: 'node4', nodes: 2, cpus })),
      ...['node2', 'nodeover'].map((qos) => ({ partition: 'long', qos, nodes: 1, cpus: 4 })),
      { partition: 'long', qos: 'nodeover', nodes: 1, cpus: 6 },
      ...[100, 101].map((mebibytes) => ({ partition: 'all', qos: 'nodememory', nodes: 2, mebibytes })),
      ...['nodes', 'ownnode'].flatMap((account) =>
        [2, 3, 4].map((cpus) => ({ partition: 'all', account, nodes: 1, cpus })),
      ),
      { partition: 'all', account: 'ownnode', qos: 'node4', nodes: 1, cpus: 4 },
    ],
  ],
  [
    'CPUs of a node for all jobs of a partition',
    [
      ...times(7, { partition: 'part', nodes: 1, cpus: 12 }),
      ...times(3, { partition: 'all', nodes: 1, cpus: 40 }),
      { partition: 'part', nodes: 1 },
    ],
  ],
  [
    'the same for those of two, and for gangs',
    [
      ...times(2, { partition: 'part', nodes: 2, cpus: 48 }),
      ...times(4, { partition: 'rest', nodes: 1, cpus: 40 }),
      { partition: 'part', nodes: 1, cpus: 24 },
    ],
  ],
  [
    'memory',
    [
      ...times(2, { partition: 'all', qos: 'memory', mebibytes: 60 }),
      { partition: 'all', qos: 'memory' },
      ...times(2, { partition: 'all', qos: 'usermemory', mebibytes: 60 }),
      { partition: 'all', qos: 'jobmemory', mebibytes: 101 },
      { partition: 'all', qos: 'jobmemory', mebibytes: 100 },
      ...times(2, { partition: 'all', account: 'ownmemory', mebibytes: 60 }),
    ],
  ],
  [
    'what asks for too little',
    [
      { partition: 'all', qos: 'least', cpus: 3 },
      { partition: 'all', qos: 'least', cpus: 4 },
      { partition: 'all', qos: 'leastnodes', nodes: 1 },
      { partition: 'all', qos: 'leastnodes', nodes: 2 },
    ],
  ],
  [
    'limits of a user by himself, and those of the account where he has none',
    [
      ...[1, 3, 5].map((cpus) => ({ partition: 'all', account: 'own', cpus })),
      ...[10, 11].map((minutes) => ({ partition: 'all', account: 'own', minutes })),
      ...times(3, { partition: 'all', account: 'ownjobs' }),
      ...times(3, { partition: 'all', account: 'owncpus' }),
    ],
  ],
  [
    'limits of a partition that a QOS lifts',
    [
      ...['longer', 'longerto60', 'normal'].flatMap((qos) =>
        [undefined, 30, 70].map((minutes) => ({ partition: 'tight', qos, ...(minutes !== undefined && { minutes }) })),
      ),
      { partition: 'tight', qos: 'wider', nodes: 2 },
      { partition: 'tight', qos: 'widerto2', nodes: 2 },
      { partition: 'tight', qos: 'widerto2', nodes: 3 },
      { partition: 'tight', nodes: 2 },
      { partition: 'wide', qos: 'smaller', nodes: 1 },
      { partition: 'wide', nodes: 1 },
    ],
  ],
  [
    'time for those that ask for none',
    ['all', 'tight', 'timed', 'short'].flatMap((partition) =>
      ['normal', 'short', 'long', 'longerto60'].map((qos) => ({ partition, qos })),
    ),
  ],
  [
    'what a job in front keeps back',
    [
      { partition: 'all', nodes: 1, cpus: 64, minutes: 2 },
      { partition: 'all', nodes: 3, cpus: 192, minutes: 2 },
      { partition: 'all', nodes: 2, cpus: 128, minutes: 30 },
    ],
  ],
  [
    'what one without a reservation does not',
    [
      { partition: 'all', nodes: 1, cpus: 64, minutes: 2 },
      { partition: 'all', qos: 'unreserved', nodes: 3, cpus: 192, minutes: 2 },
      { partition: 'all', nodes: 2, cpus: 128, minutes: 30 },
    ],
  ],
];
const MINUTES: readonly (readonly [string, readonly Asked[]])[] = [
  [
    'minutes ahead',
    [
      ...times(3, { partition: 'all', qos: 'ahead120', minutes: 60 }),
      ...[1, 121].map((minutes) => ({ partition: 'all', qos: 'ahead120', minutes })),
      { partition: 'all', qos: 'ahead120' },
      ...[60, 1].map((minutes) => ({ partition: 'all', qos: 'aheadnodes', nodes: 1, minutes })),
      { partition: 'all', qos: 'aheadnodes', nodes: 2, minutes: 31 },
      { partition: 'all', qos: 'aheadmemory', mebibytes: 100, minutes: 60 },
      { partition: 'all', qos: 'aheadmemory', mebibytes: 1, minutes: 1 },
    ],
  ],
  [
    'minutes of a job',
    [
      ...[60, 61].map((minutes) => ({ partition: 'all', qos: 'minutes60', minutes })),
      ...[30, 31].map((minutes) => ({ partition: 'all', qos: 'minutes60', cpus: 2, minutes })),
      ...['all', 'tight', 'timed'].map((partition) => ({ partition, qos: 'minutes60' })),
      { partition: 'all', qos: 'minutesnodes', nodes: 2, minutes: 31 },
      { partition: 'all', qos: 'minutesmemory', mebibytes: 101, minutes: 60 },
      ...[2, 3].map((cpus) => ({ partition: 'all', qos: 'minuteswall', cpus })),
      { partition: 'tight', qos: 'ahead60' },
      { partition: 'minutes60', minutes: 61 },
    ],
  ],
  [
    'minutes by the QOS of a partition and of the job',
    [
      ...[61, 59, 1].map((minutes) => ({ partition: 'aheadpart', qos: 'ahead60', minutes })),
      { partition: 'aheadpart', qos: 'ahead240', minutes: 200 },
      { partition: 'all', qos: 'ahead60', minutes: 1 },
    ],
  ],
  [
    'minutes of accounts and of users',
    [
      ...[100, 1].map((minutes) => ({ partition: 'all', account: 'low', minutes })),
      { partition: 'all', account: 'low', qos: 'aheadbelow', minutes: 110 },
      { partition: 'all', account: 'minutes', minutes: 41 },
      { partition: 'all', account: 'minutes', cpus: 2, minutes: 20 },
      { partition: 'all', account: 'minutes', qos: 'minutes60', minutes: 50 },
      ...[20, 10, 1].map((minutes) => ({ partition: 'all', account: 'ownminutes', minutes })),
    ],
  ],
];
const SEVERAL: readonly (readonly [string, readonly Asked[]])[] = [
  [
    'the tier of a partition first, then as they are named',
    [
      ...['one,two', 'two,one', 'all,one', 'one,all', 'one,two,one'].map((partition) => ({ partition })),
      ...['one,urgentone', 'all,urgent', 'urgent,all', 'two,one,urgentone'].map((partition) => ({ partition })),
    ],
  ],
  [
    'where there is room first, and behind those that wait there',
    [
      { partition: 'one', nodes: 1, cpus: 64 },
      { partition: 'one,two', nodes: 1 },
      { partition: 'one,two', nodes: 1, cpus: 64 },
      { partition: 'one,two', nodes: 1, cpus: 63 },
      { partition: 'two', nodes: 1 },
      { partition: 'one,two', nodes: 1 },
    ],
  ],
  [
    'reservations in each of them',
    [
      { partition: 'one', nodes: 1, cpus: 64, minutes: 20 },
      { partition: 'two', nodes: 1, cpus: 32, minutes: 30 },
      { partition: 'one,two', nodes: 1, cpus: 64, minutes: 50 },
      { partition: 'two', nodes: 1, minutes: 40 },
      { partition: 'two', nodes: 1, minutes: 20 },
      { partition: 'one,two', nodes: 1, minutes: 40 },
      { partition: 'one,two', nodes: 1, minutes: 20 },
    ],
  ],
  [
    'none that is too small or too short for it',
    [
      { partition: 'tight,all', minutes: 30 },
      { partition: 'tight,all', nodes: 2 },
      { partition: 'one,onetwo', nodes: 2 },
      { partition: 'tight,wide', nodes: 1, minutes: 30 },
      { partition: 'tight,timed40', minutes: 70 },
      { partition: 'tight,all', minutes: 10 },
      { partition: 'all,tight', minutes: 10 },
      { partition: 'tight,all', qos: 'longer', minutes: 30 },
    ],
  ],
  [
    'none that does not take it',
    [
      ...['fortext,forvision', 'forvision,fortext', 'fortext,wide'].map((partition) => ({ partition, nodes: 1 })),
      ...['fortext,tight', 'tight,fortext'].map((partition) => ({ partition, minutes: 30 })),
    ],
  ],
  [
    'time for those that ask for none: its default, else the least of all QOS',
    [
      'timed,timed40',
      'timed40,timed',
      'all,timed',
      'tight,all',
      'all,tight',
      'short,all',
      'all,short',
      'short,timed',
      'timed,short',
      'all,short,tight',
      'all,long,short',
      'tight,short',
      'tight,long',
      'long,short',
    ].map((partition) => ({ partition })),
  ],
  [
    'time with a QOS of the job',
    [
      ...['all,short', 'all,timed', 'short,long'].map((partition) => ({ partition, qos: 'long' })),
      { partition: 'all,short', minutes: 30 },
      { partition: 'short,timed', minutes: 15 },
      { partition: 'short,tight', minutes: 30 },
    ],
  ],
  [
    'limits of each',
    [
      { partition: 'cpus4', cpus: 4 },
      ...times(2, { partition: 'cpus4,job2', cpus: 2 }),
      { partition: 'job2,cpus4' },
      { partition: 'cpus4,all', cpus: 3 },
      { partition: 'cpus4,account2', cpus: 3 },
      ...times(2, { partition: 'account2,job2', cpus: 3 }),
      { partition: 'job2,account2', cpus: 3 },
    ],
  ],
  [
    'a limit in one and no room in another',
    [
      { partition: 'one', nodes: 1, cpus: 64 },
      { partition: 'job2', cpus: 2 },
      ...['one,job2', 'job2,one'].map((partition) => ({ partition, nodes: 1, cpus: 2 })),
    ],
  ],
];
const REFUSED: readonly Asked[] = [
  { partition: 'denying', cpus: 5 },
  { partition: 'denying', cpus: 4 },
  { partition: 'all', qos: 'deny', cpus: 2 },
  { partition: 'all', qos: 'deny', cpus: 1 },
  { partition: 'all', qos: 'deny', cpus: 2, minutes: 11 },
  ...times(2, { partition: 'all', qos: 'denygroup', cpus: 4 }),
  { partition: 'all', qos: 'denygroup', cpus: 5 },
  { partition: 'all', qos: 'denygroup', mebibytes: 101 },
  { partition: 'all', qos: 'denyothers', account: 'tiny', cpus: 3 },
  { partition: 'all', qos: 'denyothers', account: 'own', minutes: 11 },
  { partition: 'all', qos: 'denyothers', account: 'own', cpus: 5 },
  ...times(3, { partition: 'all', qos: 'denyothers', account: 'ownjobs' }),
  ...times(3, { partition: 'all', qos: 'all2' }),
  ...times(3, { partition: 'all', qos: 'accountstwo' }),
  { partition: 'all', qos: 'accountstwo', account: 'text' },
  ...times(3, { partition: 'all', account: 'owntwo' }),
  ...times(2, { partition: 'all', account: 'ownone' }),
  { partition: 'part', nodes: 1, cpus: 25 },
  { partition: 'part', nodes: 1, cpus: 24 },
  { partition: 'rest', nodes: 2, cpus: 82 },
  ...(IN_TURN[0]?.[1] ?? []),
  ...(IN_TURN[1]?.[1] ?? []),
  ...(SEVERAL[3]?.[1] ?? []),
  ...(SEVERAL[4]?.[1] ?? []),
  ...[5, 4].map((cpus) => ({ partition: 'all', qos: 'denynode', nodes: 1, cpus })),
  ...[8, 10].map((cpus) => ({ partition: 'all', qos: 'denynode', nodes: 2, cpus })),
  ...[61, 31, 30].map((minutes) => ({ partition: 'all', qos: 'denyminutes', minutes })),
  { partition: 'all,nowhere' },
  { partition: 'one,two', nodes: 2 },
  { partition: 'one,all', nodes: 2, cpus: 128 },
  { partition: 'wide,tight', nodes: 1 },
  ...times(3, { partition: 'submit2', qos: 'submit1' }),
  { partition: 'all', qos: 'submit1' },
];

describe.skipIf(!isThere)('partitions', () => {
  let slurm: SlurmCluster;
  beforeAll(async () => {
    slurm = await startSlurm({
      nodes: 3,
      cpusPerNode: 64,
      confLines: [
        'SelectTypeParameters=CR_CPU_Memory',
        'DefMemPerCPU=1',
        'SchedulerParameters=bf_interval=1,bf_resolution=1,sched_interval=1,batch_sched_delay=1',
        ...PARTITIONS,
      ],
      accounting: [
        ...Object.entries(QOS).map(([name, limits]) => ['add', 'qos', name, ...limits]),
        ['add', 'account', 'research', `qos=${ALL_QOS}`],
        ['add', 'account', 'vision', 'parent=research', `qos=${ALL_QOS}`],
        ['add', 'account', 'speech', `qos=${ALL_QOS}`],
        ['add', 'account', 'text', `qos=${ALL_QOS}`],
        ['add', 'account', 'tiny', `qos=${ALL_QOS}`, 'GrpTRES=cpu=2'],
        ['add', 'account', 'owntwo', `qos=${ALL_QOS}`, 'GrpSubmitJobs=2'],
        ['add', 'account', 'own', `qos=${ALL_QOS}`, 'MaxTRESPerJob=cpu=2'],
        ...['ownjobs', 'owncpus', 'ownmemory', 'ownone'].map((account) => [
          'add',
          'account',
          account,
          `qos=${ALL_QOS}`,
        ]),
        ['add', 'account', 'top', `qos=${ALL_QOS}`, 'GrpTRESRunMins=cpu=100'],
        ['add', 'account', 'low', 'parent=top', `qos=${ALL_QOS}`],
        ['add', 'account', 'minutes', `qos=${ALL_QOS}`, 'MaxTRESMinsPerJob=cpu=40'],
        ['add', 'account', 'nodes', `qos=${ALL_QOS}`, 'MaxTRESPerNode=cpu=2'],
        ['add', 'account', 'ownnode', `qos=${ALL_QOS}`, 'MaxTRESPerNode=cpu=2'],
        ['add', 'account', 'ownminutes', `qos=${ALL_QOS}`],
        ...Object.entries(LIMITS_OF_USER).map(([account, limits]) => {
          return ['add', 'user', userInfo().username, `account=${account}`, ...limits];
        }),
      ],
    });
  }, 180_000);
  afterAll(() => slurm?.stop());

  it.each([...IN_TURN, ...MINUTES])(
    'let start what a controller lets start, and say the same of the others: %s',
    async (_, jobs) => {
      const { ours, theirs } = await answersOf(slurm, jobs, 'reason');
      expect(theirs).toEqual(ours);
    },
    240_000,
  );

  it.each(SEVERAL)(
    'let jobs start in one of several: %s',
    async (_, jobs) => {
      const { ours, theirs } = await answersOf(slurm, jobs, 'start');
      expect(theirs).toEqual(ours);
    },
    240_000,
  );

  it('refuse what a controller refuses', async () => {
    const path = join(slurm.folder, 'slurm.conf');
    const text = readFileSync(path, 'utf8');
    for (const word of ['ANY', 'ALL']) {
      execFileSync('/bin/sh', ['-c', `printf '%s' "$1" >"$0"`, path, `EnforcePartLimits=${word}\n${text}`]);
      execFileSync('/usr/bin/scontrol', ['reconfigure'], { env: slurm.env });
      const ours = schedulerOf(slurm);
      const results = REFUSED.map((asked, index) => {
        const isRefused = submit(slurm, asked).status !== 0;
        return { asked, isRefused, ourRefused: !ours.submit(index + 1, asked) };
      });
      await cancelAll(slurm);
      expect(results.filter(({ isRefused, ourRefused }) => isRefused !== ourRefused)).toEqual([]);
      expect(results.filter(({ isRefused }) => isRefused).length).toBeGreaterThan(10);
    }
  }, 240_000);
});
