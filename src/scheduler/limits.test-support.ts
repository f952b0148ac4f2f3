import type { LimitPolicy } from './limit-profile.ts';
import type { Limits, UseLimit } from './policy.ts';

export interface NaiveJob {
  user: string;
  account: string;
  qos: string;
  /** Of its partition; null: it has none. */
  partitionQos: string | null;
  nodes: number;
  /** Indices of the nodes on which it runs, or would. */
  on: readonly number[];
  gpus: number;
  cpus: number;
  memoryBytes: number;
  timeLimitMs: number | null;
  /** The same; Infinity for none. */
  minutesMs: number;
  array: { id: number; runningMax: number } | null;
  /** Since when it runs; 0 of one that waits. */
  startMs: number;
}

type LimitKind = 'group' | 'perUser' | 'perAccount' | 'perJob' | 'perJobMinutes' | 'groupRunMinutes';

const RESOURCES = ['jobs', 'nodes', 'gpus', 'cpus', 'memoryBytes'] as const;

/** Whether the job may start beside those that run: every limit is looked up and every counter counted anew. Minutes ahead are as of `calculatedMs`. */
export function naiveMayStart(
  policy: LimitPolicy,
  job: NaiveJob,
  running: readonly NaiveJob[],
  calculatedMs = 0,
): boolean {
  const own = policy.qos.find(({ name }) => name === job.qos);
  const ofPartition = policy.qos.find(({ name }) => name === job.partitionQos);
  const [first, second] = own?.isOverPartitionQos === true ? [own, ofPartition] : [ofPartition, own];
  const accountOf = (name: string) => policy.accounts.find((account) => account.name === name);
  const pathOf = (name: string): string[] => {
    const account = accountOf(name);
    return account === undefined ? [] : [name, ...pathOf(account.parent ?? '')];
  };
  const ownLimits = policy.users.filter(({ name, account }) => name === job.user && account === job.account);
  const associations: Limits[] = [...ownLimits, ...pathOf(job.account).flatMap((name) => accountOf(name) ?? [])];
  const isInUse = (amount: number | null | undefined): amount is number => amount !== null && amount !== undefined;
  const inherited = (
    name: 'perUser' | 'perAccount' | 'perJob' | 'perJobMinutes',
    resource: (typeof RESOURCES)[number],
  ) => associations.find((one) => one[name]?.[resource] !== undefined)?.[name]?.[resource];

  if (job.array !== null) {
    const { id, runningMax } = job.array;
    if (running.filter(({ array }) => array?.id === id).length >= runningMax) return false;
  }
  const wall =
    first?.wallSecondsMax ??
    second?.wallSecondsMax ??
    associations.find(({ wallSecondsMax }) => wallSecondsMax !== undefined)?.wallSecondsMax;
  if (isInUse(wall) && job.timeLimitMs !== null && job.timeLimitMs > wall * 1000) return false;

  for (const resource of RESOURCES) {
    const used = (jobs: readonly NaiveJob[]) => {
      if (resource === 'nodes') return new Set(jobs.flatMap(({ on }) => on)).size;
      return jobs.reduce((sum, one) => sum + (resource === 'jobs' ? 1 : one[resource]), 0);
    };
    const asked = resource === 'jobs' ? 1 : job[resource];
    const exceeds = (limit: number | null | undefined, isCounted: (other: NaiveJob) => boolean) =>
      isInUse(limit) && used(running.filter(isCounted)) + asked > limit;
    const of = (limit: UseLimit | undefined) => limit?.[resource];
    const ofUser = (other: NaiveJob) => other.user === job.user;
    const ofAccount = (other: NaiveJob) => other.account === job.account;
    /** The first of the two QOS that has such a limit holds the job to it, with all that runs under its name. */
    const exceedsQos = (kind: LimitKind, isCounted: (other: NaiveJob) => boolean, by = exceeds) => {
      const qos = isInUse(of(first?.[kind])) ? first : second;
      const isOf = (other: NaiveJob) => other.qos === qos?.name || other.partitionQos === qos?.name;
      return by(of(qos?.[kind]), (other) => isOf(other) && isCounted(other));
    };
    const isInQos = (kind: LimitKind) => isInUse(of(first?.[kind])) || isInUse(of(second?.[kind]));
    if (resource !== 'jobs') {
      const minutes = (one: NaiveJob, ranMs: number) => {
        const leftMs = Math.max(0, one.minutesMs - ranMs);
        return one[resource] === 0 ? 0 : (one[resource] * leftMs) / 60_000;
      };
      const exceedsAhead = (limit: number | null | undefined, isCounted: (other: NaiveJob) => boolean) => {
        if (!isInUse(limit)) return false;
        const ahead = running.filter(isCounted).map((one) => minutes(one, Math.max(0, calculatedMs - one.startMs)));
        const sum = ahead.reduce((total, one) => total + one, 0);
        // Of memory whole mebibytes count.
        return (resource === 'memoryBytes' ? 0 : Math.floor(sum)) + minutes(job, 0) > limit;
      };
      if (exceedsQos('groupRunMinutes', () => true, exceedsAhead)) return false;
      if (exceedsQos('perJobMinutes', () => false, exceedsAhead)) return false;
      if (!isInQos('perJobMinutes') && exceedsAhead(inherited('perJobMinutes', resource), () => false)) return false;
      if (!isInQos('groupRunMinutes')) {
        for (const name of pathOf(job.account)) {
          const isBelow = ({ account }: NaiveJob) => pathOf(account).includes(name);
          if (exceedsAhead(of(accountOf(name)?.groupRunMinutes), isBelow)) return false;
        }
        const isOwn = (other: NaiveJob) => ofAccount(other) && ofUser(other);
        if (ownLimits.some(({ groupRunMinutes }) => exceedsAhead(of(groupRunMinutes), isOwn))) return false;
      }
    }
    if (exceedsQos('group', () => true)) return false;
    if (exceedsQos('perUser', ofUser)) return false;
    if (exceedsQos('perAccount', ofAccount)) return false;
    if (resource !== 'jobs' && exceedsQos('perJob', () => false)) return false;
    const least = of(first?.perJobMin) ?? of(second?.perJobMin) ?? 0;
    if (resource !== 'jobs' && job[resource] < least) return false;
    if (!isInQos('group')) {
      for (const name of pathOf(job.account)) {
        if (exceeds(of(accountOf(name)?.group), ({ account }) => pathOf(account).includes(name))) return false;
      }
      const isOwn = (other: NaiveJob) => ofAccount(other) && ofUser(other);
      if (ownLimits.some(({ group }) => exceeds(of(group), isOwn))) return false;
    }
    if (!isInQos('perUser')) {
      const limit = inherited('perUser', resource);
      if (exceeds(limit, (other) => ofAccount(other) && ofUser(other))) return false;
    }
    if (!isInQos('perAccount') && exceeds(inherited('perAccount', resource), ofAccount)) return false;
    if (resource !== 'jobs' && !isInQos('perJob') && exceeds(inherited('perJob', resource), () => false)) {
      return false;
    }
  }
  return true;
}
