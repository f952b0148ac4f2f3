import { describe, expect, it } from 'vitest';
import { SLURM_CADENCE } from '../../formats/slurm-times.ts';
import { overridesOf, parseSettings, withPolicyOverrides } from './overrides.ts';

describe('--set', () => {
  it('takes no more GPUs on a node than memory can hold of them', () => {
    expect(overridesOf({ gpusPerNode: '1000' })).toMatchObject({ gpusPerNode: 1000 });
    expect(() => overridesOf({ gpusPerNode: '9999999' })).toThrow(
      'set gpusPerNode: expected an integer >= 0 and <= 1000, got "9999999"',
    );
  });

  it('sorts figures from fields of the policy', () => {
    const settings = parseSettings(['nodes=2000', 'failuresPerThousandNodeDays=2.34', 'preempt.exemptSeconds=0']);
    expect(overridesOf(settings)).toEqual({
      nodes: 2000,
      failuresPerThousandNodeDays: 2.34,
      policy: [['preempt.exemptSeconds', '0']],
    });
  });

  it('replaces one field and leaves its neighbours', () => {
    const policy = {
      bfIntervalSeconds: 30,
      preempt: { type: 'qos', exemptSeconds: 7200 },
      priority: { weights: { age: 5, fairshare: 6, jobSize: 0, partition: 0, qos: 7 } },
    } as const;
    const made = withPolicyOverrides(policy, [
      ['preempt.exemptSeconds', '60'],
      ['priority.weights.age', '9'],
      ['bf_window', '2880'],
      ['schedulerType', 'builtin'],
    ]);
    expect(made).toEqual({
      bfIntervalSeconds: 30,
      bfWindowSeconds: 172_800,
      schedulerType: 'builtin',
      preempt: { type: 'qos', exemptSeconds: 60 },
      priority: { weights: { age: 9, fairshare: 6, jobSize: 0, partition: 0, qos: 7 } },
    });
    expect(policy.preempt.exemptSeconds).toBe(7200);
  });

  it("puts Slurm's times of passes into the cadence", () => {
    const change = (pair: readonly [string, string]) =>
      withPolicyOverrides({ backfillType: 'conservative', cadence: SLURM_CADENCE }, [pair]).cadence;
    expect(change(['sched_interval', '300'])).toEqual({ ...SLURM_CADENCE, schedIntervalSeconds: 300 });
    expect(change(['bf_continue', 'true'])).toEqual({ ...SLURM_CADENCE, isBfContinued: true });
    expect(() => change(['sched_interval', 'often'])).toThrow(
      'set sched_interval: expected an integer >= 1, got "often"',
    );
  });

  it("takes what is about Slurm's passes where the policy makes them, or is made to", () => {
    const linear = { backfillType: 'conservative', selectType: 'linear' } as const;
    expect(withPolicyOverrides({ backfillType: 'conservative' }, [['bf_max_job_user', '3']]).bfMaxJobUser).toBe(3);
    expect(withPolicyOverrides({}, Object.entries(linear))).toEqual(linear);
    const pairs = overridesOf(parseSettings(['cadence.schedIntervalSeconds=9', 'backfillType=conservative'])).policy;
    expect(withPolicyOverrides({}, pairs).cadence).toEqual({ ...SLURM_CADENCE, schedIntervalSeconds: 9 });
    // What the policy said before is not what is set.
    expect(withPolicyOverrides({ selectType: 'linear' }, [['bfIntervalSeconds', '9']]).bfIntervalSeconds).toBe(9);
  });

  it.each([
    ['bf_max_job_user=3', 'set bf_max_job_user: it would change nothing: it is about the passes of backfillType'],
    [
      'selectType=linear',
      'set selectType: it would change nothing: it is about the passes of backfillType conservative',
    ],
    ['cadence.schedIntervalSeconds=9', 'set cadence.schedIntervalSeconds: it would change nothing: it is about'],
    ['nodes', 'set: expected NAME=VALUE such as nodes=2000, got "nodes"'],
    ['nodes=many', 'set nodes: expected an integer > 0 and <= 1000000, got "many"'],
    ['nodes=99999999', 'set nodes: expected an integer > 0 and <= 1000000, got "99999999"'],
    [
      'ndoes=5',
      'set ndoes: neither one of nodes, gpusPerNode, cpusPerNode, maxRequeues, failuresPerThousandNodeDays nor a field of the policy; did you mean "nodes"?',
    ],
    ['preempt.exempSeconds=5', 'nor a field of the policy; did you mean "exemptSeconds"?'],
    ['zzzzzz=5', 'nor a field of the policy, which docs/reference/policy.md lists'],
    ['bfMaxJobTest=-1', 'set bfMaxJobTest: expected an integer > 0, got -1'],
    ['max_sched_time=5', 'set max_sched_time: it would change nothing: passes of the main scheduler take no time'],
    ['sched_interval=5', 'set sched_interval: it would change nothing without a cadence'],
  ])('refuses %s', (pair, message) => {
    expect(() => withPolicyOverrides({}, overridesOf(parseSettings([pair])).policy)).toThrow(message);
  });
});
