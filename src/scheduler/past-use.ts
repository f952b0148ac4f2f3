import type { Resources } from '../cluster/node.ts';
import { type Policy, partitionFinder } from './policy.ts';
import { billingRate } from './billing.ts';
import { decayRate, fadedSpan } from './decay.ts';
import { type Amounts, RESOURCES } from './limit-reasons.ts';
import { amounts, hasBudget } from './limit-strength.ts';
import { UNIT } from './run-minutes.ts';
import type { AssociationUse, CarriedMinutes } from './types.ts';

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

/** What attempts used, by account and user, and by kind of job. */
export interface PastUse {
  readonly uses: readonly AssociationUse[];
  readonly minutes: readonly CarriedMinutes[];
}

/** After so many half-lives less than a millionth is left. */
const HALF_LIVES = 20;

export const NOTHING_USED: PastUse = { uses: [], minutes: [] };

/** Whether anything goes by what was used before. */
export function isPastUseHeeded(policy: Policy): boolean {
  const { type, weights } = policy.priority;
  return (type === 'multifactor' && weights.fairshare > 0) || hasBudgets(policy);
}

/** Whether there are limits on used minutes. Without `multifactor` nothing is ever counted in them. */
export function hasBudgets({ priority, qos, accounts, users }: Policy): boolean {
  return priority.type === 'multifactor' && [...qos, ...accounts, ...users].some(hasBudget);
}

/** Use that ended before this counts no more; 0 where it never fades. */
export function pastUseSinceMs({ priority, qos }: Policy, nowMs: number): number {
  const { decayHalfLifeSeconds } = priority;
  const isKept = qos.some((one) => one.isUseKept === true && hasBudget(one));
  return decayHalfLifeSeconds === 0 || isKept ? 0 : Math.max(0, nowMs - HALF_LIVES * decayHalfLifeSeconds * 1000);
}

/** What attempts used, with what faded until `nowMs` taken off: what `FairShare` and limits on used minutes would have counted. */
export function pastUse(policy: Policy, attempts: Iterable<PastAttempt>, nowMs: number): PastUse {
  const lambda = decayRate(policy.priority.decayHalfLifeSeconds);
  const factors = new Map(policy.qos.map(({ name, usageFactor }) => [name, usageFactor ?? 1]));
  const partitionOf = partitionFinder(policy.partitions);
  const uses = new Map<string, AssociationUse>();
  const minutes = new Map<string, { faded: Amounts; whole: Amounts } & CarriedMinutes>();
  for (const { account, user, qos, partition, nodes, perNode, startMs, endMs } of attempts) {
    const factor = factors.get(qos) ?? 1;
    const seconds = Math.max(0, endMs - startMs) / 1000;
    const sinceSeconds = Math.max(0, nowMs - endMs) / 1000;
    const left = fadedSpan(seconds, lambda) * Math.exp(-lambda * sinceSeconds);
    const key = `${account}\n${user}`;
    const use = uses.get(key) ?? { account, user, billingSeconds: 0 };
    use.billingSeconds += nodes * billingRate(policy, partitionOf(partition), perNode) * factor * left;
    uses.set(key, use);
    const kindKey = `${key}\n${qos}\n${partition ?? ''}`;
    const kind = minutes.get(kindKey) ?? {
      account,
      user,
      qos,
      partition,
      faded: amounts({}, 0),
      whole: amounts({}, 0),
    };
    const held = amountsOf(nodes, perNode);
    for (const name of RESOURCES) {
      kind.faded[name] += held[name] * factor * left * 1000;
      kind.whole[name] += held[name] * factor * seconds * 1000;
    }
    minutes.set(kindKey, kind);
  }
  return { uses: [...uses.values()], minutes: [...minutes.values()] };
}

function amountsOf(nodes: number, { gpus, cpus, memoryBytes }: Resources): Amounts {
  return {
    jobs: 1,
    nodes,
    gpus: nodes * gpus,
    cpus: nodes * cpus,
    memoryBytes: (nodes * memoryBytes) / UNIT.memoryBytes,
  };
}
