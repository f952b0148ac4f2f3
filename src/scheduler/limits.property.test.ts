import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import type { LimitPolicy } from './limit-profile.ts';
import { LimitCounters } from './limits.ts';
import { isOverUsed, type NaiveJob, naiveMayStart } from './limits.test-support.ts';
import type { Limits } from './qos-and-accounts.ts';

it('lets start what a recount of all that runs lets start, and wakes every job that an end sets free', () => {
  const amount = fc.constantFrom(null, 1, 2, 4, 9);
  const useLimit = fc.record(
    {
      jobs: amount,
      nodes: amount,
      gpus: amount,
      cpus: fc.constantFrom(null, null, 6, 12),
      memoryBytes: fc.constantFrom(null, null, null, 9),
    },
    { requiredKeys: [] },
  );
  const minutes = fc.record(
    {
      gpus: fc.constantFrom(null, null, 3),
      nodes: fc.constantFrom(null, null, 4),
      cpus: fc.constantFrom(null, 2, 7, 12),
      memoryBytes: fc.constantFrom(null, null, 9),
    },
    { requiredKeys: [] },
  );
  const ofAnyone = {
    group: useLimit,
    perUser: useLimit,
    perJob: useLimit,
    perNode: fc.record({ gpus: amount, cpus: amount }, { requiredKeys: [] }),
    perJobMinutes: fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, minutes),
    groupRunMinutes: fc.oneof(fc.constant({}), { weight: 3, arbitrary: minutes }),
    wallSecondsMax: fc.constantFrom(null, null, 10),
    groupMinutes: fc.oneof(fc.constant({}), { weight: 3, arbitrary: minutes }),
    groupWallSeconds: fc.constantFrom(null, null, 60, 100, 180),
  };
  const limits = fc.record({ ...ofAnyone, perAccount: useLimit }, { requiredKeys: [] });
  const limitsOfUser = fc.record(ofAnyone, { requiredKeys: [] });
  const isOver = fc.boolean();
  const least = fc.record({ cpus: fc.constantFrom(null, 2), nodes: fc.constantFrom(null, null, 2) });
  const usage = fc.record({
    isUseKept: fc.boolean(),
    usageFactor: fc.constantFrom(1, 1, 2, 0.5, 0),
    areLimitsSafe: fc.boolean(),
    decayHalfLifeSeconds: fc.constantFrom(0, 0, 100),
  });
  const kinds = fc.constantFrom('ahead', 'used', 'all');
  const policies: fc.Arbitrary<LimitPolicy> = fc
    .tuple(limits, limits, limits, limits, limits, limits, limitsOfUser, least, isOver, kinds, usage)
    .map(([ofA, ofB, ofC, ofX, ofY, ofP, ofU, perJobMin, isOverPartitionQos, kind, used]) => {
      // Beside all others they would seldom be what holds a job up.
      const some = (all: Limits): Limits => {
        const { perJobMinutes = {}, groupRunMinutes = {}, groupMinutes = {}, groupWallSeconds = null } = all;
        if (kind === 'all') return all;
        return kind === 'used' ? { groupMinutes, groupWallSeconds } : { perJobMinutes, groupRunMinutes };
      };
      const { isUseKept, usageFactor, areLimitsSafe, decayHalfLifeSeconds } = used;
      return {
        users: [{ name: 'u', account: 'b', ...some(ofU) }],
        accounts: [
          { name: 'a', ...some(ofA) },
          { name: 'b', parent: 'a', ...some(ofB) },
          { name: 'c', parent: 'b', ...some(ofC) },
        ],
        qos: [
          { name: 'x', usageFactor, ...some(ofX) },
          { name: 'y', isOverPartitionQos, perJobMin, isUseKept, ...some(ofY) },
          { name: 'p', isUseKept, ...some(ofP) },
        ],
        areLimitsSafe,
        priority: { type: 'multifactor', decayHalfLifeSeconds },
      };
    });
  const jobs = fc.record({
    user: fc.constantFrom('u', 'v'),
    account: fc.constantFrom('a', 'b', 'c', 'elsewhere'),
    qos: fc.constantFrom('x', 'y', 'z'),
    partitionQos: fc.constantFrom(null, 'p', 'x'),
    on: fc.uniqueArray(fc.nat(4), { minLength: 1, maxLength: 3 }),
    gpus: fc.integer({ min: 0, max: 4 }),
    cpus: fc.integer({ min: 1, max: 5 }),
    memoryBytes: fc.integer({ min: 0, max: 4 }),
    timeLimitMs: fc.constantFrom(null, 5000, 20_000, 60_000, 150_000),
    array: fc.constantFrom(null, null, { id: 1, runningMax: 1 }, { id: 2, runningMax: 2 }),
  });
  const seen = { started: 0, blocked: 0, woken: 0, wokenByTime: 0, usedUp: 0, tooMuchAhead: 0, spent: 0 };
  const PERIOD_MS = 40_000;
  fc.assert(
    fc.property(policies, fc.array(fc.tuple(jobs, fc.nat(5), fc.nat(3)), { maxLength: 25 }), (policy, submissions) => {
      const counters = new LimitCounters(policy);
      let nowMs = 0;
      let calculatedMs = 0;
      counters.calculated(0);
      const running: NaiveJob[] = [];
      const ended: NaiveJob[] = [];
      const past = () => ({ ended, calculatedMs });
      const factorOf = (job: NaiveJob) => policy.qos.find(({ name }) => name === job.qos)?.usageFactor ?? 1;
      const aside = new Map<NaiveJob, number>();
      const profileOf = (job: NaiveJob) => counters.profile(job.account, job.user, job.qos, job.partitionQos);
      const consider = (job: NaiveJob) => {
        const blocked = counters.blockedBy(profileOf(job), job);
        expect(blocked === null).toBe(naiveMayStart(policy, job, running, past()));
        if (blocked === null) {
          job.startMs = nowMs;
          counters.start(profileOf(job), job, job.on);
          counters.begin(profileOf(job), job, job, nowMs, factorOf(job));
          running.push(job);
          aside.delete(job);
          seen.started += 1;
        } else {
          aside.set(job, blocked.key);
          seen.blocked += 1;
          if (isOverUsed(policy, job, running, past(), false)) seen.usedUp += 1;
          else if (policy.areLimitsSafe === true && isOverUsed(policy, job, running, past(), true))
            seen.tooMuchAhead += 1;
        }
      };
      /** Those that are to be ended are those whose limits have just been reached. */
      const compareSpent = () => {
        const over = running.filter((job) => isOverUsed(policy, job, running, past(), false));
        expect(new Set(counters.spent)).toEqual(new Set(policy.areLimitsSafe === true ? [] : over));
        seen.spent += counters.spent.size;
      };
      const wake = (keys: readonly number[], by: 'woken' | 'wokenByTime') => {
        for (const [waiting, key] of aside) {
          if (keys.includes(key)) continue;
          expect(naiveMayStart(policy, waiting, running, past())).toBe(false);
        }
        for (const [waiting, key] of Array.from(aside)) {
          if (!keys.includes(key)) continue;
          seen[by] += 1;
          consider(waiting);
        }
      };
      for (const [shape, endings, steps] of submissions) {
        nowMs += steps * 15_000;
        if (nowMs >= calculatedMs + PERIOD_MS) {
          calculatedMs = Math.floor(nowMs / PERIOD_MS) * PERIOD_MS;
          const keys = counters.calculated(calculatedMs);
          compareSpent();
          wake(keys, 'wokenByTime');
        }
        const minutesMs = shape.timeLimitMs ?? Infinity;
        consider({ ...shape, nodes: shape.on.length, startMs: 0, endMs: null, minutesMs });
        for (const job of running.splice(0, endings === 0 ? 1 : 0)) {
          const keys = counters.end(profileOf(job), job, job.on);
          const keysOfMinutes = counters.leave(profileOf(job), job, nowMs);
          ended.push({ ...job, endMs: nowMs });
          wake([...keys, ...keysOfMinutes], 'woken');
        }
      }
    }),
    { numRuns: 2000 },
  );
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(100);
});
