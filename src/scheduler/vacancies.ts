import { definite } from '../lib/assert.ts';
import { type FreeSpace, goesByFreeCpus, placeAmong } from './free-space.ts';
import type { JobRecord } from './job-record.ts';
import { countOfBoth, NodeMask } from './node-mask.ts';

/** Of more kinds of jobs than this at once what is known is not kept up to date. */
const KINDS_MAX = 64;
/** More ends than there will ever be: the node has no room even when all that runs is gone. */
const NEVER = 0x7fffffff;

/** A job that runs, and where. */
export interface Placed {
  readonly job: JobRecord;
  readonly nodeIndices: readonly number[];
}

/** What is free on the nodes, and where jobs find room: kept up to date from job to job, since on a large cluster one job changes little. */
export class Vacancies {
  readonly space: FreeSpace;
  /** By shape. */
  readonly #kinds = new Map<number, KindVacancies>();

  constructor(space: FreeSpace) {
    this.space = space;
  }

  /** For jobs that ask for the same on a node as this one. */
  of(job: JobRecord): KindVacancies {
    const known = this.#kinds.get(job.shape);
    if (known !== undefined) return known;
    const made = new KindVacancies(this.space, job);
    if (this.#kinds.size === KINDS_MAX) this.#kinds.clear();
    if (job.shape >= 0) this.#kinds.set(job.shape, made);
    return made;
  }

  /** The job is on these nodes. */
  occupy(job: JobRecord, nodeIndices: readonly number[]): void {
    this.space.occupy(job, nodeIndices);
    this.#changed(nodeIndices);
  }

  /** The job is gone from these nodes. */
  vacate(job: JobRecord, nodeIndices: readonly number[]): void {
    this.space.vacate(job, nodeIndices);
    this.#changed(nodeIndices);
  }

  /** What the nodes have to spare now is what counts. */
  takeSpare(nodeIndices: readonly number[]): void {
    for (const index of nodeIndices) this.space.takeSpare(index);
    this.#changed(nodeIndices);
  }

  #changed(nodeIndices: readonly number[]): void {
    for (const kind of this.#kinds.values()) kind.changed(nodeIndices);
  }
}

/** When nodes get room by the ends of what runs, as far as it was asked for. */
interface Outlook {
  readonly running: readonly Placed[];
  /** As it is once the first `ended` of those that run are gone. */
  readonly space: FreeSpace;
  ended: number;
  /** By node: 0 where there is room now, 1 where it takes the first of those that run to end. */
  readonly endsNeeded: Int32Array;
  /** Nodes that have room by then, soonest first. */
  readonly order: number[];
}

/**
 * Which nodes have room for one kind of job: now, and after how many ends of what runs. Ends only ever make room, so one survey of them answers for any
 * time to come, and does for the hundreds of pending jobs of a kind.
 */
export class KindVacancies {
  readonly #space: FreeSpace;
  /** What the first job of the kind asked for then: that job may be spread over more nodes meanwhile. */
  readonly #job: Pick<JobRecord, 'request' | 'cap'>;
  readonly #now: NodeMask;
  #outlook: Outlook | null = null;

  constructor(space: FreeSpace, job: JobRecord) {
    this.#space = space;
    this.#job = { request: job.request, cap: job.cap };
    this.#now = new NodeMask(space.nodes.length);
    for (let index = 0; index < space.nodes.length; index++) if (space.hasRoom(job, index)) this.#now.add(index);
  }

  /** There is more room on these nodes than before, or less. */
  changed(nodeIndices: readonly number[]): void {
    this.#outlook = null;
    for (const index of nodeIndices) {
      if (this.#space.hasRoom(this.#job, index)) this.#now.add(index);
      else this.#now.delete(index);
    }
  }

  /** Nodes for a gang of the kind now, ascending; null where they have no room. */
  placeNow(available: NodeMask, job: JobRecord): number[] | null {
    if (countOfBoth(available, this.#now) < job.request.nodes) return null;
    return placeAmong(this.#space, this.roomyNow(available), job);
  }

  /** Of these nodes those that have room now. */
  roomyNow(available: NodeMask): NodeMask {
    const roomy = available.copy();
    roomy.intersect(this.#now);
    return roomy;
  }

  /** How many of those that run, which are in the order of their ends, must have ended before the gang has room; Infinity where it never has. */
  endsBefore(running: readonly Placed[], available: NodeMask, { request: { nodes } }: JobRecord): number {
    const outlook = this.#outlookOn(running);
    const { order, endsNeeded } = outlook;
    let found = 0;
    for (let at = 0; ; at++) {
      while (at >= order.length && outlook.ended < running.length) this.#endNext(outlook);
      const index = order[at];
      if (index === undefined) return Infinity;
      if (!available.has(index)) continue;
      found += 1;
      if (found >= nodes) return endsNeeded[index] ?? NEVER;
    }
  }

  /** Of these nodes those that have room once so many have ended. */
  roomyAfter(running: readonly Placed[], ended: number, available: NodeMask): NodeMask {
    const outlook = this.#outlookOn(running);
    while (outlook.ended < ended) this.#endNext(outlook);
    const roomy = new NodeMask(outlook.endsNeeded.length);
    for (const index of outlook.order) {
      if ((outlook.endsNeeded[index] ?? NEVER) > ended) break;
      if (available.has(index)) roomy.add(index);
    }
    return roomy;
  }

  /** Nodes for the gang, ascending, once so many have ended: no fewer than `endsBefore` says. */
  placeAfter(running: readonly Placed[], ended: number, available: NodeMask, job: JobRecord): number[] {
    const roomy = this.roomyAfter(running, ended, available);
    return definite(placeAmong(this.#spaceAfter(running, ended, job), roomy, job), 'so many nodes have room by then');
  }

  #spaceAfter(running: readonly Placed[], ended: number, job: JobRecord): FreeSpace {
    if (!goesByFreeCpus(this.#space, job)) return this.#space;
    const space = this.#space.copy();
    for (const one of running.slice(0, ended)) space.vacate(one.job, one.nodeIndices);
    return space;
  }

  #outlookOn(running: readonly Placed[]): Outlook {
    if (this.#outlook?.running === running) return this.#outlook;
    const order: number[] = [];
    const endsNeeded = new Int32Array(this.#space.nodes.length).fill(NEVER);
    this.#now.each((index) => {
      endsNeeded[index] = 0;
      order.push(index);
    });
    return (this.#outlook = { running, space: this.#space.copy(), ended: 0, endsNeeded, order });
  }

  #endNext(outlook: Outlook): void {
    const { running, space, endsNeeded, order } = outlook;
    const one = running[outlook.ended];
    outlook.ended += 1;
    if (one === undefined) return;
    space.vacate(one.job, one.nodeIndices);
    for (const index of one.nodeIndices) {
      if (endsNeeded[index] !== NEVER || !space.hasRoom(this.#job, index)) continue;
      endsNeeded[index] = outlook.ended;
      order.push(index);
    }
  }
}
