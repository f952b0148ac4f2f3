import type { Resources } from '../cluster/node.ts';
import { type Policy, partitionFinder } from './policy.ts';
import { billingRate } from './billing.ts';
import type { AssociationUse } from './types.ts';

/** An attempt that is over. */
export interface PastAttempt {
  account: string;
  user: string;
  qos: string;
  /** Null: the default partition. */
  partition: string | null;
  nodes: number;
  perNode: Resources;
  startMs: number;
  endMs: number;
}

/** After so many half-lives less than a millionth is left. */
const HALF_LIVES = 20;

/** Use that ended before this counts no more; 0 where it never fades. */
export function pastUseSinceMs({ priority }: Policy, nowMs: number): number {
  const { decayHalfLifeSeconds } = priority;
  return decayHalfLifeSeconds === 0 ? 0 : Math.max(0, nowMs - HALF_LIVES * decayHalfLifeSeconds * 1000);
}

/** What attempts used, with what faded until `nowMs` taken off, by account and user; what `FairShare` would have counted. */
export function pastUse(policy: Policy, attempts: Iterable<PastAttempt>, nowMs: number): AssociationUse[] {
  const halfLife = policy.priority.decayHalfLifeSeconds;
  const lambda = halfLife > 0 ? Math.LN2 / halfLife : 0;
  const factors = new Map(policy.qos.map(({ name, usageFactor }) => [name, usageFactor ?? 1]));
  const partitionOf = partitionFinder(policy.partitions);
  const uses = new Map<string, AssociationUse>();
  for (const { account, user, qos, partition, nodes, perNode, startMs, endMs } of attempts) {
    const rate = nodes * billingRate(policy, partitionOf(partition), perNode) * (factors.get(qos) ?? 1);
    const seconds = Math.max(0, endMs - startMs) / 1000;
    const sinceSeconds = Math.max(0, nowMs - endMs) / 1000;
    const whole = lambda === 0 ? seconds : -Math.expm1(-lambda * seconds) / lambda;
    const key = `${account}\n${user}`;
    const use = uses.get(key) ?? { account, user, billingSeconds: 0 };
    use.billingSeconds += rate * whole * Math.exp(-lambda * sinceSeconds);
    uses.set(key, use);
  }
  return [...uses.values()];
}
