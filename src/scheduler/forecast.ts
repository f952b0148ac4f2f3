import type { Resources } from '../cluster/node.ts';
import type { JobRecord } from './job-record.ts';
import type { Ledger } from './ledger.ts';
import { couldHold, hasGpuType, holds, isInService, type NodeRecord } from './node-record.ts';
import { nodesWithRoom, placeGang } from './placement.ts';
import type { JobRequest, Placement } from './types.ts';

/** What a pending job is to get, if what runs ends no earlier than at its time limit. */
export interface Reservation {
  job: JobRecord;
  /** Its shadow time: the earliest start that the time limits promise. Infinity where it waits for an attempt that has none. */
  startMs: number;
  /** Infinity for a job without a time limit. */
  endMs: number;
  /** By node index: what is left to others at `startMs` on each node that it is to get. */
  spare: Map<number, Resources>;
}

/** A job of this many nodes found no room because it would still run at `shadowMs` (-1: whenever it ends). Nor does a larger one like it. */
interface Failure {
  nodes: number;
  shadowMs: number;
}

/**
 * The future by the time limits of what runs: when each blocked job could start, and whether another may start now without being in its
 * way. Holds as long as nodes and attempts stay as they are, but for the jobs that it places itself.
 *
 * An attempt without a time limit never ends here, nor does a job without one. Where only such an end would let a job start, it is to start
 * at Infinity, and no other job without a time limit is given a node that it could use.
 */
export class Forecast {
  readonly reservations: Reservation[] = [];
  readonly #ledger: Ledger;
  readonly #nowMs: number;
  /** By what is asked for on a node. */
  readonly #failures = new Map<string, Failure[]>();

  constructor(ledger: Ledger, nowMs: number) {
    this.#ledger = ledger;
    this.#nowMs = nowMs;
  }

  /** Nodes on which the job can start now and that no reservation needs before it ends; null where there are too few. */
  place(job: JobRecord, nowMs: number): Placement | null {
    const { request } = job;
    const endMs = nowMs + (request.timeLimitMs ?? Infinity);
    const failures = this.#failuresLike(job);
    for (const { nodes, shadowMs } of failures) if (nodes <= request.nodes && reaches(endMs, shadowMs)) return null;
    const overlapping = this.reservations.filter(({ startMs }) => reaches(endMs, startMs));
    const isAllowed = (node: NodeRecord) => leavesEnough(overlapping, node, request);
    const placement = placeGang(this.#ledger.pool, job, overlapping.length === 0 ? null : isAllowed);
    if (placement === null && job.excluded.size === 0) {
      const shadowMs = overlapping.reduce((latest, { startMs }) => Math.max(latest, startMs), -1);
      failures.push({ nodes: request.nodes, shadowMs });
    }
    return placement;
  }

  /** The job was given these nodes: what it holds when a reservation begins is not there for others. */
  take(job: JobRecord, placement: Placement, nowMs: number): void {
    const endMs = nowMs + (job.request.timeLimitMs ?? Infinity);
    for (const { startMs, spare } of this.reservations) {
      if (!reaches(endMs, startMs)) continue;
      for (const { nodeName, resources } of placement) {
        const left = spare.get(this.#ledger.pool.get(nodeName).index);
        if (left !== undefined) add(left, resources, -1);
      }
    }
  }

  /**
   * Reserves the job's earliest start that disturbs no earlier reservation, unless that is after `startMsMax`, and returns it. Nodes that
   * the job has to wait for come before those that have room now, so that these stay open to others; then the order in which nodes were
   * added.
   */
  reserve(job: JobRecord, startMsMax: number): number {
    const { request } = job;
    const walk = new Walk(this.#ledger, job);
    for (const startMs of this.#instants()) {
      walk.advanceTo(startMs, this.#nowMs);
      if (walk.roomCount < request.nodes) continue;
      const endMs = startMs + (request.timeLimitMs ?? Infinity);
      const nodes = this.#fitting(walk, request, startMs, endMs);
      if (nodes === null) continue;
      if (startMs <= startMsMax) this.#book({ job, startMs, endMs, spare: new Map() }, walk, nodes);
      return startMs;
    }
    if (startMsMax === Infinity) {
      const couldUse = (node: NodeRecord) => couldHold(node.nodeClass, request) && !job.excluded.has(node.spec.name);
      const spare = new Map<number, Resources>();
      for (const node of this.#ledger.pool.nodes) if (couldUse(node)) spare.set(node.index, { ...NOTHING });
      this.reservations.push({ job, startMs: Infinity, endMs: Infinity, spare });
    }
    return Infinity;
  }

  /** When more may fit than before: attempts end, reservations end. Ascending, finite, none before now. */
  *#instants(): Generator<number> {
    const ends = this.#ledger.ends.sorted();
    const others = this.reservations.map(({ endMs }) => endMs).sort((a, b) => a - b);
    let [atMs, index, other] = [-1, 0, 0];
    for (;;) {
      const endMs = Math.max(this.#nowMs, ends[index]?.endMsMax ?? Infinity);
      const otherEndMs = others[other] ?? Infinity;
      if (endMs <= otherEndMs) index += 1;
      else other += 1;
      // What ends at the same instant ends together.
      const next = Math.min(endMs, otherEndMs);
      if (next === Infinity) return;
      if (next > atMs) yield (atMs = next);
    }
  }

  #fitting(walk: Walk, request: JobRequest, startMs: number, endMs: number): NodeRecord[] | null {
    if (this.reservations.length === 0) return walk.choose(request.nodes, () => true);
    const later = this.reservations.filter((other) => other.startMs > startMs && reaches(endMs, other.startMs));
    const running = this.reservations.filter((other) => covers(other, startMs));
    return walk.choose(request.nodes, (node) => {
      if (!leavesEnough(later, node, request)) return false;
      const free = walk.freeOn(node);
      for (const other of running) if (other.spare.has(node.index)) add(free, needOf(other.job.request, node), -1);
      return holds(free, needOf(request, node));
    });
  }

  #failuresLike(job: JobRecord): Failure[] {
    const { perNode, gpuType, exclusive } = job.request;
    job.shape ??= `${perNode.cpus} ${perNode.memoryBytes} ${perNode.gpus} ${gpuType ?? ''} ${exclusive}`;
    let failures = this.#failures.get(job.shape);
    if (failures === undefined) this.#failures.set(job.shape, (failures = []));
    return failures;
  }

  #book(reservation: Reservation, walk: Walk, nodes: readonly NodeRecord[]): void {
    const { startMs, job, spare } = reservation;
    for (const node of nodes) {
      const left = walk.freeOn(node);
      const need = needOf(job.request, node);
      add(left, need, -1);
      for (const other of this.reservations) {
        const theirs = other.spare.get(node.index);
        if (theirs === undefined) continue;
        if (covers(other, startMs)) add(left, needOf(other.job.request, node), -1);
        if (covers(reservation, other.startMs)) add(theirs, need, -1);
      }
      spare.set(node.index, left);
    }
    this.reservations.push(reservation);
  }
}

/** What is free as attempts end, one after the other, seen by one job. By node index: this is done anew for every reservation. */
class Walk {
  /** Nodes that have room, reservations aside. */
  roomCount = 0;
  readonly #ledger: Ledger;
  readonly #job: JobRecord;
  readonly #freedCpus: Float64Array;
  readonly #freedMemoryBytes: Float64Array;
  readonly #freedGpus: Float64Array;
  readonly #room: Uint8Array;
  #index = 0;

  constructor(ledger: Ledger, job: JobRecord) {
    this.#ledger = ledger;
    this.#job = job;
    const { length } = ledger.pool.nodes;
    this.#freedCpus = new Float64Array(length);
    this.#freedMemoryBytes = new Float64Array(length);
    this.#freedGpus = new Float64Array(length);
    this.#room = new Uint8Array(length);
    for (const { index } of nodesWithRoom(ledger.pool, job)) {
      this.#room[index] = ROOM_NOW;
      this.roomCount += 1;
    }
  }

  advanceTo(atMs: number, nowMs: number): void {
    const { ends, pool } = this.#ledger;
    const jobs = ends.sorted();
    for (; this.#index < jobs.length; this.#index++) {
      const ending = jobs[this.#index];
      if (ending === undefined || Math.max(nowMs, ending.endMsMax ?? 0) > atMs) return;
      for (const { nodeName, resources } of ending.placement ?? []) this.#free(pool.get(nodeName), resources);
    }
  }

  freeOn({ index, free }: NodeRecord): Resources {
    return {
      cpus: free.cpus + (this.#freedCpus[index] ?? 0),
      memoryBytes: free.memoryBytes + (this.#freedMemoryBytes[index] ?? 0),
      gpus: free.gpus + (this.#freedGpus[index] ?? 0),
    };
  }

  /** The first so many that pass, nodes the job has to wait for before those with room now; null where there are too few. */
  choose(count: number, passes: (node: NodeRecord) => boolean): NodeRecord[] | null {
    const chosen: NodeRecord[] = [];
    for (const room of [ROOM_LATER, ROOM_NOW]) {
      for (let index = this.#room.indexOf(room); index >= 0; index = this.#room.indexOf(room, index + 1)) {
        const node = this.#ledger.pool.nodes[index];
        if (node !== undefined && passes(node)) chosen.push(node);
        if (chosen.length === count) return chosen;
      }
    }
    return null;
  }

  #free(node: NodeRecord, resources: Resources): void {
    const { index } = node;
    this.#freedCpus[index] = (this.#freedCpus[index] ?? 0) + resources.cpus;
    this.#freedMemoryBytes[index] = (this.#freedMemoryBytes[index] ?? 0) + resources.memoryBytes;
    this.#freedGpus[index] = (this.#freedGpus[index] ?? 0) + resources.gpus;
    if (this.#room[index] !== NO_ROOM || !isInService(node)) return;
    const { request, excluded } = this.#job;
    if (!hasGpuType(node.spec.gpuType, request) || !holds(this.freeOn(node), needOf(request, node))) return;
    if (!couldHold(node.nodeClass, request) || excluded.has(node.spec.name)) return;
    this.#room[index] = ROOM_LATER;
    this.roomCount += 1;
  }
}

const NO_ROOM = 0;
const ROOM_NOW = 1;
const ROOM_LATER = 2;

const NOTHING: Resources = { cpus: 0, memoryBytes: 0, gpus: 0 };

/** What the job takes of the node. Every job takes some of it, so that nothing is left beside one that takes it whole. */
function needOf(request: JobRequest, node: NodeRecord): Resources {
  return request.exclusive ? node.spec.resources : request.perNode;
}

function leavesEnough(reservations: readonly Reservation[], node: NodeRecord, request: JobRequest): boolean {
  const need = needOf(request, node);
  return reservations.every(({ spare }) => {
    const left = spare.get(node.index);
    return left === undefined || holds(left, need);
  });
}

function covers({ startMs, endMs }: Reservation, atMs: number): boolean {
  return startMs <= atMs && reaches(endMs, atMs);
}

/** True where what ends at `endMs` is still there at `atMs`. Without a time limit it is there even at Infinity. */
function reaches(endMs: number, atMs: number): boolean {
  return atMs < endMs || endMs === Infinity;
}

function add(to: Resources, resources: Resources, sign: 1 | -1): void {
  to.cpus += sign * resources.cpus;
  to.memoryBytes += sign * resources.memoryBytes;
  to.gpus += sign * resources.gpus;
}
