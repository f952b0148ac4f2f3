import { describe, expect, it } from 'vitest';
import { demand } from './demand.test-support.ts';
import { deniedOnLimit, type Demand } from './limit-faults.ts';
import type { LimitPolicy } from './limit-profile.ts';
import { LimitCounters } from './limits.ts';

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
      users: [{ name: 'ann', account: 'vision', submitJobs: 1, submitJobsPerUser: 7 }],
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
