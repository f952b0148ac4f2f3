import type { SlurmClusterOptions } from '../support/slurm-cluster.ts';

/** A cluster as many have one: partitions that overlap, two QOS, accounts with shares, leaf switches. */
export const SITE: SlurmClusterOptions = {
  nodes: 32,
  cpusPerNode: 64,
  gpusPerNode: 8,
  nodePrefix: 'dgx',
  confLines: [
    'SelectTypeParameters=CR_CPU',
    'TopologyPlugin=topology/tree',
    'AccountingStorageTRES=gres/gpu',
    'LogTimeFormat=iso8601_ms',
    'SlurmctldDebug=debug',
    'DebugFlags=Backfill',
    'SchedulerParameters=batch_sched_delay=1,bf_interval=5,bf_resolution=10,bf_max_job_test=1000,default_queue_depth=1000',
    'PriorityType=priority/multifactor',
    'PriorityWeightAge=2000',
    'PriorityMaxAge=0-00:10:00',
    'PriorityWeightFairshare=10000',
    'PriorityWeightQOS=4000',
    'PriorityWeightPartition=1000',
    'PriorityDecayHalfLife=0-00:10:00',
    'PriorityCalcPeriod=1',
    'PartitionName=train Nodes=dgx[1-24] Default=YES MaxTime=1:00:00 State=UP',
    'PartitionName=shared Nodes=dgx[17-32] MaxTime=30 DefaultTime=10 PriorityJobFactor=10 State=UP',
    'PartitionName=debug Nodes=dgx[29-32] MaxTime=10 PriorityTier=10 State=UP',
  ],
  topologyLines: [
    'SwitchName=leaf1 Nodes=dgx[1-8]',
    'SwitchName=leaf2 Nodes=dgx[9-16]',
    'SwitchName=leaf3 Nodes=dgx[17-24]',
    'SwitchName=leaf4 Nodes=dgx[25-32]',
    'SwitchName=spine Switches=leaf[1-4]',
  ],
  accounting: [
    ['add', 'qos', 'high', 'priority=100'],
    ['add', 'account', 'vision', 'fairshare=3', 'qos=normal,high'],
    ['add', 'account', 'language', 'fairshare=1', 'qos=normal,high'],
    ['add', 'user', 'games', 'account=vision', 'fairshare=1'],
    ['add', 'user', 'man', 'account=vision', 'fairshare=2'],
    ['add', 'user', 'mail', 'account=language', 'fairshare=1'],
    ['add', 'user', 'news', 'account=language', 'fairshare=1'],
  ],
};

export const USERS = [
  { user: 'games', account: 'vision' },
  { user: 'man', account: 'vision' },
  { user: 'mail', account: 'language' },
  { user: 'news', account: 'language' },
] as const;

export const PARTITIONS = [
  { name: 'train', share: 6, nodesMax: 2 },
  { name: 'shared', share: 3, nodesMax: 2 },
  { name: 'debug', share: 1, nodesMax: 1 },
] as const;
