import { ZERO_MS } from '../lib/zero-ms.ts';
import type { Allocation, CoreJob } from '../scheduler/core-types.ts';
import type { EndState } from '../scheduler/types.ts';
import type { AttemptState, Checkpointing, Incident, TwinJob } from './types.ts';

/**
 * `ending`: signalled, something of it still runs. `completing`: its tasks are over, its nodes not yet free. `over`: its nodes are free, the
 * scheduler has not said yet what becomes of it.
 */
export type LivePhase = 'pending' | 'launching' | 'running' | 'ending' | 'completing' | 'over';

/**
 * What the twin knows of a job that has not ended. A slot is used again by a later job. Times in milliseconds; sums are over the attempts
 * that are over.
 */
export class LiveJob {
  readonly slot: number;
  /** Counts the jobs that had the slot. What is queued about a job carries the number, and is void once it has changed. */
  jobStamp = 0;
  /** The same for an attempt, and for what is to become of it. */
  attemptStamp = 0;
  twin: TwinJob;
  core: CoreJob;
  phase: LivePhase = 'pending';
  /** Since when it has been eligible; means nothing while it is on nodes. */
  eligibleMs = ZERO_MS;
  /** Infinity before. */
  firstStartMs = Infinity;
  /** Of the work, what later attempts need not do again. */
  savedMs = ZERO_MS;
  queuedMs = ZERO_MS;
  productiveMs = ZERO_MS;
  lostMs = ZERO_MS;
  overheadMs = ZERO_MS;
  /** Attempts that a failure ended. */
  failures = 0;

  /** When the current attempt was decided: from here on it holds its nodes. */
  startMs = ZERO_MS;
  /** When its tasks began to run; Infinity while it is launched. */
  tasksMs = Infinity;
  /** How its tasks keep their work in this attempt. */
  checkpointing: Checkpointing | null = null;
  attemptQueuedMs = ZERO_MS;
  allocation: Allocation | null = null;
  /** When a node of it broke, so that nothing was done from then on; Infinity where none did. */
  brokenMs = Infinity;
  /** What took a node from it. */
  incident: Incident | null = null;
  preemptorJobId: number | null = null;
  /** When it was told to end, and as what. */
  interruptedMs = ZERO_MS;
  attemptState: AttemptState = 'COMPLETED';
  /** What its tasks come to, for the scheduler. */
  endState: EndState = 'COMPLETED';
  /** When the tasks of its last attempt were over; Infinity before the first has ended. */
  tasksEndMs = Infinity;

  constructor(slot: number, twin: TwinJob, core: CoreJob) {
    this.slot = slot;
    this.twin = twin;
    this.core = core;
  }
}

/** Live jobs by slot: memory is in proportion to how many there are at a time. */
export class LiveJobs {
  /** By slot, free ones included. */
  readonly #jobs: LiveJob[] = [];
  readonly #free: number[] = [];

  get count(): number {
    return this.#jobs.length - this.#free.length;
  }

  at(slot: number): LiveJob {
    const job = this.#jobs[slot];
    if (job === undefined) throw new Error(`invariant violated: there is no live job ${slot}`);
    return job;
  }

  add(twin: TwinJob, core: CoreJob): LiveJob {
    const slot = this.#free.pop();
    let job = slot === undefined ? undefined : this.#jobs[slot];
    if (job === undefined) {
      job = new LiveJob(this.#jobs.length, twin, core);
      this.#jobs.push(job);
    } else {
      job.twin = twin;
      job.core = core;
      job.phase = 'pending';
      job.firstStartMs = Infinity;
      job.failures = 0;
      job.checkpointing = null;
      job.tasksEndMs = Infinity;
    }
    job.savedMs = 0;
    job.queuedMs = 0;
    job.productiveMs = 0;
    job.lostMs = 0;
    job.overheadMs = 0;
    core.slot = job.slot;
    return job;
  }

  /** Those that wait, in no order that means anything. */
  pending(): LiveJob[] {
    const free = new Set(this.#free);
    return this.#jobs.filter(({ phase, slot }) => phase === 'pending' && !free.has(slot));
  }

  remove(job: LiveJob): void {
    job.jobStamp += 1;
    job.attemptStamp += 1;
    job.allocation = null;
    job.incident = null;
    this.#free.push(job.slot);
  }
}
