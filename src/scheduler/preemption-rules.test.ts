import { describe, expect, it } from 'vitest';
import { completePolicy } from './policy.ts';
import { PreemptionRules } from './preemption-rules.ts';

const qos = [
  { name: 'scavenger', priority: 1, preemptMode: 'cancel' as const, graceSeconds: 30, preemptExemptSeconds: 0 },
  { name: 'normal', priority: 10, preempts: ['scavenger'] },
  { name: 'urgent', priority: 100, preempts: ['normal', 'scavenger', 'sacred'] },
  { name: 'sacred', preemptMode: 'off' as const },
];
const partitions = [
  { name: 'batch', priorityTier: 1, isDefault: true },
  { name: 'prod', priorityTier: 5 },
];

describe('by QOS', () => {
  const rules = new PreemptionRules(completePolicy({ preempt: { type: 'qos', exemptSeconds: 7200 }, qos, partitions }));
  const classOf = (name: string) => rules.classOf(name, null);

  it('lets a QOS preempt those it names, but never one whose mode is off', () => {
    const pairs = qos.flatMap((a) =>
      qos.filter((b) => rules.canPreempt(classOf(a.name), classOf(b.name))).map((b) => [a.name, b.name]),
    );
    expect(pairs).toEqual([
      ['normal', 'scavenger'],
      ['urgent', 'scavenger'],
      ['urgent', 'normal'],
    ]);
  });

  it('ranks a QOS above those it preempts as soon as there are jobs of both', () => {
    expect(['scavenger', 'normal', 'urgent'].map((name) => rules.use(name))).toEqual([false, true, true]);
    expect(['scavenger', 'normal', 'urgent'].map((name) => classOf(name).rank)).toEqual([0, 1, 2]);
    expect(rules.use('urgent')).toBe(false);
  });

  it('takes grace, exemption and mode from the QOS, else from the cluster', () => {
    expect(classOf('scavenger')).toMatchObject({ priority: 1, mode: 'cancel', graceMs: 30_000, exemptMs: 0 });
    expect(classOf('normal')).toMatchObject({ priority: 10, mode: 'requeue', graceMs: 0, exemptMs: 7_200_000 });
    expect(classOf('unheard of')).toMatchObject({ priority: 0, mode: 'requeue', exemptMs: 7_200_000 });
  });

  it('gives the same object for the same jobs', () => {
    expect(classOf('normal')).toBe(classOf('normal'));
    expect(classOf('normal')).not.toBe(rules.classOf('normal', 'prod'));
  });
});

describe('by partition', () => {
  const rules = new PreemptionRules(completePolicy({ preempt: { type: 'partition_prio' }, qos, partitions }));

  it('takes mode and grace from the partition first', () => {
    const own = [
      { name: 'batch', priorityTier: 1, preemptMode: 'cancel' as const, graceSeconds: 60 },
      { name: 'safe', priorityTier: 1, preemptMode: 'off' as const },
      { name: 'prod', priorityTier: 5 },
    ];
    const ofOwn = (type: 'partition_prio' | 'qos') =>
      new PreemptionRules(completePolicy({ preempt: { type }, qos, partitions: own }));
    const [byPartition, byQos] = [ofOwn('partition_prio'), ofOwn('qos')];
    expect(byPartition.classOf('normal', 'batch')).toMatchObject({ mode: 'cancel', graceMs: 60_000 });
    expect(byQos.classOf('normal', 'batch')).toMatchObject({ mode: 'requeue', graceMs: 0 });
    const prod = byPartition.classOf('normal', 'prod');
    expect(byPartition.canPreempt(prod, byPartition.classOf('normal', 'safe'))).toBe(false);
    expect(byPartition.canPreempt(prod, byPartition.classOf('normal', 'batch'))).toBe(true);
  });

  it('lets a higher tier preempt a lower one', () => {
    const [batch, prod] = [rules.classOf('urgent', null), rules.classOf('scavenger', 'prod')];
    expect([rules.canPreempt(prod, batch), rules.canPreempt(batch, prod), rules.canPreempt(prod, prod)]).toEqual([
      true,
      false,
      false,
    ]);
    expect([batch.priority, prod.priority]).toEqual([1, 5]);
  });
});

it('does nothing by default', () => {
  const rules = new PreemptionRules(completePolicy({ qos }));
  expect(rules.isEnabled).toBe(false);
  expect(rules.canPreempt(rules.classOf('urgent', null), rules.classOf('normal', null))).toBe(false);
});
