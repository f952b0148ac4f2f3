import type { WorkloadPlan } from './workload.ts';

/** A cluster, its policy and a kind of workload. */
export interface FidelityCase {
  name: string;
  cluster: { nodes: number; gpusPerNode: number; nodeWeights?: readonly number[] };
  /** Of `slurm.conf`. */
  confLines: readonly string[];
  /** Arguments of `sacctmgr`; absent: no accounting. */
  accounting?: readonly (readonly string[])[];
  workload: Omit<WorkloadPlan, 'seed' | 'clusterNodes' | 'gpusPerNode'>;
}

const BOUNDS = 'SchedulerParameters=bf_max_job_user=4,bf_job_part_count_reserve=3';
const LARGE = { nodes: 64, gpusPerNode: 8 };
const SMALL = { nodes: 16, gpusPerNode: 8 };
const BASIC = 'PriorityType=priority/basic';
const SWIFT = 'SchedulerParameters=bf_interval=1,bf_resolution=1,bf_max_job_test=1000';

const PREEMPTION = {
  confLines: [BASIC, SWIFT, 'PreemptType=preempt/qos', 'PreemptMode=REQUEUE'],
  accounting: [
    ['add', 'qos', 'low'],
    ['add', 'qos', 'high', 'priority=1000', 'preempt=low'],
    ['add', 'account', 'research', 'qos=normal,low,high'],
    ['add', 'user', 'games', 'account=research'],
  ],
};
const PREEMPTING = {
  qos: [
    { name: 'low', share: 7 },
    { name: 'high', share: 3 },
  ],
  accounts: [{ name: 'research', user: 'games', share: 1 }],
};

const FAIRSHARE = {
  confLines: [
    'PriorityType=priority/multifactor',
    'PriorityWeightFairshare=100000',
    'PriorityWeightAge=1000',
    'PriorityWeightJobSize=1000',
    'PriorityMaxAge=0-01:00:00',
    'PriorityDecayHalfLife=0-00:10:00',
    'PriorityCalcPeriod=1',
    SWIFT,
  ],
  accounting: [
    ['add', 'account', 'vision', 'fairshare=3'],
    ['add', 'account', 'language', 'fairshare=1'],
    ['add', 'user', 'games', 'account=vision', 'fairshare=1'],
    ['add', 'user', 'man', 'account=vision', 'fairshare=2'],
    ['add', 'user', 'mail', 'account=language', 'fairshare=1'],
    ['add', 'user', 'news', 'account=language', 'fairshare=1'],
  ],
};
/** Fair-share is nearly all of the priority: jobs of associations in the lower ranks are below the bound. */
const RANKED = {
  confLines: [...FAIRSHARE.confLines.slice(0, -1), `${SWIFT},bf_max_job_assoc=2,bf_min_prio_reserve=50000`],
  // One user with two associations, each of which counts by itself.
  accounting: [...FAIRSHARE.accounting, ['add', 'user', 'games', 'account=language', 'fairshare=1']],
};

const SHARING = {
  accounts: [
    { name: 'vision', user: 'games', share: 1 },
    { name: 'vision', user: 'man', share: 1 },
    { name: 'language', user: 'mail', share: 1 },
    { name: 'language', user: 'news', share: 1 },
  ],
};

export const CASES: readonly FidelityCase[] = [
  {
    name: 'fifo',
    cluster: LARGE,
    confLines: [BASIC],
    workload: { jobs: 500, load: 1.7, workSeconds: 280 },
  },
  {
    name: 'fifo-swift',
    cluster: LARGE,
    confLines: [BASIC, SWIFT],
    workload: { jobs: 500, load: 1.7, workSeconds: 280 },
  },
  {
    name: 'fifo-long',
    cluster: LARGE,
    confLines: [BASIC],
    workload: { jobs: 500, load: 1.7, workSeconds: 420 },
  },
  {
    name: 'fifo-light',
    cluster: LARGE,
    confLines: [BASIC],
    workload: { jobs: 400, load: 1.1, workSeconds: 240 },
  },
  {
    name: 'fifo-small',
    cluster: SMALL,
    confLines: [BASIC],
    workload: { jobs: 200, load: 1.4, workSeconds: 240 },
  },
  {
    name: 'fifo-weights',
    cluster: { ...SMALL, nodeWeights: [5, 1, 1, 9, 1] },
    confLines: [BASIC],
    workload: { jobs: 200, load: 1.4, workSeconds: 240 },
  },
  {
    name: 'fifo-bounds',
    cluster: SMALL,
    confLines: [BASIC, `${BOUNDS},bf_min_age_reserve=40,partition_job_depth=20`],
    workload: { jobs: 200, load: 1.4, workSeconds: 240, ...SHARING },
  },
  {
    name: 'fifo-counts',
    cluster: SMALL,
    confLines: [
      BASIC,
      'SchedulerParameters=sched_max_job_start=2,bf_max_job_start=4,bf_max_job_part=8',
      'PartitionName=lower Nodes=dgx[1-10] Default=YES MaxTime=INFINITE State=UP',
      'PartitionName=upper Nodes=dgx[7-16] MaxTime=INFINITE State=UP',
    ],
    workload: {
      jobs: 200,
      load: 1.4,
      workSeconds: 240,
      partitions: [
        { name: 'lower', share: 1 },
        { name: 'upper', share: 1 },
      ],
    },
  },
  {
    name: 'fifo-brief',
    cluster: SMALL,
    confLines: [BASIC],
    workload: { jobs: 90, load: 1.5, workSeconds: 80 },
  },
  {
    name: 'fifo-swift-small',
    cluster: SMALL,
    confLines: [BASIC, SWIFT],
    workload: { jobs: 200, load: 1.4, workSeconds: 240 },
  },
  {
    name: 'dependencies',
    cluster: SMALL,
    confLines: [BASIC, SWIFT],
    workload: { jobs: 200, load: 1.3, workSeconds: 240, dependentShare: 0.4 },
  },
  {
    name: 'dependencies-large',
    cluster: LARGE,
    confLines: [BASIC, SWIFT],
    workload: { jobs: 500, load: 1.5, workSeconds: 280, dependentShare: 0.4 },
  },
  {
    name: 'preemption',
    cluster: SMALL,
    ...PREEMPTION,
    workload: { jobs: 200, load: 1.2, workSeconds: 200, ...PREEMPTING },
  },
  {
    name: 'preemption-large',
    cluster: LARGE,
    ...PREEMPTION,
    workload: { jobs: 500, load: 1.5, workSeconds: 280, ...PREEMPTING },
  },
  {
    name: 'fairshare',
    cluster: SMALL,
    ...FAIRSHARE,
    workload: { jobs: 250, load: 1.7, workSeconds: 240, ...SHARING },
  },
  {
    name: 'fairshare-bounds',
    cluster: SMALL,
    ...RANKED,
    workload: {
      jobs: 250,
      load: 1.7,
      workSeconds: 240,
      accounts: [...SHARING.accounts, { name: 'language', user: 'games', share: 1 }],
    },
  },
  {
    name: 'fairshare-large',
    cluster: LARGE,
    ...FAIRSHARE,
    workload: { jobs: 500, load: 1.7, workSeconds: 280, ...SHARING },
  },
];
