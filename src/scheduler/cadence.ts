import type { CadencePolicy } from './policy.ts';

const SECOND = 1000;
/** Slurm's loop sleeps a second and does its other work: measured 1.002 to 1.004 s on an idle controller. */
const TICK_MS = 1002;

export type Pass = 'main' | 'full' | 'backfill';

/**
 * When Slurm's controller looks at its queue (22.05). Neither a submission nor, as a rule, the end of a job starts a pass at once: they ask for
 * one, and a loop with a period of a second starts it if the last was `batchSchedDelaySeconds` ago; every `schedIntervalSeconds` it goes
 * through the whole queue unasked. Backfill comes `bfIntervalSeconds` after its last pass if anything changed since then, otherwise within a
 * second of the next change.
 */
export class Cadence {
  readonly #policy: CadencePolicy;
  readonly #backfillMs: number;
  /** The first time a pass was asked for since the last; Infinity for none. */
  #askedMs = Infinity;
  /** The end of a job that started a pass at once. */
  #promptMs = Infinity;
  #lastMainMs = -Infinity;
  #nextFullMs = -Infinity;
  #lastBackfillMs = -Infinity;
  /** The first change since the last pass of backfill; Infinity for none. */
  #changedMs = Infinity;

  /** `bfIntervalSeconds`: null for none. */
  constructor(policy: CadencePolicy, bfIntervalSeconds: number | null) {
    this.#policy = policy;
    this.#backfillMs = bfIntervalSeconds === null ? Infinity : Math.max(SECOND, bfIntervalSeconds * SECOND);
  }

  /** A job was submitted, ended, or may start from now on. */
  ask(atMs: number): void {
    this.#askedMs = Math.min(this.#askedMs, atMs);
    this.#changedMs = Math.min(this.#changedMs, atMs);
  }

  /** The attempt of a job is over. `isKilled`: by the scheduler's own word. */
  jobEnded(jobId: number, nodes: number, isKilled: boolean, atMs: number): void {
    const share = this.#policy.promptEndShare;
    if (isKilled || share >= 1 || (nodes === 1 && fractionOf(jobId) < share)) this.#promptMs = atMs;
  }

  /** When the time limit of an attempt is looked at for the first time after it has passed. */
  limitCheckMs(deadlineMs: number): number {
    const periodMs = this.#policy.timeLimitCheckSeconds * SECOND;
    return periodMs > 0 ? Math.ceil(deadlineMs / periodMs) * periodMs : deadlineMs;
  }

  /** The pass that is due now, which is taken to be made; null for none. */
  next(nowMs: number): Pass | null {
    if (this.#nextFullMs === -Infinity) this.#begin(nowMs);
    if (this.#isFullPassDue(nowMs)) {
      this.#mainMade(nowMs);
      return 'full';
    }
    if (this.#promptMs <= nowMs || this.#mainDueMs() <= nowMs) {
      if (this.#mainDueMs() <= nowMs) this.#mainMade(nowMs);
      this.#promptMs = Infinity;
      return 'main';
    }
    if (this.#backfillDueMs() > nowMs) return null;
    this.#lastBackfillMs = nowMs;
    this.#changedMs = Infinity;
    return 'backfill';
  }

  /** When the next pass is due, as far as is known. `isQueueEmpty`: passes through the whole queue can wait. */
  wakeMs(isQueueEmpty: boolean): number {
    const dueMs = Math.min(this.#promptMs, this.#mainDueMs(), this.#backfillDueMs());
    return isQueueEmpty ? dueMs : Math.min(dueMs, this.#nextFullMs);
  }

  #begin(nowMs: number): void {
    this.#lastMainMs = nowMs;
    this.#nextFullMs = nowMs + this.#policy.schedIntervalSeconds * SECOND;
    // It has long waited for something to change, with a look every second.
    if (this.#backfillMs < Infinity) this.#lastBackfillMs = nowMs + SECOND / 2 - this.#backfillMs;
  }

  /** Passes through an empty queue are made up for here, not when their time comes. */
  #isFullPassDue(nowMs: number): boolean {
    if (this.#nextFullMs > nowMs) return false;
    const intervalMs = this.#policy.schedIntervalSeconds * SECOND;
    const missed = Math.floor((nowMs - this.#nextFullMs) / intervalMs);
    const lastMs = this.#nextFullMs + missed * intervalMs;
    this.#nextFullMs = lastMs + intervalMs;
    if (lastMs === nowMs) return true;
    this.#lastMainMs = Math.max(this.#lastMainMs, lastMs);
    return false;
  }

  #mainMade(nowMs: number): void {
    this.#lastMainMs = nowMs;
    this.#askedMs = Infinity;
  }

  /** The first tick of the loop at which whole seconds make up the delay. */
  #mainDueMs(): number {
    if (this.#askedMs === Infinity) return Infinity;
    const delayMs = this.#policy.batchSchedDelaySeconds * SECOND;
    const earliestMs = Math.max(floorToSecond(this.#lastMainMs) + delayMs, this.#askedMs);
    const ticks = Math.max(1, Math.ceil((earliestMs - this.#lastMainMs) / TICK_MS));
    return this.#lastMainMs + ticks * TICK_MS;
  }

  #backfillDueMs(): number {
    if (this.#changedMs === Infinity || this.#backfillMs === Infinity) return Infinity;
    const firstMs = this.#lastBackfillMs + this.#backfillMs;
    if (this.#changedMs <= firstMs) return firstMs;
    return firstMs + Math.ceil((this.#changedMs - firstMs) / SECOND) * SECOND;
  }
}

/** Spread evenly over [0, 1), the same for the same job always. */
function fractionOf(jobId: number): number {
  return (Math.imul(jobId, 0x9e3779b1) >>> 0) / 2 ** 32;
}

function floorToSecond(ms: number): number {
  return Math.floor(ms / SECOND) * SECOND;
}
