import { describe, expect, it } from 'vitest';
import type { SubmissionPhase } from '../mirror/mirror-job.ts';
import { job } from '../mirror/mirror.test-support.ts';
import { kindOf, RefusedKinds } from './refused-kinds.ts';

describe('kinds of jobs of which Slurm takes no more', () => {
  it('wait, and leave others alone', () => {
    const kinds = new RefusedKinds();
    expect(kinds.end('tiny', 'full', 0)).toBe(2_000);
    expect(['tiny', 'other'].map((kind) => kinds.mayGo(kind, 1_999))).toEqual([false, true]);
    expect(kinds.mayGo('tiny', 2_000)).toBe(true);
    expect(['tiny', 'other'].map((kind) => kinds.reason(kind))).toEqual(['full', null]);
  });

  it('are asked for by one at a time, more and more seldom, until one is taken', () => {
    const kinds = new RefusedKinds();
    kinds.end('tiny', 'full', 0);
    kinds.begin('tiny');
    expect(kinds.mayGo('tiny', 5_000)).toBe(false);
    expect(kinds.end('tiny', 'full', 5_000)).toBe(4_000);
    let waitMs = 0;
    for (let tries = 0; tries < 8; tries += 1) {
      kinds.begin('tiny');
      waitMs = kinds.end('tiny', 'full', 10_000);
    }
    expect(waitMs).toBe(60_000);
    kinds.begin('tiny');
    expect(kinds.end('tiny', null, 80_000)).toBe(0);
    expect(kinds.mayGo('tiny', 80_000)).toBe(true);
  });

  it('wait no longer for several that were refused together', () => {
    const kinds = new RefusedKinds();
    expect([1, 2, 3, 4].map(() => kinds.end('tiny', 'full', 0))).toEqual([2_000, 2_000, 2_000, 2_000]);
  });

  it('are asked for again as soon as one of the kind that Slurm had has ended, and not before', () => {
    const kinds = new RefusedKinds();
    const kind = kindOf(job().request);
    const follow = (...phases: SubmissionPhase[]) => {
      kinds.follow(phases.map((phase) => job({ phase })));
      return kinds.mayGo(kind, 1);
    };
    kinds.end(kind, 'full', 0);
    // The answer for one that was called for at the same time comes later.
    expect(follow('submitted', 'none', 'asking')).toBe(false);
    expect(follow('submitted', 'none', 'submitted')).toBe(false);
    expect(follow('submitted', 'none')).toBe(true);
    kinds.begin(kind);
    expect(kinds.end(kind, 'full', 1)).toBe(4_000);
    expect(follow('submitted', 'none')).toBe(false);
    // It ends while another is at sbatch, which may have come too early.
    kinds.begin(kind);
    expect(follow('none')).toBe(false);
    kinds.end(kind, 'full', 1);
    expect(follow('none')).toBe(true);
  });
});
