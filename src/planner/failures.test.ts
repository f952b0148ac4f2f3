import { describe, expect, it } from 'vitest';
import { Random } from '../lib/random.ts';
import { expectedEttr, type Interruptions, mttfSeconds } from './failures.ts';

const MINUTE = 60;
const HOUR = 3600;
const rscOne = 6.5e-3;

/** Intervals of training, each followed by a checkpoint, under failures drawn at random; the share of time that counted. */
function simulatedEttr(interruptions: Interruptions, intervals: number, random: Random): number {
  const { restartSeconds, waitSeconds, checkpointIntervalSeconds, checkpointWriteSeconds } = interruptions;
  let elapsed = 0;
  let phase = checkpointIntervalSeconds + checkpointWriteSeconds;
  let done = 0;
  while (done < intervals) {
    const failsAfter = random.nextExponential(interruptions.mttfSeconds);
    if (failsAfter >= phase) {
      elapsed += phase;
      done += 1;
      phase = checkpointIntervalSeconds + checkpointWriteSeconds;
    } else {
      elapsed += failsAfter + waitSeconds;
      phase = restartSeconds + checkpointIntervalSeconds + checkpointWriteSeconds;
    }
  }
  return (intervals * checkpointIntervalSeconds) / elapsed;
}

describe('mean time to failure', () => {
  // Kokolis et al., HPCA 2025: projected from the rate of RSC-1.
  it.each([
    [16_384, 1.8],
    [131_072, 0.23],
  ])('of a job of %i GPUs is %d h', (gpus, hours) => {
    expect(mttfSeconds(gpus / 8, rscOne) / HOUR).toBeCloseTo(hours, 1);
  });
});

describe('effective training time ratio', () => {
  // Kokolis et al., HPCA 2025: GPUs, checkpoint interval, restart, wait, ETTR; the first case is the paper's coarsest.
  it.each([
    [16_384, 60, 5, 0, 0.7],
    [16_384, 5, 5, 0, 0.93],
    [8192, 30, 5, 1, 0.9],
  ])('of %i GPUs with a checkpoint every %i minutes is that of the paper', (gpus, interval, restart, wait, ettr) => {
    const expected = expectedEttr({
      mttfSeconds: mttfSeconds(gpus / 8, rscOne),
      restartSeconds: restart * MINUTE,
      waitSeconds: wait * MINUTE,
      checkpointIntervalSeconds: interval * MINUTE,
      checkpointWriteSeconds: 0,
    });
    expect(Math.abs(expected / ettr - 1)).toBeLessThan(0.025);
  });

  it.each([
    [
      1,
      {
        mttfSeconds: 6480,
        restartSeconds: 300,
        waitSeconds: 0,
        checkpointIntervalSeconds: 3600,
        checkpointWriteSeconds: 0,
      },
    ],
    [
      2,
      {
        mttfSeconds: 6480,
        restartSeconds: 1200,
        waitSeconds: 900,
        checkpointIntervalSeconds: 600,
        checkpointWriteSeconds: 60,
      },
    ],
    [
      3,
      {
        mttfSeconds: 900,
        restartSeconds: 600,
        waitSeconds: 60,
        checkpointIntervalSeconds: 300,
        checkpointWriteSeconds: 40,
      },
    ],
    [
      4,
      {
        mttfSeconds: 1e5,
        restartSeconds: 600,
        waitSeconds: 0,
        checkpointIntervalSeconds: 4000,
        checkpointWriteSeconds: 80,
      },
    ],
  ])('agrees with a simulation (seed %i)', (seed, interruptions) => {
    const simulated = simulatedEttr(interruptions, 200_000, new Random(seed));
    expect(Math.abs(expectedEttr(interruptions) / simulated - 1)).toBeLessThan(0.01);
  });

  it('is what writing checkpoints leaves where nothing fails', () => {
    const interruptions = {
      restartSeconds: 600,
      waitSeconds: 0,
      checkpointIntervalSeconds: 90,
      checkpointWriteSeconds: 10,
    };
    expect(expectedEttr({ ...interruptions, mttfSeconds: mttfSeconds(100, 0) })).toBe(0.9);
  });
});
