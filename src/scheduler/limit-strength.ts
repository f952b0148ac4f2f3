import { type Amounts, type JobReasons, type Resource, RESOURCES } from './limit-reasons.ts';
import type { Limits, QosPolicy, UseLimit } from './qos-and-accounts.ts';

export type LimitKind =
  | 'group'
  | 'perUser'
  | 'perAccount'
  | 'perJob'
  | 'perNode'
  | 'perJobMin'
  | 'perJobMinutes'
  | 'groupRunMinutes';
/** Limits of one kind that come before another. */
export type Stronger = readonly (UseLimit | undefined)[];

/** An association on the way from a user's to the root: whose jobs its `group` counts, in words and as the id of the counter. */
export interface Association extends Limits {
  readonly id: readonly string[];
  readonly words: string;
}

export interface JobCheck<R = JobReasons> {
  readonly limit: Amounts;
  readonly reasons: R;
}

/** The counter that has this id, else a new one. */
export function counterOf<T>(counters: Map<string, T>, id: readonly string[], make: () => T): T {
  const name = JSON.stringify(id);
  let counter = counters.get(name);
  if (counter === undefined) counters.set(name, (counter = make()));
  return counter;
}

/** On the minutes that jobs use; those of the wall clock are job minutes. */
export function usedLimit({ groupMinutes = {}, groupWallSeconds: seconds = null }: Limits): UseLimit {
  return { ...groupMinutes, jobs: seconds === null ? null : seconds / 60 };
}

/** Whether they limit what jobs use. */
export function hasBudget(limits: Limits): boolean {
  return isLimiting(usedLimit(limits));
}

/** What the QOS say of this kind, or those that are stronger than the one at `place`. */
export function strongerOf(qosList: readonly QosPolicy[], kind: LimitKind, place = qosList.length): Stronger {
  return qosList.slice(0, place).map((qos) => qos[kind]);
}

/** What one job may have at most by its QOS, and by its association of what these say nothing of. */
export function jobChecks<R>(
  kind: 'perJob' | 'perNode' | 'perJobMinutes',
  qosList: readonly QosPolicy[],
  path: readonly Association[],
  ofQos: R,
  ofAccount: R,
): JobCheck<R>[] {
  const checks = qosList.map((qos, place) => {
    return { limit: most(without(qos[kind] ?? {}, strongerOf(qosList, kind, place))), reasons: ofQos };
  });
  checks.push({ limit: most(without(inherited(path, kind), strongerOf(qosList, kind))), reasons: ofAccount });
  return checks.filter(({ limit }) => RESOURCES.some((name) => limit[name] < Infinity));
}

/** A job counts against a limit even where a stronger one lets it pass: `stronger` are those of its kind, which are looked at in its place. */
export function addLimit<C, R>(
  { counters, checks }: { counters: C[]; checks: { counter: C; limit: Amounts; reasons: R }[] },
  limit: UseLimit,
  reasons: R,
  stronger: Stronger,
  makeCounter: () => C,
): void {
  if (!isLimiting(limit)) return;
  const counter = makeCounter();
  counters.push(counter);
  const checked = without(limit, stronger);
  if (isLimiting(checked)) checks.push({ counter, limit: most(checked), reasons });
}

/** `otherwise` of what the limit says nothing of. */
export function amounts(limit: UseLimit, otherwise: number): Amounts {
  const of = (name: Resource) => limit[name] ?? otherwise;
  return { jobs: of('jobs'), gpus: of('gpus'), nodes: of('nodes'), cpus: of('cpus'), memoryBytes: of('memoryBytes') };
}

export function most(limit: UseLimit): Amounts {
  return amounts(limit, Infinity);
}

export function isLimiting(limit: UseLimit): boolean {
  return RESOURCES.some((name) => (limit[name] ?? null) !== null);
}

/** What `limit` says of the resources that none of the `stronger` says anything of. */
export function without(limit: UseLimit, stronger: Stronger): UseLimit {
  const left: UseLimit = {};
  for (const name of RESOURCES) {
    if (stronger.every((one) => (one?.[name] ?? null) === null)) left[name] = limit[name] ?? null;
  }
  return left;
}

/** What the first says that says that there is a limit; null where none does. */
export function firstOf<T, U>(list: readonly T[], of: (one: T) => U | null | undefined): U | null {
  for (const one of list) {
    const value = of(one) ?? null;
    if (value !== null) return value;
  }
  return null;
}

/** What the nearest on the way to the root says that says anything; null says that there is no limit. */
export function nearest<T>(path: readonly Association[], of: (policy: Limits) => T | undefined): T | null {
  for (const policy of path) {
    const value = of(policy);
    if (value !== undefined) return value;
  }
  return null;
}

export function inherited(
  path: readonly Association[],
  name: 'perUser' | 'perAccount' | 'perJob' | 'perNode' | 'perJobMinutes',
): UseLimit {
  const limit: UseLimit = {};
  for (const resource of RESOURCES) limit[resource] = nearest(path, (policy) => policy[name]?.[resource]);
  return limit;
}
