import { Heap } from '../lib/heap.ts';
import { isBrokenBy, isMetBy, isOneFailure, type Term, termsOf } from './dependency-terms.ts';
import type { JobRecord } from './job-record.ts';
import type { Outcomes } from './outcomes.ts';
import type { Dependency, JobState } from './types.ts';

/** A job that comes free, or waits for less, at an instant that is known. */
interface Timed {
  job: JobRecord;
  dueMs: number;
  index: number;
}

export interface DependenciesOptions {
  outcomes: Outcomes;
  /** A job that has not ended. */
  find: (jobId: number) => JobRecord | undefined;
  /** The job waits for nothing more, since `atMs`. */
  onFree: (job: JobRecord, atMs: number) => void;
}

/**
 * Who waits for whom. A dependency once satisfied is forgotten, as in Slurm; an `afterok` whose job failed stays, and is satisfied after
 * all if that job is requeued and completes. A job the scheduler has not heard of has not ended. `after` counts from the decision of the last
 * attempt, or from when the job was cancelled before one.
 */
export class Dependencies {
  readonly #outcomes: Outcomes;
  readonly #find: DependenciesOptions['find'];
  readonly #onFree: DependenciesOptions['onFree'];
  readonly #waiting = new Map<number, Set<JobRecord>>();
  readonly #timed = new Heap<Timed>(isDueBefore, (timed, index) => {
    timed.index = index;
  });
  readonly #timedOf = new Map<JobRecord, Timed>();
  /** Since when `after` counts, of jobs that have ended and were waited for then. */
  readonly #endedFromMs = new Map<number, number>();
  /** Jobs that wait for a start: without any, starts concern nobody. */
  readonly #startWaiters = new Set<JobRecord>();

  constructor({ outcomes, find, onFree }: DependenciesOptions) {
    this.#outcomes = outcomes;
    this.#find = find;
    this.#onFree = onFree;
  }

  /** When somebody comes free though nothing happens; Infinity for never. */
  get nextMs(): number {
    return this.#timed.peek()?.dueMs ?? Infinity;
  }

  /** Fills in `waitsFor` of a job just submitted. */
  register(job: JobRecord, atMs: number): void {
    job.waitsFor = this.#open(job, job.request.dependencies, atMs);
    for (const { jobId } of job.waitsFor) {
      const waiting = this.#waiting.get(jobId);
      if (waiting === undefined) this.#waiting.set(jobId, new Set([job]));
      else waiting.add(job);
    }
    if (job.waitsFor.some(({ condition }) => condition === 'after')) this.#startWaiters.add(job);
    this.#time(job, atMs);
  }

  /** An attempt of the job was decided. */
  started(jobId: number, atMs: number): void {
    if (this.#startWaiters.size > 0) this.#retime(jobId, atMs);
  }

  /** The job is in the queue again: whoever waits for its start waits for the next one. */
  requeued(jobId: number, atMs: number): void {
    this.#endedFromMs.delete(jobId);
    if (this.#startWaiters.size > 0) this.#retime(jobId, atMs);
  }

  /** A job ended. `fromMs`: what a delay after its start counts from; null where that is not known, or was told before. */
  settle(endedId: number, fromMs: number | null, atMs: number): void {
    const waiting = this.#waiting.get(endedId);
    if (waiting === undefined) return;
    if (this.#startWaiters.size > 0 && fromMs !== null) this.#endedFromMs.set(endedId, fromMs);
    for (const job of waiting) this.#review(job, endedId, atMs);
  }

  /** What a delay after the start of a job counts from that ended before a restart. */
  recall(jobId: number, startMs: number): void {
    this.#endedFromMs.set(jobId, startMs);
  }

  /** What was due by then. */
  wake(nowMs: number): void {
    for (let timed = this.#timed.peek(); timed !== undefined && timed.dueMs <= nowMs; timed = this.#timed.peek()) {
      this.#review(timed.job, null, timed.dueMs);
    }
  }

  /** The job waits no longer (it was cancelled). */
  forget(job: JobRecord): void {
    this.#leave(job, job.waitsFor);
    job.waitsFor = [];
    this.#startWaiters.delete(job);
    this.#time(job, -Infinity);
  }

  /** True where it can only start if a job that it waits for is run again: of an OR list, where that is so of each. */
  isNever({ waitsFor, request }: JobRecord): boolean {
    const terms = termsOf(waitsFor);
    const isBroken = (term: Term) => this.isBroken(term);
    return request.isAnyEnough === true ? terms.every(isBroken) : terms.some(isBroken);
  }

  /** True where what is waited for has ended otherwise than the dependency demands. */
  isBroken(term: Term): boolean {
    return isBrokenBy(term, ({ jobId }) => this.#outcomes.state(jobId));
  }

  /** From when on one by itself is satisfied, if nothing else happens; -Infinity: long since, Infinity: not yet to be said. */
  dueMs(dependency: Dependency): number {
    return this.#dueOf(dependency);
  }

  /** What of the list is not satisfied by then. */
  #open(job: JobRecord, waitsFor: readonly Dependency[], atMs: number): readonly Dependency[] {
    const isOpen = (term: Term) => !(this.#dueOfTerm(term) <= atMs);
    if (job.request.isAnyEnough === true) return termsOf(waitsFor).every(isOpen) ? waitsFor : [];
    if (waitsFor.every(({ set }) => set === undefined)) return waitsFor.filter((one) => !(this.#dueOf(one) <= atMs));
    return termsOf(waitsFor).filter(isOpen).flat();
  }

  /** Looks again whether the job waits. `jobId`: the only one of which something has changed; null: any. */
  #review(job: JobRecord, jobId: number | null, atMs: number): void {
    const before = job.waitsFor;
    const isPlain = jobId !== null && job.request.isAnyEnough !== true && before.every(({ set }) => set === undefined);
    job.waitsFor = isPlain
      ? before.filter((one) => one.jobId !== jobId || !(this.#dueOf(one) <= atMs))
      : this.#open(job, before, atMs);
    if (job.waitsFor.length < before.length) {
      const left = new Set(job.waitsFor);
      this.#leave(job, isPlain ? [{ condition: 'afterany', jobId }] : before.filter((one) => !left.has(one)));
    }
    if (job.waitsFor.length === 0) this.#startWaiters.delete(job);
    this.#time(job, atMs);
    if (job.waitsFor.length === 0) this.#onFree(job, atMs);
  }

  /** The job no longer waits for these, unless it does so by another dependency. */
  #leave(job: JobRecord, dependencies: readonly Dependency[]): void {
    const isLeft = (jobId: number) => job.waitsFor !== dependencies && job.waitsFor.some((one) => one.jobId === jobId);
    for (const { jobId } of dependencies) {
      const waiting = this.#waiting.get(jobId);
      if (waiting === undefined || isLeft(jobId)) continue;
      waiting.delete(job);
      if (waiting.size > 0) continue;
      this.#waiting.delete(jobId);
      this.#endedFromMs.delete(jobId);
    }
  }

  #retime(jobId: number, atMs: number): void {
    for (const job of this.#waiting.get(jobId) ?? []) this.#time(job, atMs);
  }

  /** Puts down when the next of its dependencies is satisfied, where that is only a matter of time. */
  #time(job: JobRecord, atMs: number): void {
    const timed = this.#timedOf.get(job);
    let dueMs = Infinity;
    if (this.#startWaiters.has(job)) {
      for (const term of termsOf(job.waitsFor)) {
        const termMs = this.#dueOfTerm(term);
        if (termMs > atMs) dueMs = Math.min(dueMs, termMs);
      }
    }
    if (timed?.dueMs === dueMs) return;
    if (timed !== undefined) this.#timed.removeAt(timed.index);
    this.#timedOf.delete(job);
    if (dueMs === Infinity) return;
    const next = { job, dueMs, index: -1 };
    this.#timedOf.set(job, next);
    this.#timed.push(next);
  }

  /** From when on it is satisfied, if nothing else happens; Infinity where something has to. */
  #dueOfTerm(term: Term): number {
    if (!isOneFailure(term)) return term.reduce((ms, one) => Math.max(ms, this.#dueOf(one)), -Infinity);
    const states = term.map(({ jobId }) => this.#outcomes.state(jobId));
    const hasFailed = states.every((state) => state !== undefined) && states.some((state) => state !== 'COMPLETED');
    return hasFailed ? -Infinity : Infinity;
  }

  #dueOf(dependency: Dependency): number {
    const { condition, jobId } = dependency;
    const state = this.#outcomes.state(jobId);
    if (condition === 'after') return this.#startDueOf(dependency, state);
    return state !== undefined && isMetBy(state, condition) ? -Infinity : Infinity;
  }

  #startDueOf({ jobId, delayMs = 0, startMs }: Dependency, state: JobState | undefined): number {
    if (state !== undefined) {
      // As Slurm does of a job that it has forgotten, where nobody knows when it started.
      const fromMs = this.#endedFromMs.get(jobId) ?? startMs;
      return delayMs === 0 || fromMs === undefined ? -Infinity : fromMs + delayMs;
    }
    const job = this.#find(jobId);
    if (job === undefined || job.phase === 'pending' || job.startNumber === 0) return Infinity;
    // Not in the cycle of the start itself: then it would hang on where a limit on the depth cuts that.
    return job.startMs + Math.max(1, delayMs);
  }
}

function isDueBefore(a: Timed, b: Timed): boolean {
  return a.dueMs === b.dueMs ? a.job.request.jobId < b.job.request.jobId : a.dueMs < b.dueMs;
}
