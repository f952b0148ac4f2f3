import { describe, expect, it } from 'vitest';
import { toJobRequest } from '../../../contract/job-request.ts';
import { jobSpecSchema } from '../../../contract/job.ts';
import type { MirrorJob } from '../mirror/mirror-job.ts';
import { MirrorState } from '../mirror/mirror-state.ts';
import { nextCalls } from './next-calls.ts';
import { kindOf, RefusedKinds } from './refused-kinds.ts';

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
