import { assert, definite } from '../lib/assert.ts';
import { exhaustedBudget, exhaustedText } from './exhausted-budget.ts';
import { type Demand, exceeded, NOTHING, ownFault } from './limit-faults.ts';
import { type Counter, type LimitPolicy, type LimitProfile, LimitProfiles } from './limit-profile.ts';
import { amountOf, figure, jobs, minutesAsked, minutesSaid, said } from './limit-words.ts';
import { exceededMinutes } from './run-minutes.ts';
import type { PendingReason } from './pending-reason.ts';
import type { CarriedMinutes, JobRequest, JobsAlike } from './types.ts';
import type { UsedMinutes } from './used-minutes.ts';

export interface Blocked {
  readonly reason: PendingReason;
  /** Which counter holds the job up: until `end` returns it, the job stays blocked. `NEVER` where no end of another job helps. */
  readonly key: number;
}

/** The key of limits that a job breaks by itself. */
export const NEVER = 0;

type Changing = Pick<UsedMinutes, 'isChanging'>;

/** Most jobs count in nothing: they share this. */
const NO_KEYS: readonly number[] = [];

/**
 * Slurm's limits of QOS, users and accounts (resource_limits.html), and the throttle of job arrays. A limit of the partition's QOS comes before the same
 * limit of the job's own, both before that of its user in the account, and that before the account's: of several only the first is looked at, though the
 * job counts in all. `group` of an account counts the jobs of all accounts below it too, and comes beside that of the user; the other limits of an
 * account hold for the accounts and users below it unless these have their own. A node counts once a user, account or QOS, however many of its jobs
 * share it.
 */
export class LimitCounters {
  readonly #profiles: LimitProfiles;
  /** When priorities were calculated last: minutes ahead are as of then. */
  #calculatedMs = -Infinity;
  /** Running tasks of each array that has some and a throttle. */
  readonly #arrays = new Map<number, number>();
  /** Counters of minutes that the next calculation may change. There may be thousands, and after each event it is asked whether any does. */
  readonly #changing = new Set<Changing>();
  /** Without, nothing that is used is ever counted. */
  readonly #isCounting: boolean;
  /** By which `begin` was told of them: those to be ended since as much is used as may be. None where limits are safe. */
  readonly spent = new Set<object>();
  readonly #isSafe: boolean;

  constructor(policy: LimitPolicy) {
    this.#isCounting = policy.priority?.type === 'multifactor';
    this.#isSafe = policy.areLimitsSafe === true;
    this.#profiles = new LimitProfiles(policy);
  }

  /** To be asked for once a job, at its submission. */
  profile(account: string, user: string, qos: string, partitionQos: string | null = null): LimitProfile {
    return this.#profiles.profile(account, user, qos, partitionQos);
  }

  /** Why `jobCount` more jobs may not be submitted, besides those `arriving` that have not `entered` yet; null where they may. */
  admission(
    profile: LimitProfile,
    jobCount: number,
    arriving: readonly JobsAlike[] = [],
    profileOf: (job: JobRequest) => LimitProfile = () => profile,
  ): string | null {
    for (const { name, field, max, counter } of profile.submitChecks) {
      let here = counter.jobs;
      for (const other of arriving) if (profileOf(other.job).submitCounters.includes(counter)) here += other.jobCount;
      if (here + jobCount <= max) continue;
      return `${name} has ${jobs(here)} pending or running; ${jobCount} more would exceed ${field} ${max}`;
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
    const { array } = demand;
    if (array !== null && (this.#arrays.get(array.id) ?? 0) >= array.runningMax) {
      return { reason: 'JobArrayTaskLimit', key: arrayKey(array.id) };
    }
    const exhausted = exhaustedBudget(profile.budgets, demand);
    if (exhausted !== null) {
      const { budget, name, isForEver } = exhausted;
      return { reason: budget.reasons[name], key: isForEver ? NEVER : budget.counter.key };
    }
    const fault = ownFault(profile, demand);
    if (fault !== null) return { reason: fault.reason, key: NEVER };
    for (const { counter, limit, reasons } of profile.checks) {
      const name = exceeded(counter.used, demand, limit, isAnywhere ? 0 : counter.used.nodes);
      if (name !== null) return { reason: reasons[name], key: counter.key };
    }
    for (const { counter, limit, reasons } of profile.runChecks) {
      const name = exceededMinutes(counter.used, demand, demand.minutesMs, limit);
      if (name !== null) return { reason: reasons[name], key: counter.key };
    }
    return null;
  }

  /** Whether the job would break a limit on nodes with these, of which those count already where others of its kind are. */
  isBeyondOn({ checks }: LimitProfile, nodeIndices: readonly number[]): boolean {
    return checks.some(({ counter: { jobsOn }, limit: { nodes } }) => {
      return nodes < Infinity && jobsOn.size + nodeIndices.filter((index) => !jobsOn.has(index)).length > nodes;
    });
  }

  /** In one sentence how much the limit allows that `blockedBy` finds, and how much of it is taken; null where nothing holds the job up. */
  explain(profile: LimitProfile, demand: Demand): string | null {
    const { array } = demand;
    const running = this.#arrays.get(array?.id ?? 0) ?? 0;
    if (array !== null && running >= array.runningMax)
      return `${running} tasks of array ${array.id} run, and no more than ${array.runningMax} may at once`;
    const exhausted = exhaustedBudget(profile.budgets, demand);
    if (exhausted !== null) return exhaustedText(exhausted, demand);
    const fault = ownFault(profile, demand);
    if (fault !== null) return `${fault.text}: it never starts`;
    for (const { counter, limit } of profile.checks) {
      const name = exceeded(counter.used, demand, limit);
      if (name === null) continue;
      const [allowed, taken, asked] = [limit[name], counter.used[name], amountOf(demand, name)];
      return `of ${said(allowed, name)} allowed ${figure(taken, name)} are taken, and it needs ${figure(asked, name)}`;
    }
    for (const { counter, limit } of profile.runChecks) {
      const name = exceededMinutes(counter.used, demand, demand.minutesMs, limit);
      if (name === null) continue;
      const allowed = `no more than ${minutesSaid(limit[name], name)} may be ahead of all jobs together`;
      const isAlone = exceededMinutes(NOTHING, demand, demand.minutesMs, limit) !== null;
      const asked = minutesAsked(demand[name], demand.minutesMs, name);
      if (isAlone) return `${asked}, and ${allowed}: it never starts`;
      return `${asked}, what runs has ${figure(counter.used[name], name)} ahead of it, and ${allowed}`;
    }
    return null;
  }

  /** An attempt starts on these nodes. */
  start(profile: LimitProfile, demand: Demand, nodeIndices: readonly number[]): void {
    const { array } = demand;
    if (array !== null) this.#arrays.set(array.id, (this.#arrays.get(array.id) ?? 0) + 1);
    for (const counter of profile.counters) count(counter, demand, nodeIndices, 1);
  }

  /** The same, for limits on minutes: of the job, which may run for so long from `atMs` on. `factor`: what its minutes count for. */
  begin({ runCounters, budgets }: LimitProfile, demand: Demand, job: object, atMs: number, factor: number): void {
    if (runCounters.length + budgets.length === 0) return;
    const use = { amounts: demand, startMs: atMs, limitMs: demand.minutesMs, factor };
    for (const counter of runCounters) {
      counter.start(job, use, this.#calculatedMs);
      this.#noteChanging(counter);
    }
    if (!this.#isCounting) return;
    for (const { counter, limit } of budgets) {
      counter.start(job, use, limit, this.#calculatedMs);
      this.#noteChanging(counter);
      if (atMs < this.#calculatedMs) this.#noteSpent(counter);
    }
  }

  /** The attempt of the job that `begin` was told of is over. Returns the keys of the counters that went down. */
  leave({ runCounters, budgets }: LimitProfile, job: object, atMs: number): readonly number[] {
    if (runCounters.length + budgets.length === 0) return NO_KEYS;
    this.spent.delete(job);
    for (const counter of runCounters) {
      counter.end(job, this.#calculatedMs);
      this.#noteChanging(counter);
    }
    const keys = runCounters.map(({ key }) => key);
    for (const { counter, ahead } of budgets) {
      const before = counter.reached;
      counter.end(job, atMs);
      this.#noteChanging(counter);
      // What was used has gone up by what the job used, and down by what has faded. Only where it comes to a limit, or falls below one, is it looked
      // who runs and who waits: where all that run are ended each of them comes by here.
      const after = counter.reached;
      if ((after & ~before) !== 0) this.#noteSpent(counter);
      if (ahead !== null || (before & ~after) !== 0) keys.push(counter.key);
    }
    return keys;
  }

  /** What jobs with this profile used before it was told of any. */
  carry({ budgets }: LimitProfile, used: Pick<CarriedMinutes, 'faded' | 'whole'>, atMs: number): void {
    if (!this.#isCounting) return;
    for (const { counter } of budgets) {
      counter.carry(used, atMs);
      this.#noteChanging(counter);
    }
  }

  /** Whether what limits on minutes let start will be another once priorities are calculated again. */
  get isToBeCalculated(): boolean {
    return this.#changing.size > 0;
  }

  /** Priorities are calculated. Returns the keys of the counters that may have gone down. */
  calculated(atMs: number): readonly number[] {
    this.#calculatedMs = atMs;
    const { runCounters, usedCounters } = this.#profiles;
    if (runCounters.size + usedCounters.size === 0) return NO_KEYS;
    const busy = [...runCounters.values()].filter(({ isChanging }) => isChanging);
    for (const counter of busy) counter.recount(atMs);
    const changing = [...usedCounters.values()].filter(({ isChanging }) => isChanging);
    // What was used may have faded since.
    this.spent.clear();
    for (const counter of changing) {
      counter.calculated(atMs);
      this.#noteChanging(counter);
      this.#noteSpent(counter);
    }
    return [...busy, ...changing].map(({ key }) => key);
  }

  #noteChanging(counter: Changing): void {
    if (counter.isChanging) this.#changing.add(counter);
    else this.#changing.delete(counter);
  }

  #noteSpent(counter: UsedMinutes): void {
    if (!this.#isSafe) for (const job of counter.spent()) this.spent.add(job);
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
}

/** Counters have keys from 1; arrays the negative of their id. */
function arrayKey(arrayId: number): number {
  assert(arrayId > 0, 'array ids are positive');
  return -arrayId;
}

function count({ used, jobsOn }: Counter, demand: Demand, nodeIndices: readonly number[], sign: 1 | -1): void {
  for (const index of nodeIndices) {
    const jobCount = (jobsOn.get(index) ?? 0) + sign;
    if (jobCount === 0) jobsOn.delete(index);
    else jobsOn.set(index, jobCount);
  }
  used.jobs += sign;
  used.nodes = jobsOn.size;
  used.gpus += sign * demand.gpus;
  used.cpus += sign * demand.cpus;
  used.memoryBytes += sign * demand.memoryBytes;
  assert(used.jobs >= 0 && used.gpus >= 0, 'an attempt that ends has started');
  assert(used.cpus >= 0 && used.memoryBytes >= 0, 'an attempt that ends has started');
}
