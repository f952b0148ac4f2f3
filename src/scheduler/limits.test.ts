import { describe, expect, it } from 'vitest';
import type { LimitPolicy } from './limit-profile.ts';
import type { Demand } from './limit-faults.ts';
import { LimitCounters, NEVER } from './limits.ts';
import { demand } from './demand.test-support.ts';

const ANN = { name: 'ann', account: 'vision' };

function nodesFrom(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, offset) => first + offset);
}

/** Starts as many jobs of one kind, each on nodes of its own, as the limits let, 10 at most; how many started, and why no more. */
function fill(policy: Partial<LimitPolicy>, each: Demand = demand(), account = 'vision', user = 'ann', qos = 'normal') {
  const counters = new LimitCounters({ accounts: [], qos: [], users: [], ...policy });
  const profile = counters.profile(account, user, qos);
  let started = 0;
  while (started < 10 && counters.blockedBy(profile, each) === null) {
    counters.start(profile, each, nodesFrom(started * each.nodes, each.nodes));
    counters.begin(profile, each, {}, 0, 1);
    started += 1;
  }
  return { started, reason: counters.blockedBy(profile, each)?.reason ?? null, counters, profile };
}

describe('each limit holds jobs up with Slurm’s word for it', () => {
  const two = { jobs: 2 };
  const cases: [string, Partial<LimitPolicy>, number, string][] = [
    ['jobs of a QOS', { qos: [{ name: 'normal', group: two }] }, 2, 'QOSGrpJobsLimit'],
    ['GPUs of a QOS', { qos: [{ name: 'normal', group: { gpus: 31 } }] }, 3, 'QOSGrpGRES'],
    ['CPUs of a QOS', { qos: [{ name: 'normal', group: { cpus: 40 } }] }, 2, 'QOSGrpCpuLimit'],
    ['CPUs of its user', { qos: [{ name: 'normal', perUser: { cpus: 16 } }] }, 1, 'QOSMaxCpuPerUserLimit'],
    ['CPUs of an account', { accounts: [{ name: 'vision', group: { cpus: 63 } }] }, 3, 'AssocGrpCpuLimit'],
    ['nodes of a QOS', { qos: [{ name: 'normal', group: { nodes: 4 } }] }, 4, 'QOSGrpNodeLimit'],
    ['jobs of its user', { qos: [{ name: 'normal', perUser: two }] }, 2, 'QOSMaxJobsPerUserLimit'],
    ['GPUs of its user', { qos: [{ name: 'normal', perUser: { gpus: 8 } }] }, 1, 'QOSMaxGRESPerUser'],
    ['nodes of its user', { qos: [{ name: 'normal', perUser: { nodes: 1 } }] }, 1, 'QOSMaxNodePerUserLimit'],
    ['jobs of its account', { qos: [{ name: 'normal', perAccount: two }] }, 2, 'MaxJobsPerAccount'],
    ['GPUs of its account', { qos: [{ name: 'normal', perAccount: { gpus: 16 } }] }, 2, 'MaxGRESPerAccount'],
    ['nodes of its account', { qos: [{ name: 'normal', perAccount: { nodes: 3 } }] }, 3, 'MaxNodePerAccount'],
    ['GPUs of a job', { qos: [{ name: 'normal', perJob: { gpus: 7 } }] }, 0, 'QOSMaxGRESPerJob'],
    ['nodes of a job', { qos: [{ name: 'normal', perJob: { nodes: 0 } }] }, 0, 'QOSMaxNodePerJobLimit'],
    ['time of a job', { qos: [{ name: 'normal', wallSecondsMax: 59 }] }, 0, 'QOSMaxWallDurationPerJobLimit'],
    ['jobs of an account', { accounts: [{ name: 'vision', group: two }] }, 2, 'AssocGrpJobsLimit'],
    ['GPUs of an account', { accounts: [{ name: 'vision', group: { gpus: 16 } }] }, 2, 'AssocGrpGRES'],
    ['nodes of an account', { accounts: [{ name: 'vision', group: { nodes: 1 } }] }, 1, 'AssocGrpNodeLimit'],
    ['jobs of a user of an account', { accounts: [{ name: 'vision', perUser: two }] }, 2, 'AssocMaxJobsLimit'],
    ['GPUs of a job of an account', { accounts: [{ name: 'vision', perJob: { gpus: 4 } }] }, 0, 'AssocMaxGRESPerJob'],
    [
      'nodes of a job of an account',
      { accounts: [{ name: 'vision', perJob: { nodes: 0 } }] },
      0,
      'AssocMaxNodePerJobLimit',
    ],
    [
      'CPU minutes ahead in a QOS',
      { qos: [{ name: 'normal', groupRunMinutes: { cpus: 40 } }] },
      2,
      'QOSGrpCPURunMinutesLimit',
    ],
    [
      'GPU minutes ahead in a QOS',
      { qos: [{ name: 'normal', groupRunMinutes: { gpus: 8 } }] },
      1,
      'QOSGrpGRESRunMinutes',
    ],
    [
      'node minutes ahead of an account',
      { accounts: [{ name: 'vision', groupRunMinutes: { nodes: 3 } }] },
      3,
      'AssocGrpNodeRunMinutes',
    ],
    [
      'memory ahead of a user',
      { users: [{ ...ANN, groupRunMinutes: { memoryBytes: 99 } }] },
      0,
      'AssocGrpMemRunMinutes',
    ],
    [
      'CPU minutes of a job',
      { qos: [{ name: 'normal', perJobMinutes: { cpus: 15 } }] },
      0,
      'QOSMaxCpuMinutesPerJobLimit',
    ],
    ['node minutes of a job', { qos: [{ name: 'normal', perJobMinutes: { nodes: 0 } }] }, 0, 'QOSMaxNodeMinutesPerJob'],
    [
      'GPU minutes of a job',
      { accounts: [{ name: 'vision', perJobMinutes: { gpus: 7 } }] },
      0,
      'AssocMaxGRESMinutesPerJob',
    ],
    ['CPUs of a node', { qos: [{ name: 'normal', perNode: { cpus: 15 } }] }, 0, 'QOSMaxCpuPerNode'],
    ['GPUs of a node', { qos: [{ name: 'normal', perNode: { gpus: 7 } }] }, 0, 'QOSMaxGRESPerNode'],
    ['memory of a node', { qos: [{ name: 'normal', perNode: { memoryBytes: 99 } }] }, 0, 'QOSMaxMemoryPerNode'],
    ['CPUs of a node of an account', { accounts: [{ name: 'vision', perNode: { cpus: 1 } }] }, 0, 'AssocMaxCpuPerNode'],
    ['GPUs of a node of a user', { users: [{ ...ANN, perNode: { gpus: 7 } }] }, 0, 'AssocMaxGRESPerNode'],
    [
      'memory of a node of an account',
      { accounts: [{ name: 'vision', perNode: { memoryBytes: 99 } }] },
      0,
      'AssocMaxMemPerNode',
    ],
    ['memory of a QOS', { qos: [{ name: 'normal', group: { memoryBytes: 250 } }] }, 2, 'QOSGrpMemLimit'],
    ['memory of its user', { qos: [{ name: 'normal', perUser: { memoryBytes: 100 } }] }, 1, 'QOSMaxMemoryPerUser'],
    [
      'memory of its account',
      { qos: [{ name: 'normal', perAccount: { memoryBytes: 300 } }] },
      3,
      'MaxMemoryPerAccount',
    ],
    ['memory of a job', { qos: [{ name: 'normal', perJob: { memoryBytes: 99 } }] }, 0, 'QOSMaxMemoryPerJob'],
    ['memory of an account', { accounts: [{ name: 'vision', group: { memoryBytes: 100 } }] }, 1, 'AssocGrpMemLimit'],
    [
      'memory of a job of an account',
      { accounts: [{ name: 'vision', perJob: { memoryBytes: 9 } }] },
      0,
      'AssocMaxMemPerJob',
    ],
    ['too few CPUs', { qos: [{ name: 'normal', perJobMin: { cpus: 17 } }] }, 0, 'QOSMinCpuNotSatisfied'],
    ['too few GPUs', { qos: [{ name: 'normal', perJobMin: { gpus: 9 } }] }, 0, 'QOSMinGRES'],
    ['too few nodes', { qos: [{ name: 'normal', perJobMin: { nodes: 2 } }] }, 0, 'QOSMinNode'],
    ['too little memory', { qos: [{ name: 'normal', perJobMin: { memoryBytes: 101 } }] }, 0, 'QOSMinMemory'],
    ['jobs of a user by himself', { users: [{ ...ANN, group: two }] }, 2, 'AssocGrpJobsLimit'],
    ['CPUs of a user', { users: [{ ...ANN, group: { cpus: 40 } }] }, 2, 'AssocGrpCpuLimit'],
    ['jobs of a user at once', { users: [{ ...ANN, perUser: { jobs: 1 } }] }, 1, 'AssocMaxJobsLimit'],
    ['CPUs of a job of a user', { users: [{ ...ANN, perJob: { cpus: 15 } }] }, 0, 'AssocMaxCpuPerJobLimit'],
    ['time of a user', { users: [{ ...ANN, wallSecondsMax: 1 }] }, 0, 'AssocMaxWallDurationPerJobLimit'],
    ['time in an account', { accounts: [{ name: 'vision', wallSecondsMax: 1 }] }, 0, 'AssocMaxWallDurationPerJobLimit'],
  ];
  it.each(cases)('%s', (_, policy, startedMax, reason) => {
    const { started, reason: found } = fill(policy);
    expect([started, found]).toEqual([startedMax, reason]);
  });

  it('tasks of an array', () => {
    const throttled = demand({ array: { id: 7, runningMax: 4 } });
    expect(fill({}, throttled)).toMatchObject({ started: 4, reason: 'JobArrayTaskLimit' });
  });
});

describe('a limit', () => {
  it('that a job breaks by itself has the key that never goes down', () => {
    const { counters, profile } = fill({ qos: [{ name: 'normal', wallSecondsMax: 1 }] });
    expect(counters.blockedBy(profile, demand())?.key).toBe(NEVER);
    expect(counters.blockedBy(profile, demand({ timeLimitMs: null }))).toBeNull();
    expect(profile.wallMsMax).toBe(1000);
  });

  it('of the QOS overrules that of the account, though its jobs still count there', () => {
    const policy = {
      qos: [{ name: 'normal' }, { name: 'high', group: { gpus: 64 } }],
      accounts: [{ name: 'vision', group: { gpus: 16 } }],
    };
    const { started, reason, counters } = fill(policy, demand(), 'vision', 'ann', 'high');
    expect([started, reason]).toEqual([8, 'QOSGrpGRES']);
    const normal = counters.profile('vision', 'bob', 'normal');
    expect(counters.blockedBy(normal, demand())?.reason).toBe('AssocGrpGRES');
  });

  it('of an account counts the jobs of all accounts below', () => {
    const accounts = [
      { name: 'research', group: { jobs: 3 } },
      { name: 'vision', parent: 'research' },
      { name: 'speech', parent: 'research' },
    ];
    const { counters } = fill({ accounts }, demand(), 'vision');
    const speech = counters.profile('speech', 'bob', 'normal');
    expect(counters.blockedBy(speech, demand())?.reason).toBe('AssocGrpJobsLimit');
    expect(counters.blockedBy(counters.profile('other', 'bob', 'normal'), demand())).toBeNull();
  });

  it('is known by the keys that an end brings down', () => {
    const { counters, profile } = fill({ qos: [{ name: 'normal', perUser: { jobs: 2 } }] });
    const key = counters.blockedBy(profile, demand())?.key;
    expect(counters.end(profile, demand(), [0])).toContain(key);
    expect(counters.blockedBy(profile, demand())).toBeNull();
    expect(counters.end(counters.profile('a', 'u', 'free'), demand(), [0])).toEqual([]);
  });

  it('counts a node once, however many jobs share it', () => {
    const counters = new LimitCounters({ accounts: [], users: [], qos: [{ name: 'normal', perUser: { nodes: 2 } }] });
    const profile = counters.profile('vision', 'ann', 'normal');
    for (let job = 0; job < 3; job++) counters.start(profile, demand(), [7]);
    expect(counters.blockedBy(profile, demand())).toBeNull();
    counters.start(profile, demand(), [8]);
    expect(counters.blockedBy(profile, demand())?.reason).toBe('QOSMaxNodePerUserLimit');
    counters.end(profile, demand(), [7]);
    expect(counters.blockedBy(profile, demand())?.reason).toBe('QOSMaxNodePerUserLimit');
    counters.end(profile, demand(), [8]);
    expect(counters.blockedBy(profile, demand())).toBeNull();
  });

  it('of a user comes before that of the account, and its jobs count beside those of the account', () => {
    const accounts = [{ name: 'vision', perUser: { jobs: 1 }, group: { cpus: 48 }, wallSecondsMax: 10 }];
    const users = [{ ...ANN, perUser: { jobs: 5 }, group: { cpus: 64 }, wallSecondsMax: 100 }];
    expect(fill({ accounts, users })).toMatchObject({ started: 3, reason: 'AssocGrpCpuLimit' });
    expect(fill({ accounts, users }, demand({ timeLimitMs: 9000 }), 'vision', 'bob')).toMatchObject({ started: 1 });
    const others = [{ ...ANN, account: 'speech', group: { cpus: 0 } }];
    expect(fill({ users: others })).toMatchObject({ started: 10 });
  });

  it('refuses the end of what has not started', () => {
    const counters = new LimitCounters({ accounts: [], users: [], qos: [{ name: 'normal', group: { jobs: 1 } }] });
    const profile = counters.profile('a', 'u', 'normal');
    expect(() => counters.end(profile, demand(), [0])).toThrow('has started');
    expect(() => counters.end(profile, demand({ array: { id: 1, runningMax: 1 } }), [0])).toThrow('has started');
  });
});

/** As a controller of Slurm 22.05 has it: `test/slurm-partitions.slow.test.ts`. */
describe('the QOS of a partition', () => {
  const policy: LimitPolicy = {
    qos: [
      { name: 'normal' },
      { name: 'part', group: { cpus: 64 }, perUser: { jobs: 4 }, wallSecondsMax: 60, submitJobsPerUser: 2 },
      { name: 'tight', group: { cpus: 32 }, perUser: { jobs: 1 }, wallSecondsMax: 30, submitJobsPerUser: 1 },
      { name: 'over', group: { cpus: 96 }, isOverPartitionQos: true },
      { name: 'nodes', group: { nodes: 1 } },
    ],
    accounts: [{ name: 'small', group: { cpus: 16 }, perUser: { jobs: 1 } }],
    users: [],
  };
  const started = (qos: string, account = 'vision') => {
    const counters = new LimitCounters(policy);
    const profile = counters.profile(account, 'ann', qos, 'part');
    let count = 0;
    while (counters.blockedBy(profile, demand()) === null) {
      counters.start(profile, demand(), [count]);
      count += 1;
    }
    return [count, counters.blockedBy(profile, demand())?.reason, counters] as const;
  };

  it('comes before that of the job and before the account, limit by limit', () => {
    expect(started('normal').slice(0, 2)).toEqual([4, 'QOSGrpCpuLimit']);
    expect(started('tight').slice(0, 2)).toEqual([4, 'QOSGrpCpuLimit']);
    expect(started('normal', 'small').slice(0, 2)).toEqual([4, 'QOSGrpCpuLimit']);
    expect(started('nodes').slice(0, 2)).toEqual([1, 'QOSGrpNodeLimit']);
    const wall = demand({ timeLimitMs: 45_000 });
    const counters = new LimitCounters(policy);
    expect(counters.blockedBy(counters.profile('vision', 'ann', 'tight', 'part'), wall)).toBeNull();
    expect(counters.blockedBy(counters.profile('vision', 'ann', 'tight'), wall)?.reason).toBe(
      'QOSMaxWallDurationPerJobLimit',
    );
  });

  it('comes after one that is flagged to be over it, where that has the same limit', () => {
    expect(started('over').slice(0, 2)).toEqual([4, 'QOSMaxJobsPerUserLimit']);
    const [, , counters] = started('over');
    // 64 CPUs of it run: the partition's own limit is reached for the others.
    expect(counters.blockedBy(counters.profile('vision', 'bob', 'over', 'part'), demand())).toBeNull();
    expect(counters.blockedBy(counters.profile('vision', 'bob', 'normal', 'part'), demand())?.reason).toBe(
      'QOSGrpCpuLimit',
    );
  });

  it('counts with the jobs whose own it is, and their own QOS counts them too', () => {
    const [, , counters] = started('tight');
    const short = demand({ timeLimitMs: 1000 });
    const elsewhere = (qos: string) => counters.blockedBy(counters.profile('vision', 'bob', qos), short)?.reason;
    expect([elsewhere('part'), elsewhere('tight'), elsewhere('normal')]).toEqual([
      'QOSGrpCpuLimit',
      'QOSGrpCpuLimit',
      undefined,
    ]);
    const same = counters.profile('vision', 'ann', 'part', 'part');
    expect(same.counters).toHaveLength(2);
  });

  it('says how many jobs may be submitted', () => {
    const counters = new LimitCounters(policy);
    const tight = counters.profile('vision', 'ann', 'tight', 'part');
    counters.entered(tight);
    expect(counters.admission(tight, 1)).toBeNull();
    counters.entered(tight);
    expect(counters.admission(tight, 1)).toContain('user ann in QOS part has 2 jobs');
    expect(counters.admission(counters.profile('vision', 'ann', 'tight'), 1)).toContain('in QOS tight has 2 jobs');
  });
});
