import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LimitPolicy } from './limit-profile.ts';
import { deniedOnLimit, type Demand } from './limit-faults.ts';
import { LimitCounters, NEVER } from './limits.ts';
import { isOverUsed, type NaiveJob, naiveMayStart } from './limits.test-support.ts';
import type { Limits } from './qos-and-accounts.ts';

function demand(rest: Partial<Demand> = {}): Demand {
  return {
    nodes: 1,
    gpus: 8,
    cpus: 16,
    memoryBytes: 100,
    timeLimitMs: 60_000,
    minutesMs: 60_000,
    array: null,
    ...rest,
  };
}

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

describe('submission', () => {
  it('is refused beyond submitJobsPerUser, pending and running together', () => {
    const counters = new LimitCounters({ accounts: [], users: [], qos: [{ name: 'normal', submitJobsPerUser: 3 }] });
    const ann = counters.profile('vision', 'ann', 'normal');
    expect(counters.admission(ann, 3)).toBeNull();
    for (let job = 0; job < 2; job++) counters.entered(ann);
    expect(counters.admission(ann, 2)).toBe(
      'user ann in QOS normal has 2 jobs pending or running; 2 more would exceed submitJobsPerUser 3',
    );
    expect(counters.admission(counters.profile('vision', 'bob', 'normal'), 3)).toBeNull();
    counters.left(ann);
    expect(counters.admission(ann, 2)).toBeNull();
  });

  it('is counted in the account too where the QOS has a limit of its own', () => {
    const counters = new LimitCounters({
      accounts: [{ name: 'vision', submitJobsPerUser: 1 }],
      users: [],
      qos: [{ name: 'high', submitJobsPerUser: 5 }],
    });
    const high = counters.profile('vision', 'ann', 'high');
    counters.entered(high);
    expect(counters.admission(high, 1)).toBeNull();
    expect(counters.admission(counters.profile('vision', 'ann', 'normal'), 1)).toContain('in account vision has 1 job');
  });

  it('is refused beyond what a QOS, an account below it or in it, or a user has in all', () => {
    const counters = new LimitCounters({
      qos: [{ name: 'normal', submitJobs: 5, submitJobsPerAccount: 3 }, { name: 'free' }],
      accounts: [
        { name: 'research', submitJobs: 4 },
        { name: 'vision', parent: 'research' },
      ],
      users: [{ ...ANN, submitJobs: 1, submitJobsPerUser: 7 }],
    });
    const profile = (account: string, user: string, qos = 'normal') => counters.profile(account, user, qos);
    const bob = profile('vision', 'bob');
    for (let job = 0; job < 3; job++) counters.entered(bob);
    expect(counters.admission(bob, 1)).toContain('account vision in QOS normal has 3 jobs');
    expect(counters.admission(profile('speech', 'bob'), 3)).toContain('QOS normal has 3 jobs');
    expect(counters.admission(profile('speech', 'bob'), 2)).toBeNull();
    expect(counters.admission(profile('vision', 'bob', 'free'), 2)).toContain('account research has 3 jobs');
    expect(counters.admission(profile('vision', 'ann', 'free'), 1)).toBeNull();
    expect(counters.admission(profile('vision', 'ann', 'free'), 2)).toBe(
      'user ann in account vision has 0 jobs pending or running; 2 more would exceed submitJobs 1',
    );
  });

  it('is refused where the QOS says so of what could never start, and only there', () => {
    const limits = { perJob: { cpus: 15 }, perJobMin: { nodes: 2 }, group: { gpus: 7 }, wallSecondsMax: 59 };
    const denied = (qos: object, rest: Partial<Demand> = {}, more: Partial<LimitPolicy> = {}) => {
      const policy = { accounts: [], users: [], qos: [{ name: 'normal', isDeniedOnLimit: true, ...qos }], ...more };
      return deniedOnLimit(new LimitCounters(policy).profile('vision', 'ann', 'normal'), demand(rest));
    };
    expect(denied(limits, { timeLimitMs: 60_000 })).toBe('it asks for 00:01:00, and no more than 00:00:59 are allowed');
    expect(denied({ perJob: { cpus: 15 } })).toBe('it asks for 16 CPUs, and a job may have 15');
    expect(denied({ perJobMin: { nodes: 2 } })).toBe('it asks for 1 nodes, and a job has to have 2');
    expect(denied({ group: { gpus: 7 } })).toBe('it asks for 8 GPUs, and all jobs together may have 7');
    expect(denied({ ...limits, isDeniedOnLimit: false })).toBeNull();
    expect(denied({ group: { jobs: 0, gpus: 8 }, perJob: { cpus: 16 } })).toBeNull();
    expect(denied({}, {}, { accounts: [{ name: 'vision', perJob: { memoryBytes: 99 } }] })).toContain('of memory');
  });
});

it('lets start what a recount of all that runs lets start, and wakes every job that an end sets free', () => {
  const amount = fc.constantFrom(null, 1, 2, 4, 9);
  const useLimit = fc.record(
    {
      jobs: amount,
      nodes: amount,
      gpus: amount,
      cpus: fc.constantFrom(null, null, 6, 12),
      memoryBytes: fc.constantFrom(null, null, null, 9),
    },
    { requiredKeys: [] },
  );
  const minutes = fc.record(
    {
      gpus: fc.constantFrom(null, null, 3),
      nodes: fc.constantFrom(null, null, 4),
      cpus: fc.constantFrom(null, 2, 7, 12),
      memoryBytes: fc.constantFrom(null, null, 9),
    },
    { requiredKeys: [] },
  );
  const ofAnyone = {
    group: useLimit,
    perUser: useLimit,
    perJob: useLimit,
    perNode: fc.record({ gpus: amount, cpus: amount }, { requiredKeys: [] }),
    perJobMinutes: fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, minutes),
    groupRunMinutes: fc.oneof(fc.constant({}), { weight: 3, arbitrary: minutes }),
    wallSecondsMax: fc.constantFrom(null, null, 10),
    groupMinutes: fc.oneof(fc.constant({}), { weight: 3, arbitrary: minutes }),
    groupWallSeconds: fc.constantFrom(null, null, 60, 100, 180),
  };
  const limits = fc.record({ ...ofAnyone, perAccount: useLimit }, { requiredKeys: [] });
  const limitsOfUser = fc.record(ofAnyone, { requiredKeys: [] });
  const isOver = fc.boolean();
  const least = fc.record({ cpus: fc.constantFrom(null, 2), nodes: fc.constantFrom(null, null, 2) });
  const usage = fc.record({
    isUseKept: fc.boolean(),
    usageFactor: fc.constantFrom(1, 1, 2, 0.5, 0),
    areLimitsSafe: fc.boolean(),
    decayHalfLifeSeconds: fc.constantFrom(0, 0, 100),
  });
  const kinds = fc.constantFrom('ahead', 'used', 'all');
  const policies: fc.Arbitrary<LimitPolicy> = fc
    .tuple(limits, limits, limits, limits, limits, limits, limitsOfUser, least, isOver, kinds, usage)
    .map(([ofA, ofB, ofC, ofX, ofY, ofP, ofU, perJobMin, isOverPartitionQos, kind, used]) => {
      // Beside all others they would seldom be what holds a job up.
      const some = (all: Limits): Limits => {
        const { perJobMinutes = {}, groupRunMinutes = {}, groupMinutes = {}, groupWallSeconds = null } = all;
        if (kind === 'all') return all;
        return kind === 'used' ? { groupMinutes, groupWallSeconds } : { perJobMinutes, groupRunMinutes };
      };
      const { isUseKept, usageFactor, areLimitsSafe, decayHalfLifeSeconds } = used;
      return {
        users: [{ name: 'u', account: 'b', ...some(ofU) }],
        accounts: [
          { name: 'a', ...some(ofA) },
          { name: 'b', parent: 'a', ...some(ofB) },
          { name: 'c', parent: 'b', ...some(ofC) },
        ],
        qos: [
          { name: 'x', usageFactor, ...some(ofX) },
          { name: 'y', isOverPartitionQos, perJobMin, isUseKept, ...some(ofY) },
          { name: 'p', isUseKept, ...some(ofP) },
        ],
        areLimitsSafe,
        priority: { type: 'multifactor', decayHalfLifeSeconds },
      };
    });
  const jobs = fc.record({
    user: fc.constantFrom('u', 'v'),
    account: fc.constantFrom('a', 'b', 'c', 'elsewhere'),
    qos: fc.constantFrom('x', 'y', 'z'),
    partitionQos: fc.constantFrom(null, 'p', 'x'),
    on: fc.uniqueArray(fc.nat(4), { minLength: 1, maxLength: 3 }),
    gpus: fc.integer({ min: 0, max: 4 }),
    cpus: fc.integer({ min: 1, max: 5 }),
    memoryBytes: fc.integer({ min: 0, max: 4 }),
    timeLimitMs: fc.constantFrom(null, 5000, 20_000, 60_000, 150_000),
    array: fc.constantFrom(null, null, { id: 1, runningMax: 1 }, { id: 2, runningMax: 2 }),
  });
  const seen = { started: 0, blocked: 0, woken: 0, wokenByTime: 0, usedUp: 0, tooMuchAhead: 0, spent: 0 };
  const PERIOD_MS = 40_000;
  fc.assert(
    fc.property(policies, fc.array(fc.tuple(jobs, fc.nat(5), fc.nat(3)), { maxLength: 25 }), (policy, submissions) => {
      const counters = new LimitCounters(policy);
      let nowMs = 0;
      let calculatedMs = 0;
      counters.calculated(0);
      const running: NaiveJob[] = [];
      const ended: NaiveJob[] = [];
      const past = () => ({ ended, calculatedMs });
      const factorOf = (job: NaiveJob) => policy.qos.find(({ name }) => name === job.qos)?.usageFactor ?? 1;
      const aside = new Map<NaiveJob, number>();
      const profileOf = (job: NaiveJob) => counters.profile(job.account, job.user, job.qos, job.partitionQos);
      const consider = (job: NaiveJob) => {
        const blocked = counters.blockedBy(profileOf(job), job);
        expect(blocked === null).toBe(naiveMayStart(policy, job, running, past()));
        if (blocked === null) {
          job.startMs = nowMs;
          counters.start(profileOf(job), job, job.on);
          counters.begin(profileOf(job), job, job, nowMs, factorOf(job));
          running.push(job);
          aside.delete(job);
          seen.started += 1;
        } else {
          aside.set(job, blocked.key);
          seen.blocked += 1;
          if (isOverUsed(policy, job, running, past(), false)) seen.usedUp += 1;
          else if (policy.areLimitsSafe === true && isOverUsed(policy, job, running, past(), true))
            seen.tooMuchAhead += 1;
        }
      };
      /** Those that are to be ended are those whose limits have just been reached. */
      const compareSpent = () => {
        const over = running.filter((job) => isOverUsed(policy, job, running, past(), false));
        expect(new Set(counters.spent)).toEqual(new Set(policy.areLimitsSafe === true ? [] : over));
        seen.spent += counters.spent.size;
      };
      const wake = (keys: readonly number[], by: 'woken' | 'wokenByTime') => {
        for (const [waiting, key] of aside) {
          if (keys.includes(key)) continue;
          expect(naiveMayStart(policy, waiting, running, past())).toBe(false);
        }
        for (const [waiting, key] of Array.from(aside)) {
          if (!keys.includes(key)) continue;
          seen[by] += 1;
          consider(waiting);
        }
      };
      for (const [shape, endings, steps] of submissions) {
        nowMs += steps * 15_000;
        if (nowMs >= calculatedMs + PERIOD_MS) {
          calculatedMs = Math.floor(nowMs / PERIOD_MS) * PERIOD_MS;
          const keys = counters.calculated(calculatedMs);
          compareSpent();
          wake(keys, 'wokenByTime');
        }
        const minutesMs = shape.timeLimitMs ?? Infinity;
        consider({ ...shape, nodes: shape.on.length, startMs: 0, endMs: null, minutesMs });
        for (const job of running.splice(0, endings === 0 ? 1 : 0)) {
          const keys = counters.end(profileOf(job), job, job.on);
          const keysOfMinutes = counters.leave(profileOf(job), job, nowMs);
          ended.push({ ...job, endMs: nowMs });
          wake([...keys, ...keysOfMinutes], 'woken');
        }
      }
    }),
    { numRuns: 2000 },
  );
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(100);
});
