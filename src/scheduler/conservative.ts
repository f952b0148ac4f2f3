import type { Start } from './easy-backfill.ts';
import { FreeSpace, placeInRuns } from './free-space.ts';
import type { JobRecord } from './job-record.ts';
import type { Ledger } from './ledger.ts';
import { NodeMask } from './node-mask.ts';
import { couldHold, isAvailable, isKeptOff } from './node-record.ts';
import type { Policy } from './policy.ts';
import { ReservationTable } from './reservation-table.ts';

const SECOND = 1000;
/** Slurm predicts starts after batches of ends: those of the first within this time, then within twice, four times as long ... */
const BATCH_MS = 30 * SECOND;
/** What it grants a job that has outrun its limit (`KillWait`). */
const KILL_WAIT_MS = 30 * SECOND;

/** A running attempt as predictions see it: until its time limit, counted from the second in which it started. */
interface Running {
  job: JobRecord;
  endMs: number;
}

interface Prospect {
  startMs: number;
  nodeIndices: number[];
}

/**
 * Slurm's main scheduler and its `sched/backfill` (22.05), pass by pass: a reservation of whole nodes for every job that is looked at, in
 * steps of `bfResolutionSeconds`, predicted from the time limits of what runs. Times count in whole seconds, as Slurm's do.
 */
export class ConservativePasses {
  readonly #ledger: Ledger;
  readonly #policy: Policy;
  readonly #isAdmitted: (job: JobRecord, nowMs: number) => boolean;
  #space: FreeSpace;
  #running: Running[] = [];

  constructor(ledger: Ledger, policy: Policy, isAdmitted: (job: JobRecord, nowMs: number) => boolean) {
    this.#ledger = ledger;
    this.#policy = policy;
    this.#isAdmitted = isAdmitted;
    this.#space = new FreeSpace(ledger.pool);
  }

  /** Starts jobs in turn; the first of a partition that does not fit closes it and its nodes for this pass. */
  main(nowMs: number, isFull: boolean, start: Start): void {
    this.#space = new FreeSpace(this.#ledger.pool);
    let closed = 0;
    let depth = 0;
    this.#eachOfFront(nowMs, (job) => {
      if ((job.partitionBit & closed) !== 0) return true;
      depth += 1;
      if (!isFull && depth > this.#policy.defaultQueueDepth) return false;
      const nodeIndices = this.#place(this.#space, this.#usable(job, closed), job);
      if (nodeIndices === null) closed |= job.partitionBit;
      else this.#start(job, nodeIndices, start);
      return true;
    });
  }

  /** Plans every job at the front of the queue, and starts those whose time is now. */
  backfill(nowMs: number, start: Start): void {
    const { pool, ends } = this.#ledger;
    const secondMs = floorTo(nowMs, SECOND);
    this.#space = new FreeSpace(pool);
    this.#running = ends
      .sorted()
      .map((job) => ({ job, endMs: job.isEnding ? 0 : floorTo(job.startMs, SECOND) + job.limitMs }));
    this.#running.sort((a, b) => a.endMs - b.endMs || a.job.request.jobId - b.job.request.jobId);
    const resolutionMs = this.#policy.bfResolutionSeconds * SECOND;
    const horizonMs = secondMs + this.#policy.bfWindowSeconds * SECOND;
    const table = new ReservationTable(
      pool.nodes.length,
      floorTo(secondMs, resolutionMs),
      floorTo(horizonMs, resolutionMs),
      resolutionMs,
    );
    this.#eachOfFront(nowMs, (job) => {
      const prospect = this.#plan(job, table, secondMs);
      if (prospect === null) return true;
      const { startMs, nodeIndices } = prospect;
      if (startMs <= secondMs) {
        this.#start(job, nodeIndices, start);
        this.#insert({ job, endMs: secondMs + job.limitMs });
      } else if (startMs <= horizonMs) {
        table.reserve(nodeIndices, floorTo(startMs, resolutionMs), floorTo(startMs + job.limitMs, resolutionMs));
      }
      return true;
    });
  }

  /** The first instant and nodes that reservations leave the job. */
  #plan(job: JobRecord, table: ReservationTable, secondMs: number): Prospect | null {
    const usable = this.#usable(job, 0);
    const resolutionMs = this.#policy.bfResolutionSeconds * SECOND;
    for (let fromMs = secondMs; ; ) {
      const available = usable.copy();
      const laterMs = table.narrow(available, usable, fromMs, fromMs + job.limitMs);
      const prospect = available.count() < job.request.nodes ? null : this.#predict(job, available, secondMs);
      if (prospect === null) {
        if (laterMs === null) return null;
        fromMs = laterMs;
        continue;
      }
      const startMs = Math.max(prospect.startMs, fromMs);
      if (startMs <= secondMs) return { startMs, nodeIndices: prospect.nodeIndices };
      if (laterMs !== null && startMs > laterMs) {
        fromMs = laterMs;
        continue;
      }
      const beginMs = floorTo(startMs, resolutionMs);
      const endMs = floorTo(startMs + job.limitMs, resolutionMs);
      if (!table.isReserved(prospect.nodeIndices, beginMs, endMs)) {
        return { startMs, nodeIndices: prospect.nodeIndices };
      }
      fromMs = startMs;
    }
  }

  /**
   * When the job could start on these nodes as far as running jobs go, and on which. They are taken to end one batch after the other, and the
   * job starts with the last end of a batch. A job that holds none of the nodes is passed over without a look at the batch's end: the next
   * one that does joins however late it ends. Slurm's own predictions are that much later than they need be, and what runs in the meantime
   * follows from it.
   */
  #predict(job: JobRecord, available: NodeMask, secondMs: number): Prospect | null {
    const now = this.#place(this.#space, available, job);
    if (now !== null) return { startMs: secondMs, nodeIndices: now };
    const space = new FreeSpace(this.#ledger.pool);
    space.copyFrom(this.#space);
    const running = this.#running;
    let batchMs = BATCH_MS;
    let baseMs: number | null = null;
    for (let at = 0; at < running.length; ) {
      let last: Running | null = null;
      for (; at < running.length; at++) {
        const one = running[at];
        if (one === undefined) break;
        if (last !== null && baseMs !== null && isPast(running, at, last, one, baseMs + batchMs)) break;
        if (!available.hasAny(one.job.held?.nodeIndices ?? [])) continue;
        if (one.endMs === Infinity) return null;
        baseMs ??= floorTo(one.endMs, BATCH_MS) + BATCH_MS;
        space.vacate(one.job);
        last = one;
      }
      if (last === null || baseMs === null) return null;
      const nextMs = running[at]?.endMs ?? Infinity;
      batchMs = widened(batchMs, nextMs < Infinity ? nextMs - baseMs : 0);
      const nodeIndices = this.#place(space, available, job);
      if (nodeIndices === null) continue;
      const isLate = last.endMs <= secondMs;
      return { startMs: isLate ? Math.max(last.endMs + KILL_WAIT_MS, secondMs + SECOND) : last.endMs, nodeIndices };
    }
    return null;
  }

  #place(space: FreeSpace, usable: NodeMask, job: JobRecord): number[] | null {
    return placeInRuns(space, usable, this.#ledger.pool.nodes.length, job);
  }

  /** Nodes in service that the job might have, whatever runs there; `closed`: partitions whose nodes are not given out. */
  #usable(job: JobRecord, closed: number): NodeMask {
    const { nodes } = this.#ledger.pool;
    const mask = new NodeMask(nodes.length);
    for (const node of nodes) {
      if (!isAvailable(node) || (node.nodeClass.partitionMask & closed) !== 0) continue;
      if (couldHold(node.nodeClass, job) && !isKeptOff(node, job)) mask.add(node.index);
    }
    return mask;
  }

  #start(job: JobRecord, nodeIndices: readonly number[], start: Start): void {
    this.#space.occupy(job, nodeIndices);
    start(job, nodeIndices);
  }

  #insert(running: Running): void {
    const at = this.#running.findIndex(({ endMs, job }) =>
      endMs === running.endMs ? job.request.jobId > running.job.request.jobId : endMs > running.endMs,
    );
    this.#running.splice(at < 0 ? this.#running.length : at, 0, running);
  }

  /** In order; a job that starts or is parked leaves the front, and the next stands where it stood. */
  #eachOfFront(nowMs: number, visit: (job: JobRecord) => boolean): void {
    const front = this.#ledger.queue.front();
    let index = 0;
    for (let left = front.length; left > 0; left--) {
      const job = front[index];
      if (job === undefined) return;
      if (this.#isAdmitted(job, nowMs) && !visit(job)) return;
      if (front[index] === job) index += 1;
    }
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

function floorTo(ms: number, stepMs: number): number {
  return Math.floor(ms / stepMs) * stepMs;
}
