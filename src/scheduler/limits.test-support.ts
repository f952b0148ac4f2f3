import type { LimitPolicy } from './limits.ts';
import type { AccountPolicy, UseLimit } from './policy.ts';

export interface NaiveJob {
  user: string;
  account: string;
  qos: string;
  nodes: number;
  gpus: number;
  cpus: number;
  timeLimitMs: number | null;
  array: { id: number; runningMax: number } | null;
}

const RESOURCES = ['jobs', 'nodes', 'gpus', 'cpus'] as const;

/** Whether the job may start beside those that run: every limit is looked up and every counter counted anew. */
export function naiveMayStart(policy: LimitPolicy, job: NaiveJob, running: readonly NaiveJob[]): boolean {
  const qos = policy.qos.find(({ name }) => name === job.qos);
  const accountOf = (name: string) => policy.accounts.find((account) => account.name === name);
  const pathOf = (name: string): AccountPolicy[] => {
    const account = accountOf(name);
    return account === undefined ? [] : [account, ...pathOf(account.parent ?? '')];
  };
  const isInUse = (amount: number | null | undefined): amount is number => amount !== null && amount !== undefined;
  const inherited = (name: 'perUser' | 'perAccount' | 'perJob', resource: (typeof RESOURCES)[number]) =>
    pathOf(job.account).find((account) => account[name]?.[resource] !== undefined)?.[name]?.[resource];

  if (job.array !== null) {
    const { id, runningMax } = job.array;
    if (running.filter(({ array }) => array?.id === id).length >= runningMax) return false;
  }
  const wall =
    qos?.wallSecondsMax ??
    pathOf(job.account).find(({ wallSecondsMax }) => wallSecondsMax !== undefined)?.wallSecondsMax;
  if (isInUse(wall) && job.timeLimitMs !== null && job.timeLimitMs > wall * 1000) return false;

  for (const resource of RESOURCES) {
    const used = (jobs: readonly NaiveJob[]) =>
      jobs.reduce((sum, one) => sum + (resource === 'jobs' ? 1 : one[resource]), 0);
    const exceeds = (limit: number | null | undefined, isCounted: (other: NaiveJob) => boolean) =>
      isInUse(limit) && used([...running.filter(isCounted), job]) > limit;
    const of = (limit: UseLimit | undefined) => limit?.[resource];
    const ofQos = (other: NaiveJob) => other.qos === job.qos;
    const ofUser = (other: NaiveJob) => other.user === job.user;
    const ofAccount = (other: NaiveJob) => other.account === job.account;
    if (exceeds(of(qos?.group), ofQos)) return false;
    if (exceeds(of(qos?.perUser), (other) => ofQos(other) && ofUser(other))) return false;
    if (exceeds(of(qos?.perAccount), (other) => ofQos(other) && ofAccount(other))) return false;
    if (resource !== 'jobs' && exceeds(of(qos?.perJob), () => false)) return false;
    if (!isInUse(of(qos?.group))) {
      for (const { name, group } of pathOf(job.account)) {
        const isBelow = (other: NaiveJob) => pathOf(other.account).some((account) => account.name === name);
        if (exceeds(of(group), isBelow)) return false;
      }
    }
    if (!isInUse(of(qos?.perUser))) {
      const limit = inherited('perUser', resource);
      if (exceeds(limit, (other) => ofAccount(other) && ofUser(other))) return false;
    }
    if (!isInUse(of(qos?.perAccount)) && exceeds(inherited('perAccount', resource), ofAccount)) return false;
    if (resource !== 'jobs' && !isInUse(of(qos?.perJob)) && exceeds(inherited('perJob', resource), () => false)) {
      return false;
    }
  }
  return true;
}
