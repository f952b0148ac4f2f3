import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { attemptMs, type Progress, setProgress } from './attempt-progress.ts';
import type { Checkpointing } from './types.ts';

/** The same, one millisecond after the other: what the closed form is held against. */
function walk(elapsedMs: number, workMs: number, checkpointing: Checkpointing): Progress & { isDone: boolean } {
  const { intervalMs, writeMs, isBlocking, restartMs } = checkpointing;
  let doneMs = 0;
  let savedMs = 0;
  let stallMs = restartMs;
  const writes: { doneAtMs: number; savesMs: number }[] = [];
  for (let nowMs = 0; ; nowMs++) {
    for (const write of writes) if (write.doneAtMs <= nowMs) savedMs = Math.max(savedMs, write.savesMs);
    if (doneMs === workMs || nowMs === elapsedMs) return { doneMs, savedMs, isDone: doneMs === workMs };
    if (stallMs > 0) stallMs -= 1;
    else doneMs += 1;
    const isDue = doneMs > 0 && doneMs % intervalMs === 0 && doneMs < workMs;
    if (isDue && !writes.some(({ savesMs }) => savesMs === doneMs)) {
      writes.push({ doneAtMs: nowMs + 1 + writeMs, savesMs: doneMs });
      if (isBlocking) stallMs = writeMs;
    }
  }
}

const anyCheckpointing = fc.record({
  intervalMs: fc.integer({ min: 1, max: 12 }),
  writeMs: fc.integer({ min: 0, max: 15 }),
  isBlocking: fc.boolean(),
  restartMs: fc.integer({ min: 0, max: 9 }),
});
const anyWorkMs = fc.integer({ min: 1, max: 60 });

describe('progress of an attempt', () => {
  it('is at every instant what walking through it millisecond by millisecond gives', () => {
    fc.assert(
      fc.property(anyCheckpointing, anyWorkMs, fc.integer({ min: 0, max: 200 }), (checkpointing, workMs, elapsedMs) => {
        const endMs = attemptMs(workMs, checkpointing);
        const untilMs = Math.min(elapsedMs, endMs - 1);
        const { doneMs, savedMs } = walk(untilMs, workMs, checkpointing);
        const progress: Progress = { doneMs: -1, savedMs: -1 };
        setProgress(progress, untilMs, workMs, checkpointing);
        expect(progress).toEqual({ doneMs, savedMs });
      }),
      { numRuns: 2000 },
    );
  });

  it('is complete exactly when the attempt ends by itself', () => {
    fc.assert(
      fc.property(anyCheckpointing, anyWorkMs, (checkpointing, workMs) => {
        const endMs = attemptMs(workMs, checkpointing);
        expect(walk(endMs, workMs, checkpointing).isDone).toBe(true);
        expect(walk(endMs - 1, workMs, checkpointing).isDone).toBe(false);
      }),
    );
  });

  it.each([
    ['without checkpoints nothing is saved', 50, null, { doneMs: 50, savedMs: 0 }],
    ['a restart comes before all work', 20, { isBlocking: true, restartMs: 30 }, { doneMs: 0, savedMs: 0 }],
    ['a blocking write stalls the work', 12, { isBlocking: true, restartMs: 0 }, { doneMs: 10, savedMs: 0 }],
    ['a blocking write counts once it is done', 14, { isBlocking: true, restartMs: 0 }, { doneMs: 10, savedMs: 10 }],
    ['a non-blocking write lets work go on', 12, { isBlocking: false, restartMs: 0 }, { doneMs: 12, savedMs: 0 }],
    [
      'a non-blocking write counts once it is done',
      14,
      { isBlocking: false, restartMs: 0 },
      { doneMs: 14, savedMs: 10 },
    ],
    [
      'an interval beyond the work is none',
      70,
      { isBlocking: true, restartMs: 0, intervalMs: Infinity },
      { doneMs: 70, savedMs: 0 },
    ],
  ])('%s', (_, elapsedMs, fields, expected) => {
    const checkpointing = fields === null ? null : { intervalMs: 10, writeMs: 4, ...fields };
    const progress: Progress = { doneMs: -1, savedMs: -1 };
    setProgress(progress, elapsedMs, 100, checkpointing);
    expect(progress).toEqual(expected);
  });
});
