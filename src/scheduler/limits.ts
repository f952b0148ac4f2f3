import { assert, definite } from '../lib/assert.ts';
import { formatDuration } from '../lib/units.ts';
import {
  ACCOUNT_GROUP,
  ACCOUNT_JOB,
  ACCOUNT_USER,
  QOS_ACCOUNT,
  QOS_GROUP,
  QOS_JOB,
  QOS_USER,
  type Reasons,
  RESOURCES,
} from './limit-reasons.ts';
import type { AccountPolicy, QosPolicy, UseLimit } from './policy.ts';
import type { JobRequest, JobsAlike, PendingReason } from './types.ts';

export interface LimitPolicy {
  readonly accounts: readonly AccountPolicy[];
  readonly qos: readonly QosPolicy[];
}

/** What a job takes while it runs. */
export interface Demand {
  /** Gang size. */
  readonly nodes: number;
  /** On all of its nodes together. */
  readonly gpus: number;
  /** The same. */
  readonly cpus: number;
  /** Null: it asked for none, and no limit on the time holds it up. */
  readonly timeLimitMs: number | null;
  /** The array it is a task of, and how many tasks may run at once; null where it is none or there is no limit. */
  readonly array: { readonly id: number; readonly runningMax: number } | null;
}

export interface Blocked {
  readonly reason: PendingReason;
  /** Which counter holds the job up: until `end` returns it, the job stays blocked. `NEVER` where no end of another job helps. */
  readonly key: number;
}

/** The key of limits that a job breaks by itself. */
export const NEVER = 0;

const WORDS = { jobs: 'running jobs', nodes: 'nodes', gpus: 'GPUs', cpus: 'CPUs' } as const;
type LimitKind = 'group' | 'perUser' | 'perAccount' | 'perJob';
/** Limits of one kind that come before another. */
type Stronger = readonly (UseLimit | undefined)[];

/** What one limit counts: all running jobs of a QOS, those of one of its users, those below an account, ... */
interface Counter {
  readonly key: number;
  readonly used: Record<(typeof RESOURCES)[number], number>;
  /** How many of its jobs are on each node, by index: jobs that share a node count it once. */
  readonly jobsOn: Map<number, number>;
}

interface Check {
  readonly counter: Counter;
  readonly limit: UseLimit;
  readonly reasons: Reasons;
}

interface SubmitCounter {
  jobs: number;
}

interface SubmitCheck {
  readonly name: string;
  readonly max: number;
  readonly counter: SubmitCounter;
}

/** All that holds for the jobs of one user in one account and QOS; the same object for all of them. */
export interface LimitProfile {
  /** All that its jobs count in; `checks` are those that can hold them up. */
  readonly counters: readonly Counter[];
  readonly checks: readonly Check[];
  readonly submitCounters: readonly SubmitCounter[];
  readonly submitChecks: readonly SubmitCheck[];
  /** `MaxWall`; null: no limit. A job that asks for no time is given this much in Slurm. */
  readonly wallMsMax: number | null;
  readonly wallReason: PendingReason;
  readonly perJob: readonly { readonly limit: UseLimit; readonly reasons: Omit<Reasons, 'jobs'> }[];
}

/** Most jobs count in nothing: they share this. */
const NO_KEYS: readonly number[] = [];

/**
 * Slurm's limits of QOS and accounts (resource_limits.html), and the throttle of job arrays. A limit of the partition's QOS comes before the same
 * limit of the job's own, and both before that of an account: of several only the first is looked at, though the job counts in all. `group` of an account counts the jobs of all accounts below it too; the other
 * limits of an account hold for the accounts below it unless these have their own. A node counts once a user, account or QOS, however many of its jobs
 * share it.
 */
export class LimitCounters {
  readonly #accounts: ReadonlyMap<string, AccountPolicy>;
  readonly #qos: ReadonlyMap<string, QosPolicy>;
  readonly #profiles = new Map<string, LimitProfile>();
  readonly #counters = new Map<string, Counter>();
  readonly #submitCounters = new Map<string, SubmitCounter>();
  /** Running tasks of each array that has some and a throttle. */
  readonly #arrays = new Map<number, number>();

  constructor(policy: LimitPolicy) {
    this.#accounts = new Map(policy.accounts.map((account) => [account.name, account]));
    this.#qos = new Map(policy.qos.map((qos) => [qos.name, qos]));
  }

  /** To be asked for once a job, at its submission. */
  profile(account: string, user: string, qos: string, partitionQos: string | null = null): LimitProfile {
    const id = JSON.stringify([account, user, qos, partitionQos]);
    let profile = this.#profiles.get(id);
    if (profile === undefined) {
      profile = this.#profileOf(account, user, this.#qosInOrder(qos, partitionQos));
      this.#profiles.set(id, profile);
    }
    return profile;
  }

  /** Why `jobCount` more jobs may not be submitted, besides those `arriving` that have not `entered` yet; null where they may. */
  admission(
    profile: LimitProfile,
    jobCount: number,
    arriving: readonly JobsAlike[] = [],
    profileOf: (job: JobRequest) => LimitProfile = () => profile,
  ): string | null {
    for (const { name, max, counter } of profile.submitChecks) {
      let here = counter.jobs;
      for (const other of arriving) if (profileOf(other.job).submitCounters.includes(counter)) here += other.jobCount;
      if (here + jobCount <= max) continue;
      return `${name} has ${jobs(here)} pending or running; ${jobCount} more would exceed submitJobsPerUser ${max}`;
    }
    return null;
  }

  /** A job is in the queue or running from here until `left`, through all its attempts. */
  entered(profile: LimitProfile): void {
    for (const counter of profile.submitCounters) counter.jobs += 1;
  }

  left(profile: LimitProfile): void {
    for (const counter of profile.submitCounters) {
      counter.jobs -= 1;
      assert(counter.jobs >= 0, 'a job that leaves has entered');
    }
  }

  /**
   * What keeps the job from starting now, the first where it is several; null where nothing does. `isAnywhere`: it may get nodes that count already
   * (see `isBeyondOn`); else all of its nodes are taken to be others than those.
   */
  blockedBy(profile: LimitProfile, demand: Demand, isAnywhere = false): Blocked | null {
    const { array, timeLimitMs } = demand;
    if (array !== null && (this.#arrays.get(array.id) ?? 0) >= array.runningMax) {
      return { reason: 'JobArrayTaskLimit', key: arrayKey(array.id) };
    }
    const { wallMsMax, perJob, checks } = profile;
    if (wallMsMax !== null && timeLimitMs !== null && timeLimitMs > wallMsMax) {
      return { reason: profile.wallReason, key: NEVER };
    }
    for (const { limit, reasons } of perJob) {
      if (demand.gpus > (limit.gpus ?? Infinity)) return { reason: reasons.gpus, key: NEVER };
      if (demand.nodes > (limit.nodes ?? Infinity)) return { reason: reasons.nodes, key: NEVER };
      if (demand.cpus > (limit.cpus ?? Infinity)) return { reason: reasons.cpus, key: NEVER };
    }
    for (const { counter, limit, reasons } of checks) {
      const { used } = counter;
      if (used.jobs + 1 > (limit.jobs ?? Infinity)) return { reason: reasons.jobs, key: counter.key };
      if (used.gpus + demand.gpus > (limit.gpus ?? Infinity)) return { reason: reasons.gpus, key: counter.key };
      const countingNodes = isAnywhere ? 0 : used.nodes;
      if (countingNodes + demand.nodes > (limit.nodes ?? Infinity)) return { reason: reasons.nodes, key: counter.key };
      if (used.cpus + demand.cpus > (limit.cpus ?? Infinity)) return { reason: reasons.cpus, key: counter.key };
    }
    return null;
  }

  /** Whether the job would break a limit on nodes with these, of which those count already where others of its kind are. */
  isBeyondOn({ checks }: LimitProfile, nodeIndices: readonly number[]): boolean {
    return checks.some(({ counter: { jobsOn }, limit: { nodes } }) => {
      if (nodes === null || nodes === undefined) return false;
      return jobsOn.size + nodeIndices.filter((index) => !jobsOn.has(index)).length > nodes;
    });
  }

  /** In one sentence how much the limit allows that `blockedBy` finds, and how much of it is taken; null where nothing holds the job up. */
  explain(profile: LimitProfile, demand: Demand): string | null {
    const { array, timeLimitMs } = demand;
    const running = this.#arrays.get(array?.id ?? 0) ?? 0;
    if (array !== null && running >= array.runningMax)
      return `${running} tasks of array ${array.id} run, and no more than ${array.runningMax} may at once`;
    const { wallMsMax, perJob, checks } = profile;
    if (wallMsMax !== null && timeLimitMs !== null && timeLimitMs > wallMsMax)
      return `it asks for ${formatDuration(timeLimitMs)}, and no more than ${formatDuration(wallMsMax)} are allowed: it never starts`;
    for (const { limit } of perJob) {
      for (const name of ['gpus', 'nodes', 'cpus'] as const) {
        if (demand[name] > (limit[name] ?? Infinity))
          return `it asks for ${demand[name]} ${WORDS[name]}, and a job may have ${limit[name]}: it never starts`;
      }
    }
    for (const { counter, limit } of checks) {
      for (const name of ['jobs', 'gpus', 'nodes', 'cpus'] as const) {
        const asked = name === 'jobs' ? 1 : demand[name];
        if (counter.used[name] + asked > (limit[name] ?? Infinity))
          return `of ${limit[name]} ${WORDS[name]} allowed ${counter.used[name]} are taken, and it needs ${asked}`;
      }
    }
    return null;
  }

  /** An attempt starts on these nodes. */
  start(profile: LimitProfile, demand: Demand, nodeIndices: readonly number[]): void {
    const { array } = demand;
    if (array !== null) this.#arrays.set(array.id, (this.#arrays.get(array.id) ?? 0) + 1);
    for (const counter of profile.counters) count(counter, demand, nodeIndices, 1);
  }

  /** An attempt ends that `start` was told of. Returns the keys of the counters that went down. */
  end(profile: LimitProfile, demand: Demand, nodeIndices: readonly number[]): readonly number[] {
    const { array } = demand;
    if (array === null && profile.counters.length === 0) return NO_KEYS;
    const keys: number[] = [];
    if (array !== null) {
      const running = definite(this.#arrays.get(array.id), 'a task that ends has started') - 1;
      if (running === 0) this.#arrays.delete(array.id);
      else this.#arrays.set(array.id, running);
      keys.push(arrayKey(array.id));
    }
    for (const counter of profile.counters) {
      count(counter, demand, nodeIndices, -1);
      keys.push(counter.key);
    }
    return keys;
  }

  /** Those whose limits hold, the stronger first: that of the partition, unless the job's own is flagged to come before it. */
  #qosInOrder(own: string, ofPartition: string | null): QosPolicy[] {
    const names = ofPartition === null || ofPartition === own ? [own] : [ofPartition, own];
    if (this.#qos.get(own)?.isOverPartitionQos === true) names.reverse();
    return names.flatMap((name) => this.#qos.get(name) ?? []);
  }

  #profileOf(account: string, user: string, qosList: readonly QosPolicy[]): LimitProfile {
    const path = this.#pathToRoot(account);
    const counters: Counter[] = [];
    const checks: Check[] = [];
    /** A job counts against a limit even where a stronger one lets it pass: `stronger` are those of its kind, which are looked at in its place. */
    const add = (id: readonly string[], limit: UseLimit, reasons: Reasons, stronger: Stronger) => {
      if (!isLimiting(limit)) return;
      const counter = this.#counter(id);
      counters.push(counter);
      const checked = without(limit, stronger);
      if (isLimiting(checked)) checks.push({ counter, limit: checked, reasons });
    };
    const ofQos = (kind: LimitKind, below = qosList.length) => qosList.slice(0, below).map((qos) => qos[kind]);
    for (const [place, { name, group = {}, perAccount = {}, perUser = {} }] of qosList.entries()) {
      add(['qos', name], group, QOS_GROUP, ofQos('group', place));
      add(['qos', name, 'account', account], perAccount, QOS_ACCOUNT, ofQos('perAccount', place));
      add(['qos', name, 'user', user], perUser, QOS_USER, ofQos('perUser', place));
    }
    add(['account', account, 'user', user], inherited(path, 'perUser'), ACCOUNT_USER, ofQos('perUser'));
    add(['account', account], inherited(path, 'perAccount'), ACCOUNT_GROUP, ofQos('perAccount'));
    for (const { name, group } of path) add(['below', name], group ?? {}, ACCOUNT_GROUP, ofQos('group'));

    const submitCounters: SubmitCounter[] = [];
    const submitChecks: SubmitCheck[] = [];
    const addSubmit = (id: readonly string[], name: string, max: number | null | undefined, isOverruled: boolean) => {
      if (max === null || max === undefined) return;
      const counter = this.#submitCounter(id);
      submitCounters.push(counter);
      if (!isOverruled) submitChecks.push({ name, max, counter });
    };
    for (const { name, submitJobsPerUser } of qosList)
      addSubmit(['qos', name, user], `user ${user} in QOS ${name}`, submitJobsPerUser, submitChecks.length > 0);
    const submitMaxOfAccount = nearest(path, ({ submitJobsPerUser }) => submitJobsPerUser);
    const isOverruled = submitChecks.length > 0;
    addSubmit(['account', account, user], `user ${user} in account ${account}`, submitMaxOfAccount, isOverruled);

    const qosWall = firstOf(qosList, ({ wallSecondsMax: seconds }) => seconds);
    const wallSecondsMax = qosWall ?? nearest(path, (policy) => policy.wallSecondsMax);
    const ofJob = qosList.map(({ perJob = {} }, place) => {
      return { limit: without(perJob, ofQos('perJob', place)), reasons: QOS_JOB };
    });
    const ofAccount = { limit: without(inherited(path, 'perJob'), ofQos('perJob')), reasons: ACCOUNT_JOB };
    return {
      counters,
      checks,
      submitCounters,
      submitChecks,
      wallMsMax: wallSecondsMax === null ? null : wallSecondsMax * 1000,
      wallReason: qosWall === null ? 'AssocMaxWallDurationPerJobLimit' : 'QOSMaxWallDurationPerJobLimit',
      perJob: [...ofJob, ofAccount].filter(({ limit }) => isLimiting(limit)),
    };
  }

  /** The account first. Accounts without a policy have no limits. */
  #pathToRoot(account: string): AccountPolicy[] {
    const path: AccountPolicy[] = [];
    for (let policy = this.#accounts.get(account); policy !== undefined; ) {
      path.push(policy);
      assert(path.length <= this.#accounts.size, 'accounts form a tree');
      policy = policy.parent === undefined || policy.parent === null ? undefined : this.#accounts.get(policy.parent);
    }
    return path;
  }

  #counter(id: readonly string[]): Counter {
    const name = JSON.stringify(id);
    let counter = this.#counters.get(name);
    if (counter === undefined) {
      counter = { key: this.#counters.size + 1, used: { jobs: 0, nodes: 0, gpus: 0, cpus: 0 }, jobsOn: new Map() };
      this.#counters.set(name, counter);
    }
    return counter;
  }

  #submitCounter(id: readonly string[]): SubmitCounter {
    const name = JSON.stringify(id);
    let counter = this.#submitCounters.get(name);
    if (counter === undefined) {
      counter = { jobs: 0 };
      this.#submitCounters.set(name, counter);
    }
    return counter;
  }
}

function jobs(number: number): string {
  return `${number} job${number === 1 ? '' : 's'}`;
}

/** Counters have keys from 1; arrays the negative of their id. */
function arrayKey(arrayId: number): number {
  assert(arrayId > 0, 'array ids are positive');
  return -arrayId;
}

function count(counter: Counter, demand: Demand, nodeIndices: readonly number[], sign: 1 | -1): void {
  const { used, jobsOn } = counter;
  for (const index of nodeIndices) {
    const jobCount = (jobsOn.get(index) ?? 0) + sign;
    if (jobCount === 0) jobsOn.delete(index);
    else jobsOn.set(index, jobCount);
  }
  used.jobs += sign;
  used.nodes = jobsOn.size;
  used.gpus += sign * demand.gpus;
  used.cpus += sign * demand.cpus;
  assert(used.jobs >= 0 && used.gpus >= 0 && used.cpus >= 0, 'an attempt that ends has started');
}

function isLimiting(limit: UseLimit): boolean {
  return RESOURCES.some((name) => (limit[name] ?? null) !== null);
}

/** What `limit` says of the resources that none of the `stronger` says anything of. */
function without(limit: UseLimit, stronger: Stronger): UseLimit {
  const left: UseLimit = {};
  for (const name of RESOURCES) {
    if (stronger.every((one) => (one?.[name] ?? null) === null)) left[name] = limit[name] ?? null;
  }
  return left;
}

/** What the first says that says that there is a limit; null where none does. */
function firstOf<T, U>(list: readonly T[], of: (one: T) => U | null | undefined): U | null {
  for (const one of list) {
    const value = of(one) ?? null;
    if (value !== null) return value;
  }
  return null;
}

/** What the nearest account on the way to the root says that says anything; null says that there is no limit. */
function nearest<T>(path: readonly AccountPolicy[], of: (policy: AccountPolicy) => T | undefined): T | null {
  for (const policy of path) {
    const value = of(policy);
    if (value !== undefined) return value;
  }
  return null;
}

function inherited(path: readonly AccountPolicy[], name: 'perUser' | 'perAccount' | 'perJob'): UseLimit {
  const limit: UseLimit = {};
  for (const resource of RESOURCES) limit[resource] = nearest(path, (policy) => policy[name]?.[resource]);
  return limit;
}
