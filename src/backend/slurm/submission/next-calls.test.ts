import { describe, expect, it } from 'vitest';
import { toJobRequest } from '../../../contract/job-request.ts';
import { jobSpecSchema } from '../../../contract/job.ts';
import type { MirrorJob } from '../mirror/mirror-job.ts';
import { MirrorState } from '../mirror/mirror-state.ts';
import { nextCalls } from './next-calls.ts';
import { kindOf, RefusedKinds } from './refused-kinds.ts';
import { isReleaseTooMuch } from './throttle.ts';

/** Jobs 1, 2, ... of these QOS, none of them with Slurm. */
function jobsOf(...qos: string[]): { state: MirrorState; jobs: MirrorJob[] } {
  const state = new MirrorState({ append: async () => {} });
  for (const [place, name] of qos.entries()) {
    const spec = jobSpecSchema.parse({ command: ['true'], qos: name });
    state.apply({ event: { kind: 'JobSubmitted', atMs: 0, job: toJobRequest(place + 1, spec, 0) } });
  }
  return { state, jobs: [...state.jobs.values()] };
}

/** Ids of the jobs for which sbatch is called now, `most` of them. */
function called(state: MirrorState, kinds: RefusedKinds, nowMs: number, most = Infinity): number[] {
  const ids: number[] = [];
  for (const { group } of nextCalls(state, {
    kinds,
    refusedArrays: new Set(),
    maxArraySize: 1001,
    nowMs: 0,
    tickMs: nowMs,
  })) {
    for (const job of group) job.phase = 'asking';
    ids.push(...group.map(({ request }) => request.jobId));
    if (ids.length >= most) break;
  }
  return ids;
}

describe('of an array of which two may run at once', () => {
  const kinds = new RefusedKinds();
  /** Tasks 1, 2, ... of it, these of them held, and `asking` or with Slurm. */
  const tasksOf = (...phases: [phase: MirrorJob['phase'], isHeld: boolean][]) => {
    const { state, jobs } = jobsOf(...phases.map(() => 'normal'));
    for (const [place, [phase, isHeld]] of phases.entries()) {
      const job = jobs[place];
      if (job === undefined) throw new Error('expected a job');
      const record = { ...job.record, submission: 4 };
      const request = { ...job.request, array: { id: 1, runningMax: 2 } };
      state.jobs.set(place + 1, { ...job, request, phase, isHeld, record });
    }
    return state;
  };

  it('goes as much as may run, tasks that are held aside', () => {
    expect(
      called(tasksOf(['submitted', true], ['submitted', true], ['none', false], ['none', false]), kinds, 0),
    ).toEqual([3, 4]);
    expect(called(tasksOf(['submitted', false], ['asking', true], ['none', false], ['none', false]), kinds, 0)).toEqual(
      [3],
    );
  });

  it('keeps here what is held and would go by itself: whoever released it there could have three run at once', () => {
    expect(
      called(tasksOf(['submitted', false], ['submitted', false], ['none', true], ['none', false]), kinds, 0),
    ).toEqual([]);
    expect(called(tasksOf(['submitted', false], ['none', true], ['none', false]), kinds, 0)).toEqual([3]);
    // The last of its array: there is nothing that it could exceed, and all that are held go in one call.
    expect(called(tasksOf(['none', true], ['none', true]), kinds, 0)).toEqual([1, 2]);
  });

  it('one that Slurm holds cannot be released there while as many others are under way, of which some went by themselves', () => {
    const isTooMuch = (...phases: [phase: MirrorJob['phase'], isHeld: boolean][]) => {
      const state = tasksOf(['submitted', true], ...phases);
      const [held] = state.jobs.values();
      if (held === undefined) throw new Error('expected a job');
      const alone = isReleaseTooMuch(held, state);
      // As one array Slurm's own limit holds.
      for (const job of state.jobs.values()) {
        job.record = { ...job.record, arrayKey: '1+0x1', arrayTask: `50_${job.request.jobId - 1}` };
      }
      expect(isReleaseTooMuch(held, state)).toBe(false);
      return alone;
    };
    expect(isTooMuch(['submitted', false], ['submitted', false])).toBe(true);
    expect(isTooMuch(['submitted', false], ['submitted', true])).toBe(false);
    expect(isTooMuch(['submitted', false], ['none', false])).toBe(false);
    // Both of the others, of which one is being released in this moment.
    const state = tasksOf(['submitted', true], ['submitted', false], ['submitted', true]);
    const [held, , next] = state.jobs.values();
    if (held === undefined || next === undefined) throw new Error('expected jobs');
    expect([isReleaseTooMuch(held, state), isReleaseTooMuch(held, state, new Set([next]))]).toEqual([false, true]);
  });
});

describe('of a kind of which Slurm takes no more', () => {
  it('one asks, before all others, and the others go on', () => {
    const { state, jobs } = jobsOf('normal', 'tiny', 'tiny', 'normal');
    const kinds = new RefusedKinds();
    for (const { request } of jobs.slice(1, 2)) kinds.end(kindOf(request), 'full', 0);
    expect(called(state, kinds, 2_000, 1)).toEqual([2]);
    expect(called(state, kinds, 2_000)).toEqual([1, 4]);
    expect(jobs.map(({ hindrance }) => hindrance)).toEqual([null, 'full', 'full', null]);
  });

  it('the first of those that were refused least often asks, if it waits for nothing else', () => {
    const { state, jobs } = jobsOf('tiny', 'tiny', 'tiny');
    const [first, second, third] = jobs;
    if (!first || !second || !third) throw new Error('expected jobs');
    const kinds = new RefusedKinds();
    kinds.end(kindOf(first.request), 'full', 0);
    first.limitRefusals = 1;
    second.isCancelRequested = true;
    expect(called(state, kinds, 2_000)).toEqual([3]);
    third.phase = 'none';
    third.limitRefusals = 2;
    kinds.end(kindOf(first.request), 'full', 2_000);
    expect(called(state, kinds, 6_000)).toEqual([1]);
  });
});
