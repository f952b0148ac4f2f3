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

/**
 * What attempts used, with what faded until `nowMs` taken off: what `FairShare` and limits on used minutes would have counted. `before`: what others had
 * used, as it was then; it is added.
 */
export function pastUse(
  policy: Policy,
  attempts: Iterable<PastAttempt>,
  nowMs: number,
  before: { atMs: number; use: PastUse } | null = null,
): PastUse {
  const lambda = decayRate(policy.priority.decayHalfLifeSeconds);
  const factors = new Map(policy.qos.map(({ name, usageFactor }) => [name, usageFactor ?? 1]));
  const partitionOf = partitionFinder(policy.partitions);
  const uses = new Map<string, AssociationUse>();
  const minutes = new Map<string, { faded: Amounts; whole: Amounts } & CarriedMinutes>();
  if (before !== null) {
    const left = Math.exp((-lambda * Math.max(0, nowMs - before.atMs)) / 1000);
    for (const use of before.use.uses) uses.set(useKey(use), { ...use, billingSeconds: use.billingSeconds * left });
    for (const kind of before.use.minutes) {
      const faded = amounts({}, 0);
      for (const name of RESOURCES) faded[name] = kind.faded[name] * left;
      minutes.set(kindKey(kind), { ...kind, faded, whole: { ...kind.whole } });
    }
  }
  for (const attempt of attempts) {
    const { account, user, qos, partition, nodes, perNode, startMs, endMs } = attempt;
    const factor = factors.get(qos) ?? 1;
    const seconds = Math.max(0, endMs - startMs) / 1000;
    const sinceSeconds = Math.max(0, nowMs - endMs) / 1000;
    const left = fadedSpan(seconds, lambda) * Math.exp(-lambda * sinceSeconds);
    const key = useKey(attempt);
    const use = uses.get(key) ?? { account, user, billingSeconds: 0 };
    use.billingSeconds += nodes * billingRate(policy, partitionOf(partition), perNode) * factor * left;
    uses.set(key, use);
    const keyOfKind = kindKey(attempt);
    const kind = minutes.get(keyOfKind) ?? {
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
    minutes.set(keyOfKind, kind);
  }
  return { uses: [...uses.values()], minutes: [...minutes.values()] };
}

function useKey({ account, user }: Pick<PastAttempt, 'account' | 'user'>): string {
  return `${account}\n${user}`;
}

function kindKey(of: Pick<PastAttempt, 'account' | 'user' | 'qos' | 'partition'>): string {
  return `${useKey(of)}\n${of.qos}\n${of.partition ?? ''}`;
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
