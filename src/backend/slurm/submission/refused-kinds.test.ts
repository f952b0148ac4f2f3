import { describe, expect, it } from 'vitest';
import { RefusedKinds } from './refused-kinds.ts';

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
});
