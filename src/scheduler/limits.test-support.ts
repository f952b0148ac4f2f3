import type { LimitPolicy } from './limit-profile.ts';
import type { Limits, UseLimit } from './qos-and-accounts.ts';

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
  /** Until when it ran; null of one that runs or waits. */
  endMs: number | null;
}

/** What has run, and when it was last looked at how much what runs used. */
export interface Past {
  ended: readonly NaiveJob[];
  calculatedMs: number;
}

type LimitKind = 'group' | 'perUser' | 'perAccount' | 'perJob' | 'perNode' | 'perJobMinutes' | 'groupRunMinutes';

const RESOURCES = ['jobs', 'nodes', 'gpus', 'cpus', 'memoryBytes'] as const;

/** Whether the job may start beside those that run: every limit is looked up and every counter counted anew. Minutes are as of `calculatedMs`. */
export function naiveMayStart(policy: LimitPolicy, job: NaiveJob, running: readonly NaiveJob[], past: Past): boolean {
  const { calculatedMs } = past;
  if (isOverUsed(policy, job, running, past, policy.areLimitsSafe === true)) return false;
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
    name: 'perUser' | 'perAccount' | 'perJob' | 'perNode' | 'perJobMinutes',
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
      const milliseconds = (one: NaiveJob, ranMs: number, factor = 1) => {
        const leftMs = Math.max(0, one.minutesMs - ranMs);
        const amount = one[resource] * factor;
        return amount === 0 ? 0 : amount * leftMs;
      };
      const factorOf = ({ qos }: NaiveJob) => policy.qos.find(({ name }) => name === qos)?.usageFactor ?? 1;
      const exceedsAhead = (limit: number | null | undefined, isCounted: (other: NaiveJob) => boolean) => {
        if (!isInUse(limit)) return false;
        const ahead = running
          .filter(isCounted)
          .map((one) => milliseconds(one, Math.max(0, calculatedMs - one.startMs), factorOf(one)));
        // Divided once: parts of minutes add up to a little less.
        const sum = ahead.reduce((total, one) => total + one, 0) / 60_000;
        // Of memory whole mebibytes count.
        return (resource === 'memoryBytes' ? 0 : Math.floor(sum)) + milliseconds(job, 0) / 60_000 > limit;
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
    if (resource !== 'jobs' && resource !== 'nodes') {
      const isOnNode = (limit: number | null | undefined) =>
        isInUse(limit) && Math.floor(job[resource] / job.nodes) > limit;
      if (exceedsQos('perNode', () => false, isOnNode)) return false;
      if (!isInQos('perNode') && isOnNode(inherited('perNode', resource))) return false;
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

/** Whether as much is used of some limit that holds for the job as it allows, or `isAhead`: whether it and what runs might use more. */
export function isOverUsed(
  policy: LimitPolicy,
  job: NaiveJob,
  running: readonly NaiveJob[],
  { ended, calculatedMs }: Past,
  isAhead: boolean,
): boolean {
  const qosOf = (name: string | null) => policy.qos.find((qos) => qos.name === name);
  const parentOf = (name: string) => policy.accounts.find((account) => account.name === name)?.parent ?? null;
  const isIn = (account: string | null, top: string): boolean =>
    account !== null && (account === top || isIn(parentOf(account), top));
  const own = qosOf(job.qos);
  const names = own?.isOverPartitionQos === true ? [job.qos, job.partitionQos] : [job.partitionQos, job.qos];
  const qosList = [...new Set(names)].flatMap((name) => qosOf(name) ?? []);
  const factorOf = ({ qos }: NaiveJob) => qosOf(qos)?.usageFactor ?? 1;
  const limitOf = (one: Limits, name: (typeof RESOURCES)[number]) => {
    if (name !== 'jobs') return one.groupMinutes?.[name] ?? null;
    return (one.groupWallSeconds ?? null) === null ? null : Number(one.groupWallSeconds) / 60;
  };
  const amountOf = (one: NaiveJob, name: (typeof RESOURCES)[number]) => (name === 'jobs' ? 1 : one[name]);
  const halfLifeMs = (policy.priority?.decayHalfLifeSeconds ?? 0) * 1000;

  for (const name of RESOURCES) {
    const isReached = (one: Limits, isCounted: (other: NaiveJob) => boolean, isKept = false) => {
      const limit = limitOf(one, name);
      if (limit === null) return false;
      const over = ended.filter(isCounted);
      const asOfMs = Math.max(calculatedMs, ...over.map(({ endMs }) => endMs ?? 0));
      const counted = [
        ...over.map((other) => ({ other, toMs: other.endMs ?? 0 })),
        ...running.filter(isCounted).map((other) => ({ other, toMs: Math.max(calculatedMs, other.startMs) })),
      ];
      let used = 0;
      for (const { other, toMs } of counted) {
        let ms = toMs - other.startMs;
        if (halfLifeMs > 0 && !isKept) {
          const faded = (atMs: number) => 2 ** (-(asOfMs - atMs) / halfLifeMs);
          ms = ((faded(toMs) - faded(other.startMs)) * halfLifeMs) / Math.LN2;
        }
        used += amountOf(other, name) * ms * factorOf(other);
      }
      // Of memory whole mebibytes count.
      const minutes = name === 'memoryBytes' ? 0 : Math.floor(used / 60_000);
      if ((name === 'jobs' ? used / 60_000 : minutes) >= limit) return true;
      if (!isAhead) return false;
      const asked = amountOf(job, name) === 0 ? 0 : (amountOf(job, name) * job.minutesMs) / 60_000;
      const left = (other: NaiveJob) => Math.max(0, other.minutesMs - Math.max(0, calculatedMs - other.startMs));
      const ahead = running.filter(isCounted).map((other) => {
        const amount = amountOf(other, name) * factorOf(other);
        return amount === 0 ? 0 : amount * left(other);
      });
      const all = ahead.reduce((sum, one) => sum + one, 0) / 60_000;
      const isReserved = name !== 'jobs' && (name !== 'memoryBytes' || all === Infinity);
      return minutes + (isReserved ? Math.floor(all) : 0) + asked > limit;
    };
    const qos = qosList.find((one) => limitOf(one, name) !== null);
    if (qos !== undefined) {
      const isOf = (other: NaiveJob) => other.qos === qos.name || other.partitionQos === qos.name;
      if (isReached(qos, isOf, qos.isUseKept)) return true;
      continue;
    }
    for (const account of policy.accounts) {
      if (!isIn(job.account, account.name)) continue;
      if (isReached(account, (other) => isIn(other.account, account.name))) return true;
    }
    for (const user of policy.users) {
      const isOwn = (other: NaiveJob) => other.user === user.name && other.account === user.account;
      if (isOwn(job) && isReached(user, isOwn)) return true;
    }
  }
  return false;
}
