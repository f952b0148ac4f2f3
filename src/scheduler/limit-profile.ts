import { assert } from '../lib/assert.ts';
import {
  ACCOUNT_GROUP,
  ACCOUNT_JOB,
  ACCOUNT_JOB_MINUTES,
  ACCOUNT_NODE,
  ACCOUNT_RUN_MINUTES,
  ACCOUNT_USED_MINUTES,
  ACCOUNT_USER,
  type Amounts,
  JOB_MIN,
  type JobReasons,
  type NodeReasons,
  QOS_ACCOUNT,
  QOS_GROUP,
  QOS_JOB,
  QOS_JOB_MINUTES,
  QOS_NODE,
  QOS_RUN_MINUTES,
  QOS_USED_MINUTES,
  QOS_USER,
  type Reasons,
  RESOURCES,
} from './limit-reasons.ts';
import {
  addLimit,
  amounts,
  type Association,
  firstOf,
  inherited,
  isLimiting,
  type JobCheck,
  jobChecks,
  counterOf,
  type LimitKind,
  most,
  nearest,
  type Stronger,
  strongerOf,
  usedLimit,
  without,
} from './limit-strength.ts';
import type { AccountPolicy, Limits, QosPolicy, UseLimit, UserPolicy } from './qos-and-accounts.ts';
import type { PriorityPolicy } from './policy.ts';
import { MINUTE_MS, MinutesAhead } from './run-minutes.ts';
import type { PendingReason } from './pending-reason.ts';
import { UsedMinutes } from './used-minutes.ts';

export interface LimitPolicy {
  readonly accounts: readonly AccountPolicy[];
  readonly qos: readonly QosPolicy[];
  readonly users: readonly UserPolicy[];
  readonly areLimitsSafe?: boolean;
  readonly priority?: Pick<PriorityPolicy, 'type' | 'decayHalfLifeSeconds'>;
}

/** What one limit counts: all running jobs of a QOS, those of one of its users, those below an account, ... */
export interface Counter {
  readonly key: number;
  readonly used: Amounts;
  /** How many of its jobs are on each node, by index: jobs that share a node count it once. */
  readonly jobsOn: Map<number, number>;
}

interface Check {
  readonly counter: Counter;
  readonly limit: Amounts;
  readonly reasons: Reasons;
}

export interface SubmitCounter {
  jobs: number;
}

interface SubmitCheck {
  /** Whose jobs are counted. */
  readonly name: string;
  /** The field of the policy that says so. */
  readonly field: SubmitField;
  readonly max: number;
  readonly counter: SubmitCounter;
}

interface RunCheck extends JobCheck {
  readonly counter: MinutesAhead;
}

/** A limit on used minutes in which a job counts. */
export interface Budget {
  readonly counter: UsedMinutes;
  /** What the jobs that run have ahead of them, where limits are safe. */
  readonly ahead: MinutesAhead | null;
  /** To which it holds the job: where a stronger one says something of a resource, this says nothing. */
  readonly limit: Amounts;
  readonly reasons: Reasons;
}

/** All that holds for the jobs of one user in one account, QOS and partition; the same object for all of them. */
export interface LimitProfile {
  /** All that its jobs count in; `checks` are those that can hold them up. */
  readonly counters: readonly Counter[];
  readonly checks: readonly Check[];
  readonly submitCounters: readonly SubmitCounter[];
  readonly submitChecks: readonly SubmitCheck[];
  /** `MaxWall`; null: no limit. */
  readonly wallMsMax: number | null;
  /** What a job that asks for no time is given, unless its partition has a default: the least of that and of `GrpWall`. Null: neither is limited. */
  readonly wallMsDefault: number | null;
  /**
   * Limits on minutes by which its QOS refuses jobs (`DenyOnLimit`): one that asks for no time is given what each of them leaves it, as of `MaxWall`. None
   * where jobs are not refused.
   */
  readonly deniedMinutes: readonly Amounts[];
  readonly wallReason: PendingReason;
  readonly perJob: readonly JobCheck[];
  /** The same of what it has on each of its nodes. */
  readonly perNode: readonly JobCheck<NodeReasons>[];
  /** The same of the minutes that it has by its time limit. */
  readonly perJobMinutes: readonly JobCheck[];
  /** Limits on the minutes that running jobs have ahead of them: those in which its jobs count, and those that can hold them up. */
  readonly runCounters: readonly MinutesAhead[];
  readonly runChecks: readonly RunCheck[];
  readonly budgets: readonly Budget[];
  /** What a job has to ask for at least. */
  readonly perJobMin: readonly JobCheck[];
  /** A job that breaks a limit by itself is refused (`DenyOnLimit`). */
  readonly isDeniedOnLimit: boolean;
}

type SubmitField = 'submitJobs' | 'submitJobsPerUser' | 'submitJobsPerAccount';

/** Puts the limits of QOS, users and accounts that hold for a job into one profile, and makes the counters that jobs of several profiles share. */
export class LimitProfiles {
  readonly #accounts: ReadonlyMap<string, AccountPolicy>;
  readonly #users: ReadonlyMap<string, UserPolicy>;
  readonly #qos: ReadonlyMap<string, QosPolicy>;
  readonly #profiles = new Map<string, LimitProfile>();
  readonly #counters = new Map<string, Counter>();
  readonly #submitCounters = new Map<string, SubmitCounter>();
  /** Of minutes ahead, all that there are, by their ids. */
  readonly runCounters = new Map<string, MinutesAhead>();
  /** Of used minutes, the same. */
  readonly usedCounters = new Map<string, UsedMinutes>();
  #lastKey = 0;
  readonly #isSafe: boolean;
  readonly #halfLifeSeconds: number;

  constructor({ accounts, users, qos, areLimitsSafe = false, priority }: LimitPolicy) {
    this.#isSafe = areLimitsSafe;
    this.#halfLifeSeconds = priority?.decayHalfLifeSeconds ?? 0;
    this.#accounts = new Map(accounts.map((account) => [account.name, account]));
    this.#users = new Map(users.map((user) => [JSON.stringify([user.account, user.name]), user]));
    this.#qos = new Map(qos.map((one) => [one.name, one]));
  }

  profile(account: string, user: string, qos: string, partitionQos: string | null): LimitProfile {
    const id = JSON.stringify([account, user, qos, partitionQos]);
    let profile = this.#profiles.get(id);
    if (profile === undefined) {
      profile = this.#profileOf(account, user, this.#qosInOrder(qos, partitionQos));
      this.#profiles.set(id, profile);
    }
    return profile;
  }

  /** Those whose limits hold, the stronger first: that of the partition, unless the job's own is flagged to come before it. */
  #qosInOrder(own: string, ofPartition: string | null): QosPolicy[] {
    const names = ofPartition === null || ofPartition === own ? [own] : [ofPartition, own];
    if (this.#qos.get(own)?.isOverPartitionQos === true) names.reverse();
    return names.flatMap((name) => this.#qos.get(name) ?? []);
  }

  #profileOf(account: string, user: string, qosList: readonly QosPolicy[]): LimitProfile {
    const path = this.#pathToRoot(account, user);
    const least = qosList.map(({ perJobMin = {} }, place) => {
      return { limit: amounts(without(perJobMin, strongerOf(qosList, 'perJobMin', place)), 0), reasons: JOB_MIN };
    });
    const qosWall = firstOf(qosList, ({ wallSecondsMax: seconds }) => seconds);
    const ahead = this.#minutesAhead(qosList, path);
    const budgets = this.#budgets(qosList, path);
    const perJobMinutes = jobChecks('perJobMinutes', qosList, path, QOS_JOB_MINUTES, ACCOUNT_JOB_MINUTES);
    const isDeniedOnLimit = qosList.some((qos) => qos.isDeniedOnLimit === true);
    const onMinutes = isDeniedOnLimit ? [...perJobMinutes, ...ahead.runChecks, ...budgets] : [];
    const wallSecondsMax = qosWall ?? nearest(path, (policy) => policy.wallSecondsMax);
    return {
      ...this.#runningLimits(account, user, qosList, path),
      ...this.#submitLimits(account, user, qosList, path),
      runCounters: [...ahead.runCounters, ...budgets.flatMap((budget) => budget.ahead ?? [])],
      runChecks: ahead.runChecks,
      budgets,
      wallMsMax: wallSecondsMax === null ? null : wallSecondsMax * 1000,
      wallMsDefault: leastWallMs(wallSecondsMax, budgets),
      wallReason: qosWall === null ? 'AssocMaxWallDurationPerJobLimit' : 'QOSMaxWallDurationPerJobLimit',
      perJob: jobChecks('perJob', qosList, path, QOS_JOB, ACCOUNT_JOB),
      perNode: jobChecks('perNode', qosList, path, QOS_NODE, ACCOUNT_NODE),
      perJobMinutes,
      deniedMinutes: onMinutes.map(({ limit }) => limit),
      perJobMin: least.filter(({ limit }) => RESOURCES.some((name) => limit[name] > 0)),
      isDeniedOnLimit,
    };
  }

  #runningLimits(
    account: string,
    user: string,
    qosList: readonly QosPolicy[],
    path: readonly Association[],
  ): Pick<LimitProfile, 'counters' | 'checks'> {
    const counters: Counter[] = [];
    const checks: Check[] = [];
    const newCounter = () => ({ key: this.#newKey(), used: amounts({}, 0), jobsOn: new Map<number, number>() });
    const add = (id: readonly string[], limit: UseLimit, reasons: Reasons, stronger: Stronger) =>
      addLimit({ counters, checks }, limit, reasons, stronger, () => counterOf(this.#counters, id, newCounter));
    const ofQos = (kind: LimitKind, place?: number) => strongerOf(qosList, kind, place);
    for (const [place, { name, group = {}, perAccount = {}, perUser = {} }] of qosList.entries()) {
      add(['qos', name], group, QOS_GROUP, ofQos('group', place));
      add(['qos', name, 'account', account], perAccount, QOS_ACCOUNT, ofQos('perAccount', place));
      add(['qos', name, 'user', user], perUser, QOS_USER, ofQos('perUser', place));
    }
    add(['account', account, 'user', user], inherited(path, 'perUser'), ACCOUNT_USER, ofQos('perUser'));
    add(['account', account], inherited(path, 'perAccount'), ACCOUNT_GROUP, ofQos('perAccount'));
    for (const { id, group } of path) add(['below', ...id], group ?? {}, ACCOUNT_GROUP, ofQos('group'));
    return { counters, checks };
  }

  /** As limits on what runs: the job counts in all, and is held to the first that says anything of a resource. */
  #minutesAhead(
    qosList: readonly QosPolicy[],
    path: readonly Association[],
  ): Pick<LimitProfile, 'runCounters' | 'runChecks'> {
    const counters: MinutesAhead[] = [];
    const checks: RunCheck[] = [];
    const newCounter = () => new MinutesAhead(this.#newKey());
    const add = (id: readonly string[], limit: UseLimit = {}, reasons: JobReasons, place?: number) => {
      const stronger = strongerOf(qosList, 'groupRunMinutes', place);
      addLimit({ counters, checks }, limit, reasons, stronger, () => counterOf(this.runCounters, id, newCounter));
    };
    for (const [place, { name, groupRunMinutes }] of qosList.entries())
      add(['qos', name], groupRunMinutes, QOS_RUN_MINUTES, place);
    for (const { id, groupRunMinutes } of path) add(['below', ...id], groupRunMinutes, ACCOUNT_RUN_MINUTES);
    return { runCounters: counters, runChecks: checks };
  }

  /** The same of used minutes. */
  #budgets(qosList: readonly QosPolicy[], path: readonly Association[]): Budget[] {
    const budgets: Budget[] = [];
    const add = (id: readonly string[], policy: Limits, reasons: Reasons, place: number, isKept = false) => {
      const limit = usedLimit(policy);
      if (!isLimiting(limit)) return;
      const ahead = this.#isSafe
        ? counterOf(this.runCounters, ['used', ...id], () => new MinutesAhead(this.#newKey()))
        : null;
      const counter = counterOf(this.usedCounters, id, () => {
        const halfLifeSeconds = isKept ? 0 : this.#halfLifeSeconds;
        return new UsedMinutes({ key: this.#newKey(), limit: most(limit), halfLifeSeconds });
      });
      const stronger = qosList.slice(0, place).map(usedLimit);
      budgets.push({ counter, ahead, limit: most(without(limit, stronger)), reasons });
    };
    for (const [place, qos] of qosList.entries()) add(['qos', qos.name], qos, QOS_USED_MINUTES, place, qos.isUseKept);
    for (const one of path) add(['below', ...one.id], one, ACCOUNT_USED_MINUTES, qosList.length);
    return budgets;
  }

  #submitLimits(
    account: string,
    user: string,
    qosList: readonly QosPolicy[],
    path: readonly Association[],
  ): Pick<LimitProfile, 'submitCounters' | 'submitChecks'> {
    const submitCounters: SubmitCounter[] = [];
    const submitChecks: SubmitCheck[] = [];
    const add = (id: readonly string[], name: string, field: SubmitField, of: Limits, isOverruled: boolean) => {
      const max = of[field] ?? null;
      if (max === null) return;
      const counter = counterOf(this.#submitCounters, [...id, field], () => ({ jobs: 0 }));
      submitCounters.push(counter);
      if (!isOverruled) submitChecks.push({ name, field, max, counter });
    };
    const isSaid = (field: SubmitField) => submitChecks.some((check) => check.field === field);
    for (const qos of qosList) {
      const { name } = qos;
      add(['qos', name], `QOS ${name}`, 'submitJobs', qos, isSaid('submitJobs'));
      const ofAccount = `account ${account} in QOS ${name}`;
      add(['qos', name, account], ofAccount, 'submitJobsPerAccount', qos, isSaid('submitJobsPerAccount'));
      add(['qos', name, user], `user ${user} in QOS ${name}`, 'submitJobsPerUser', qos, isSaid('submitJobsPerUser'));
    }
    const ofUser = { submitJobsPerUser: nearest(path, ({ submitJobsPerUser }) => submitJobsPerUser) };
    const words = `user ${user} in account ${account}`;
    add(['account', account, user], words, 'submitJobsPerUser', ofUser, isSaid('submitJobsPerUser'));
    const isOfQos = isSaid('submitJobs');
    for (const one of path) add(['below', ...one.id], one.words, 'submitJobs', one, isOfQos);
    return { submitCounters, submitChecks };
  }

  /** The user's own first, then the account. Users and accounts without a policy have no limits. */
  #pathToRoot(account: string, user: string): Association[] {
    const own = this.#users.get(JSON.stringify([account, user]));
    const path: Association[] = [];
    if (own !== undefined) {
      const { name: _, account: __, shares: ___, ...limits } = own;
      path.push({ ...limits, id: [account, 'user', user], words: `user ${user} in account ${account}` });
    }
    for (let policy = this.#accounts.get(account); policy !== undefined; ) {
      path.push({ ...policy, id: [policy.name], words: `account ${policy.name}` });
      assert(path.length <= this.#accounts.size + 1, 'accounts form a tree');
      policy = policy.parent === undefined || policy.parent === null ? undefined : this.#accounts.get(policy.parent);
    }
    return path;
  }

  #newKey(): number {
    this.#lastKey += 1;
    return this.#lastKey;
  }
}

function leastWallMs(wallSecondsMax: number | null, budgets: readonly Budget[]): number | null {
  const leastMs = Math.min((wallSecondsMax ?? Infinity) * 1000, ...budgets.map(({ limit }) => limit.jobs * MINUTE_MS));
  return leastMs === Infinity ? null : leastMs;
}
