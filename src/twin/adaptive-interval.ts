import { youngDalySeconds } from '../planner/checkpointing.ts';
import type { Checkpointing, TwinJob } from './types.ts';

/** No job writes checkpoints more often than this, however cheap they are. Assumed. */
const CHECKPOINT_INTERVAL_MS_MIN = 60_000;

/** What a job has seen of its nodes. Milliseconds. */
export interface JobHistory {
  readonly twin: Pick<TwinJob, 'checkpointing'>;
  /** Attempts that a failure ended. */
  readonly failures: number;
  readonly productiveMs: number;
  readonly lostMs: number;
  readonly overheadMs: number;
}

/** The optimum of Young and Daly, sqrt(2 w M); never less than a write takes, nor than a minute. Milliseconds in and out. */
export function optimalIntervalMs(writeMs: number, mttfMs: number): number {
  const optimumMs = Math.round(1000 * youngDalySeconds(writeMs / 1000, mttfMs / 1000));
  return Math.max(optimumMs, writeMs, CHECKPOINT_INTERVAL_MS_MIN);
}

/**
 * How the next attempt of a job writes checkpoints. One that adapts takes the optimum for the mean time to failure (M0 + T) / (1 + n) after n
 * failures in T of its own time: the mean rate of a gamma prior that counts as one failure in M0 (Gelman et al., Bayesian Data Analysis,
 * section 2.6).
 */
export function adaptedCheckpointing({
  twin,
  failures,
  productiveMs,
  lostMs,
  overheadMs,
}: JobHistory): Checkpointing | null {
  const { checkpointing } = twin;
  if (checkpointing?.mttfPriorMs === undefined) return checkpointing;
  const mttfMs = (checkpointing.mttfPriorMs + productiveMs + lostMs + overheadMs) / (1 + failures);
  return { ...checkpointing, intervalMs: optimalIntervalMs(checkpointing.writeMs, mttfMs) };
}
