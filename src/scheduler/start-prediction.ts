import { floorTo } from '../lib/floor-to.ts';
import { FreeSpace, placeInRuns } from './free-space.ts';
import type { GpuWeights } from './gpu-weights.ts';
import type { JobRecord } from './job-record.ts';
import type { Ledger } from './ledger.ts';
import type { NodeMask } from './node-mask.ts';
import type { Candidate } from './preempting.ts';
import { type Placed, Vacancies } from './vacancies.ts';

const SECOND = 1000;
/** Slurm predicts starts after batches of ends: those of the first within this time, then within twice, four times as long ... */
const BATCH_MS = 30 * SECOND;

/** A running attempt as predictions see it: until its time limit, counted from the second in which it started. */
interface Running extends Placed {
  endMs: number;
}

/** When and where a job could start. */
export interface Prospect {
  startMs: number;
  /** The nodes, ascending. Most prospects come to nothing: where nobody asks none are chosen. Only before anything else changes. */
  choose: () => number[];
  /** Once all who may be preempted for it are gone. */
  isByPreemption: boolean;
}

export interface PredictionTimes {
  /** What the clock showed at 0. */
  originMs: number;
  /** What a job is granted that has outrun its limit (`KillWait`). */
  killWaitMs: number;
  /** Starts are tried after each end, as by `select/linear`, and not after batches of them. */
  isEachEndTried?: boolean;
}

/** What runs and what is free, as a pass of backfill sees it from one look to the next, and when jobs could start by that. */
export class StartPrediction {
  readonly #ledger: Ledger;
  readonly #times: PredictionTimes;
  readonly #gpuWeights: GpuWeights;
  #vacancies: Vacancies;
  /** By end. */
  #running: Running[] = [];
  readonly #runningOf = new Map<JobRecord, Running>();
  /** Changes to which nodes there are up to the last look. */
  #seenChanges = -1;
  #nodeTests = 0;

  constructor(ledger: Ledger, times: PredictionTimes, gpuWeights: GpuWeights) {
    this.#ledger = ledger;
    this.#times = times;
    this.#gpuWeights = gpuWeights;
    this.#vacancies = this.#newVacancies();
  }

  #newVacancies(): Vacancies {
    const space = new FreeSpace(this.#ledger.pool);
    space.gpuWeights = this.#gpuWeights;
    return new Vacancies(space);
  }

  /**
   * Looks anew: at what has changed since the last look, which on a large cluster is little. What is being ended counts as gone, though nobody starts
   * on its nodes before it is.
   */
  look(): void {
    const { pool, movements } = this.#ledger;
    if (movements === null || pool.serviceChanges !== this.#seenChanges) return this.#lookAtAll();
    for (const job of movements) {
      const before = this.#leave(job);
      this.#vacancies.takeSpare([...(before?.nodeIndices ?? []), ...(job.held?.nodeIndices ?? [])]);
      if (job.held !== null && !this.#ledger.ending.has(job)) this.#enter(this.#entryOf(job, job.held.nodeIndices));
    }
    movements.clear();
  }

  #lookAtAll(): void {
    const { pool, ends, ending } = this.#ledger;
    this.#ledger.movements = new Set();
    this.#seenChanges = pool.serviceChanges;
    this.#vacancies = this.#newVacancies();
    this.#vacancies.takeSpare(pool.nodes.map(({ index }) => index));
    this.#running = ends.sorted().flatMap((job) => {
      return job.held === null || ending.has(job) ? [] : [this.#entryOf(job, job.held.nodeIndices)];
    });
    this.#running.sort((a, b) => (isBefore(a, b) ? -1 : 1));
    this.#runningOf.clear();
    for (const one of this.#running) this.#runningOf.set(one.job, one);
  }

  #entryOf(job: JobRecord, nodeIndices: readonly number[]): Running {
    return { job, nodeIndices, endMs: floorTo(job.startMs, SECOND) + job.limitMs };
  }

  #enter(one: Running): void {
    this.#running.splice(this.#placeOf(one), 0, one);
    this.#runningOf.set(one.job, one);
  }

  #leave(job: JobRecord): Running | undefined {
    const one = this.#runningOf.get(job);
    if (one === undefined) return undefined;
    this.#running.splice(this.#placeOf(one), 1);
    this.#runningOf.delete(job);
    return one;
  }

  /** Where it is among those that run, or would be. */
  #placeOf(one: Running): number {
    let low = 0;
    let high = this.#running.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#running[middle];
      if (other !== undefined && isBefore(other, one)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The job starts in the second `secondMs`. */
  started(job: JobRecord, nodeIndices: readonly number[], secondMs: number): void {
    this.#vacancies.occupy(job, nodeIndices);
    this.#enter({ job, nodeIndices, endMs: secondMs + job.limitMs });
  }

  /** Its nodes are as good as free. */
  preempted({ job, nodeIndices }: Candidate): void {
    this.#vacancies.vacate(job, nodeIndices);
    this.#leave(job);
  }

  /** How many nodes were looked at for jobs since this was last asked, each as often as it was. */
  takeNodeTests(): number {
    const tests = this.#nodeTests;
    this.#nodeTests = 0;
    return tests;
  }

  /** Nodes for the job out of `usable` at once; null where they have no room. */
  place(usable: NodeMask, job: JobRecord): number[] | null {
    this.#nodeTests += usable.count();
    return this.#vacancies.of(job).placeNow(usable, job);
  }

  /**
   * When the job could start on these nodes as far as running jobs go, and on which: now, now that those who may be preempted for it are gone, or
   * when others have ended; null for never. They are taken to end one batch after the other, and the job starts with the last end of a batch. A
   * job that holds none of the nodes is passed over without a look at the batch's end: the next one that does joins however late it ends.
   * Slurm's own predictions are that much later than they need be, and what runs in the meantime follows from it.
   * `isNowOnly`: nobody's end is waited for.
   */
  predict(
    job: JobRecord,
    available: NodeMask,
    candidates: readonly Candidate[],
    secondMs: number,
    isNowOnly = false,
  ): Prospect | null {
    if (candidates.length > 0) return this.#predictPreempting(job, available, candidates, secondMs, isNowOnly);
    const now = this.place(available, job);
    if (now !== null || isNowOnly) this.noteLook(available, job);
    if (now !== null) return { startMs: secondMs, choose: () => now, isByPreemption: false };
    if (isNowOnly) return null;
    const running = this.#running;
    const vacancies = this.#vacancies.of(job);
    const needed = vacancies.endsBefore(running, available, job);
    const tests = available.count();
    let looked = 0;
    const prospect = startAfterBatch(running, available, secondMs, this.#times, (ended) => {
      this.#nodeTests += tests;
      looked = ended;
      return ended < needed ? null : () => vacancies.placeAfter(running, ended, available, job);
    });
    this.noteLook(available, job, looked);
    return prospect;
  }

  /** Nodes were looked at for the job, with so many of those that run gone: those with room weigh less from here on. */
  noteLook(available: NodeMask, job: JobRecord, ended = 0): void {
    const { gpus } = job.request.perNode;
    if (gpus > 0 && this.#gpuWeights.areHeeded)
      this.#gpuWeights.note(this.#vacancies.of(job).roomyAfter(this.#running, ended, available), gpus);
  }

  /** Tried node by node: whom a job may preempt is its own affair, and nothing is known of others like it. */
  #predictPreempting(
    job: JobRecord,
    available: NodeMask,
    candidates: readonly Candidate[],
    secondMs: number,
    isNowOnly: boolean,
  ): Prospect | null {
    const now = this.place(available, job);
    if (now !== null) return { startMs: secondMs, choose: () => now, isByPreemption: false };
    const space = this.#vacancies.space.copy();
    const gone = new Set(candidates.map((candidate) => candidate.job));
    for (const candidate of candidates) space.vacate(candidate.job, candidate.nodeIndices);
    const emptied = this.#place(space, available, job);
    if (emptied !== null) return { startMs: secondMs, choose: () => emptied, isByPreemption: true };
    if (isNowOnly) return null;
    const running = this.#running.filter((one) => !gone.has(one.job));
    let vacated = 0;
    return startAfterBatch(running, available, secondMs, this.#times, (ended) => {
      for (const one of running.slice(vacated, ended)) space.vacate(one.job, one.nodeIndices);
      vacated = ended;
      const found = this.#place(space, available, job);
      return found === null ? null : () => found;
    });
  }

  #place(space: FreeSpace, usable: NodeMask, job: JobRecord): number[] | null {
    this.#nodeTests += usable.count();
    return placeInRuns(space, usable, job);
  }
}

/** The first batch of ends after which `place` finds nodes, told how many of `running` have ended then; null for none. */
function startAfterBatch(
  running: readonly Running[],
  available: NodeMask,
  secondMs: number,
  times: PredictionTimes,
  place: (ended: number) => Prospect['choose'] | null,
): Prospect | null {
  if (times.isEachEndTried === true) return startAfterEnd(running, available, secondMs, place);
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
      baseMs ??= floorTo(one.endMs, BATCH_MS, times.originMs) + BATCH_MS;
      last = one;
    }
    if (last === null || baseMs === null) return null;
    const nextMs = running[at]?.endMs ?? Infinity;
    batchMs = widened(batchMs, nextMs < Infinity ? nextMs - baseMs : 0);
    const choose = place(at);
    if (choose === null) continue;
    const startMs = last.endMs <= secondMs ? guessedEndMs(last, secondMs, times) : last.endMs;
    return { startMs, choose, isByPreemption: false };
  }
  return null;
}

/** The same after each end of one that holds any of the nodes. */
function startAfterEnd(
  running: readonly Running[],
  available: NodeMask,
  secondMs: number,
  place: (ended: number) => Prospect['choose'] | null,
): Prospect | null {
  for (const [at, { nodeIndices, endMs }] of running.entries()) {
    if (endMs === Infinity) return null;
    const choose = available.hasAny(nodeIndices) ? place(at + 1) : null;
    if (choose === null) continue;
    return { startMs: endMs <= secondMs ? secondMs + SECOND : endMs, choose, isByPreemption: false };
  }
  return null;
}

/** Of a job that has outrun its limit: Slurm grants it what it may outrun it by and `KillWait`, where it may for ever another limit. */
function guessedEndMs({ job, endMs }: Running, secondMs: number, { killWaitMs }: PredictionTimes): number {
  if (job.overMs === Infinity) return secondMs + job.limitMs;
  return Math.max(endMs + killWaitMs + job.overMs, secondMs + SECOND);
}

function isBefore(a: Running, b: Running): boolean {
  return a.endMs === b.endMs ? a.job.request.jobId < b.job.request.jobId : a.endMs < b.endMs;
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
