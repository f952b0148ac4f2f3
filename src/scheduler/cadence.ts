import { floorTo } from '../lib/floor-to.ts';
import type { CadencePolicy } from './policy.ts';

const SECOND = 1000;
/** Slurm's loop sleeps a second and does its other work: measured 1.0008 to 1.004 s, in the median 1.0015 s. */
const TICK_MS = 1001.5;

export type Pass = 'main' | 'full' | 'backfill';

/**
 * When Slurm's controller looks at its queue (22.05). Neither a submission nor, as a rule, the end of a job starts a pass at once: they ask for
 * one, and a loop with a period of a second starts it if the last was `batchSchedDelaySeconds` ago; every `schedIntervalSeconds` it goes
 * through the whole queue unasked. Backfill comes `bfIntervalSeconds` after the end of its last pass if anything changed since the second of
 * that end, otherwise within a second of the next change.
 */
export class Cadence {
  readonly #policy: CadencePolicy;
  readonly #backfillMs: number;
  /** The first time a pass was asked for since the last; Infinity for none. */
  #askedMs = Infinity;
  /** The end of a job that started a pass at once. */
  #promptMs = Infinity;
  #lastMainMs = -Infinity;
  #lastFullMs = -Infinity;
  #backfillBeganMs = Infinity;
  #lastBackfillMs = -Infinity;
  /** The first change since the second in which the last pass of backfill ended; Infinity for none. */
  #changedMs = Infinity;
  #lastChangeMs = -Infinity;

  /** `bfIntervalSeconds`: null for none. */
  constructor(policy: CadencePolicy, bfIntervalSeconds: number | null) {
    this.#policy = policy;
    this.#backfillMs = bfIntervalSeconds === null ? Infinity : Math.max(SECOND, bfIntervalSeconds * SECOND);
  }

  /** A job was submitted, ended, or may start from now on. */
  ask(atMs: number): void {
    this.#askedMs = Math.min(this.#askedMs, atMs);
    this.changed(atMs);
  }

  /** Something changed that asks for no pass: a job started, or pending jobs were found to be held up. */
  changed(atMs: number): void {
    this.#changedMs = Math.min(this.#changedMs, atMs);
    this.#lastChangeMs = atMs;
  }

  /** The pass of backfill is over. */
  backfillOver(atMs: number): void {
    this.#lastBackfillMs = atMs;
    this.#changedMs = this.#lastChangeMs >= floorTo(atMs, SECOND) ? atMs : Infinity;
  }

  /** Whether anything has changed after that instant. */
  hasChangedSince(atMs: number): boolean {
    return this.#lastChangeMs > atMs;
  }

  /** The attempt of a job is over. `isKilled`: by the scheduler's own word. */
  jobEnded(jobId: number, isKilled: boolean, atMs: number): void {
    const share = this.#policy.promptEndShare;
    if (isKilled || fractionOf(jobId) < share) this.#promptMs = atMs;
  }

  /** When the time limit of an attempt is looked at for the first time after it has passed. */
  limitCheckMs(deadlineMs: number): number {
    const periodMs = this.#policy.timeLimitCheckSeconds * SECOND;
    return periodMs > 0 ? Math.ceil(deadlineMs / periodMs) * periodMs : deadlineMs;
  }

  /** The pass that is due now, which is taken to be made, or with backfill to begin (see `backfillOver`); null for none. */
  next(nowMs: number, isBackfilling = false): Pass | null {
    if (this.#lastFullMs === -Infinity) this.#begin(nowMs);
    if (this.#isFullPassDue(nowMs)) {
      this.#mainMade(nowMs);
      return 'full';
    }
    if (this.#promptMs <= nowMs || this.#mainDueMs() <= nowMs) {
      if (this.#mainDueMs() <= nowMs) this.#mainMade(nowMs);
      this.#promptMs = Infinity;
      return 'main';
    }
    if (isBackfilling || this.#backfillDueMs() > nowMs) return null;
    this.#backfillBeganMs = nowMs;
    return 'backfill';
  }

  /** When the next pass is due, as far as is known. `isQueueEmpty`: passes through the whole queue can wait. */
  wakeMs(isQueueEmpty: boolean, isBackfilling = false): number {
    const backfillMs = isBackfilling ? Infinity : this.#backfillDueMs();
    const dueMs = Math.min(this.#promptMs, this.#mainDueMs(), backfillMs);
    return isQueueEmpty ? dueMs : Math.min(dueMs, this.#fullDueMs());
  }

  /** The controller was started a while before anything happened, and so was its clock. */
  #begin(nowMs: number): void {
    const startedMs = nowMs - this.#policy.controllerAgeSeconds * SECOND;
    const { mainAgeSeconds, fullAgeSeconds, loopDelaySeconds } = this.#policy;
    const agoMs = (seconds: number) => nowMs - Math.round(seconds * SECOND);
    this.#lastFullMs =
      fullAgeSeconds === undefined ? startedMs + Math.round(loopDelaySeconds * SECOND) : agoMs(fullAgeSeconds);
    this.#lastMainMs = mainAgeSeconds === undefined ? this.#lastFullMs : agoMs(mainAgeSeconds);
    if (fullAgeSeconds !== undefined) this.#lastMainMs = Math.max(this.#lastMainMs, this.#lastFullMs);
    if (this.#backfillMs < Infinity) this.#lastBackfillMs = startedMs;
  }

  /** Passes through an empty queue are made up for here, not when their time comes. */
  #isFullPassDue(nowMs: number): boolean {
    for (let dueMs = this.#fullDueMs(); dueMs <= nowMs; dueMs = this.#fullDueMs()) {
      this.#lastFullMs = dueMs;
      // It may have had to wait for backfill.
      if (dueMs === nowMs || (nowMs === this.#lastBackfillMs && dueMs >= this.#backfillBeganMs)) return true;
      this.#lastMainMs = Math.max(this.#lastMainMs, dueMs);
    }
    return false;
  }

  #mainMade(nowMs: number): void {
    this.#lastMainMs = nowMs;
    this.#askedMs = Infinity;
  }

  #mainDueMs(): number {
    if (this.#askedMs === Infinity) return Infinity;
    return this.#tickMs(
      Math.max(this.#wholeSecondsAfter(this.#lastMainMs, this.#policy.batchSchedDelaySeconds), this.#askedMs),
    );
  }

  #fullDueMs(): number {
    return this.#tickMs(this.#wholeSecondsAfter(this.#lastFullMs, this.#policy.schedIntervalSeconds));
  }

  /** When whole seconds make up the delay. */
  #wholeSecondsAfter(lastMs: number, delaySeconds: number): number {
    return floorTo(lastMs, SECOND) + delaySeconds * SECOND;
  }

  /** The first tick of the loop from then on, and after the last pass: it made that at a tick as well, and sleeps when it is over. */
  #tickMs(fromMs: number): number {
    const ticks = Math.max(1, Math.ceil((fromMs - this.#lastMainMs) / TICK_MS));
    return Math.round(this.#lastMainMs + ticks * TICK_MS);
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
