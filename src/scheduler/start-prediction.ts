import { floorTo } from '../lib/floor-to.ts';
import { FreeSpace, placeInRuns } from './free-space.ts';
import type { JobRecord } from './job-record.ts';
import type { Ledger } from './ledger.ts';
import type { NodeMask } from './node-mask.ts';
import type { Candidate } from './preempting.ts';

const SECOND = 1000;
/** Slurm predicts starts after batches of ends: those of the first within this time, then within twice, four times as long ... */
const BATCH_MS = 30 * SECOND;
/** What it grants a job that has outrun its limit (`KillWait`). */
const KILL_WAIT_MS = 30 * SECOND;

/** A running attempt as predictions see it: until its time limit, counted from the second in which it started. */
interface Running {
  job: JobRecord;
  nodeIndices: readonly number[];
  endMs: number;
}

/** When and where a job could start. */
export interface Prospect {
  startMs: number;
  nodeIndices: number[];
  /** Once all who may be preempted for it are gone. */
  isByPreemption: boolean;
}

/** What runs and what is free, as a pass of backfill sees it from one look to the next, and when jobs could start by that. */
export class StartPrediction {
  readonly #ledger: Ledger;
  /** What the clock showed at 0. */
  readonly #originMs: number;
  #space: FreeSpace;
  /** By end. */
  #running: Running[] = [];
  #nodeTests = 0;

  constructor(ledger: Ledger, originMs: number) {
    this.#ledger = ledger;
    this.#originMs = originMs;
    this.#space = new FreeSpace(ledger.pool);
  }

  /** Looks anew. What is being ended counts as gone, though nobody starts on its nodes before it is. */
  look(): void {
    const { pool, ends, ending } = this.#ledger;
    this.#space = new FreeSpace(pool);
    for (const job of ending) this.#space.vacate(job, job.held?.nodeIndices ?? []);
    const left = ends.sorted().filter((job) => !ending.has(job));
    this.#running = left.map((job) => ({
      job,
      nodeIndices: job.held?.nodeIndices ?? [],
      endMs: floorTo(job.startMs, SECOND) + job.limitMs,
    }));
    this.#running.sort((a, b) => a.endMs - b.endMs || a.job.request.jobId - b.job.request.jobId);
  }

  /** The job starts in the second `secondMs`. */
  started(job: JobRecord, nodeIndices: readonly number[], secondMs: number): void {
    this.#space.occupy(job, nodeIndices);
    const endMs = secondMs + job.limitMs;
    const at = this.#running.findIndex((other) =>
      other.endMs === endMs ? other.job.request.jobId > job.request.jobId : other.endMs > endMs,
    );
    this.#running.splice(at < 0 ? this.#running.length : at, 0, { job, nodeIndices, endMs });
  }

  /** Its nodes are as good as free. */
  preempted({ job, nodeIndices }: Candidate): void {
    this.#space.vacate(job, nodeIndices);
    const at = this.#running.findIndex((running) => running.job === job);
    if (at >= 0) this.#running.splice(at, 1);
  }

  /** How many nodes were looked at for jobs since this was last asked, each as often as it was. */
  takeNodeTests(): number {
    const tests = this.#nodeTests;
    this.#nodeTests = 0;
    return tests;
  }

  /** Nodes for the job out of `usable` at once; null where they have no room. */
  place(usable: NodeMask, job: JobRecord): number[] | null {
    return this.#place(this.#space, usable, job);
  }

  /**
   * When the job could start on these nodes as far as running jobs go, and on which: now, now that those who may be preempted for it are gone, or
   * when others have ended; null for never. They are taken to end one batch after the other, and the job starts with the last end of a batch. A
   * job that holds none of the nodes is passed over without a look at the batch's end: the next one that does joins however late it ends.
   * Slurm's own predictions are that much later than they need be, and what runs in the meantime follows from it.
   */
  predict(job: JobRecord, available: NodeMask, candidates: readonly Candidate[], secondMs: number): Prospect | null {
    const now = this.#place(this.#space, available, job);
    if (now !== null) return { startMs: secondMs, nodeIndices: now, isByPreemption: false };
    const space = this.#space.copy();
    let running = this.#running;
    if (candidates.length > 0) {
      const gone = new Set(candidates.map((candidate) => candidate.job));
      for (const candidate of candidates) space.vacate(candidate.job, candidate.nodeIndices);
      const emptied = this.#place(space, available, job);
      if (emptied !== null) return { startMs: secondMs, nodeIndices: emptied, isByPreemption: true };
      running = running.filter((one) => !gone.has(one.job));
    }
    let batchMs = BATCH_MS;
    let baseMs: number | null = null;
    for (let at = 0; at < running.length; ) {
      let last: Running | null = null;
      for (; at < running.length; at++) {
        const one = running[at];
        if (one === undefined) break;
        if (last !== null && baseMs !== null && isPast(running, at, last, one, baseMs + batchMs)) break;
        if (!available.hasAny(one.nodeIndices)) continue;
        if (one.endMs === Infinity) return null;
        baseMs ??= floorTo(one.endMs, BATCH_MS, this.#originMs) + BATCH_MS;
        space.vacate(one.job, one.nodeIndices);
        last = one;
      }
      if (last === null || baseMs === null) return null;
      const nextMs = running[at]?.endMs ?? Infinity;
      batchMs = widened(batchMs, nextMs < Infinity ? nextMs - baseMs : 0);
      const nodeIndices = this.#place(space, available, job);
      if (nodeIndices === null) continue;
      const isLate = last.endMs <= secondMs;
      const startMs = isLate ? Math.max(last.endMs + KILL_WAIT_MS, secondMs + SECOND) : last.endMs;
      return { startMs, nodeIndices, isByPreemption: false };
    }
    return null;
  }

  #place(space: FreeSpace, usable: NodeMask, job: JobRecord): number[] | null {
    this.#nodeTests += usable.count();
    return placeInRuns(space, usable, job);
  }
}

/** Whether the batch is complete before `one`: the job right after the last that was taken ends too late. */
function isPast(running: readonly Running[], at: number, last: Running, one: Running, untilMs: number): boolean {
  return running[at - 1] === last && one.endMs > untilMs;
}

/** The next batch is twice as long, or as often twice as it takes to reach the next end. */
function widened(batchMs: number, reachMs: number): number {
  let widerMs = batchMs * 2;
  while (widerMs < reachMs) widerMs *= 2;
  return widerMs;
}
