import { describe, expect, it } from 'vitest';
import { overridesOf, parseSettings, withPolicyOverrides } from './overrides.ts';

describe('--set', () => {
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

  it.each([
    ['nodes', 'set: expected NAME=VALUE such as nodes=2000, got "nodes"'],
    ['nodes=many', 'set nodes: expected an integer > 0, got "many"'],
    ['ndoes=5', 'set ndoes: neither one of nodes, gpusPerNode, cpusPerNode, maxRequeues'],
    ['bfMaxJobTest=-1', 'set bfMaxJobTest: neither one of'],
  ])('refuses %s', (pair, message) => {
    expect(() => withPolicyOverrides({}, overridesOf(parseSettings([pair])).policy)).toThrow(message);
  });
});
