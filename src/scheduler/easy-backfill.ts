import { empty } from '../lib/empty.ts';
import { ZERO_MS } from '../lib/zero-ms.ts';
import { FrontWalk } from './front-walk.ts';
import type { JobRecord } from './job-record.ts';
import type { Ledger } from './ledger.ts';
import type { NodeRecord } from './node-record.ts';
import { countIdle, nodesWithRoom, placeGang, takesWholeNodes } from './placement.ts';
import type { QueueFront } from './queue-front.ts';
import { isHarmful, type Shadow, shadowOf } from './shadow.ts';

/** Starts a job on these nodes. */
export type Start = (job: JobRecord, nodeIndices: readonly number[]) => void;

/**
 * Jobs of one shape that found no nodes: neither will those that need as many or more, and what found none until the shadow time finds none
 * beyond it.
 */
interface Refused {
  short: number;
  long: number;
}

const NONE_REFUSED: Readonly<Refused> = { short: Infinity, long: Infinity };

/**
 * EASY backfill: of the jobs at the front of the queue the first, which cannot start, has a reservation; the others start where that is not
 * put off. What was found out is kept while nodes, attempts and the head stay as they are: time alone makes no room, so that a job that came
 * since is all there is to try.
 */
export class EasyBackfill {
  readonly #ledger: Ledger;
  /** Whether the job may start now as far as limits are concerned; it is out of the queue where it may not. */
  readonly #isAdmitted: (job: JobRecord, nowMs: number) => boolean;
  #shadow: Shadow | null = null;
  #seenChanges = -1;
  /** From here on the passing of time alone may change it. */
  #validUntilMs = ZERO_MS;
  /** By shape. */
  readonly #refused: (Refused | undefined)[] = [];
  readonly #refusedShapes: number[] = [];

  constructor(ledger: Ledger, isAdmitted: (job: JobRecord, nowMs: number) => boolean) {
    this.#ledger = ledger;
    this.#isAdmitted = isAdmitted;
  }

  /** One pass behind the head, which does not fit. Returns whether more jobs than were looked at might start now. */
  run(head: JobRecord, nowMs: number, start: Start): boolean {
    const { queue } = this.#ledger;
    const isKept = this.#shadow?.head === head && this.#seenChanges === this.#changes() && nowMs < this.#validUntilMs;
    const isForAll = !isKept || queue.isAllNew;
    if (!isKept) this.#renew(head, nowMs);
    if (isForAll) queue.dropArrivals();
    const arrivals = queue.takeArrivals();
    const hadMore = queue.restCount > 0;
    const hasStarted = isForAll ? this.#tryFront(head, nowMs, start) : this.#tryEach(arrivals, head, nowMs, start);
    // It has started in another of its partitions.
    if (head.place === null) this.forget();
    return hasStarted && (hadMore || head.place === null);
  }

  #tryEach(jobs: readonly JobRecord[], head: JobRecord, nowMs: number, start: Start): boolean {
    let hasStarted = false;
    for (const job of jobs) {
      if (head.place === null) break;
      if (job !== head && job.place === 'front' && this.#try(job, nowMs, start)) hasStarted = true;
    }
    return hasStarted;
  }

  #tryFront(head: JobRecord, nowMs: number, start: Start): boolean {
    const front = this.#ledger.queue.front();
    const shadowMs = this.#shadow?.startMs ?? 0;
    const walk = new FrontWalk(front);
    let hasStarted = false;
    // The head may start in another of its partitions.
    while (head.place !== null) {
      walk.place = this.#skipRefused(front, walk.place, walk.end, nowMs, shadowMs);
      const job = walk.place < walk.end ? front.at(walk.place) : undefined;
      if (job === undefined) break;
      if (job !== head && this.#try(job, nowMs, start)) hasStarted = true;
      if (walk.pass(job) && this.#areAllRefused(front)) break;
    }
    return hasStarted;
  }

  /** Whether whatever is in the front would be refused. */
  #areAllRefused(front: QueueFront): boolean {
    if (this.#refusedShapes.length < front.shapeCount) return false;
    let count = 0;
    for (const shape of this.#refusedShapes) if (front.isAbove(shape, this.#refused[shape]!.short)) count += 1;
    return count === front.shapeCount;
  }

  /** The first place from `index` on, or `end`, whose job was not refused before it had its turn. */
  #skipRefused(front: QueueFront, index: number, end: number, nowMs: number, shadowMs: number): number {
    const { slots, shapes, nodes, limitMs } = front;
    let shape = -1;
    let short = Infinity;
    let long = Infinity;
    for (let place = index; place < end; place++) {
      const slot = slots[place]!;
      if (shapes[slot] !== shape) {
        shape = shapes[slot]!;
        ({ short, long } = this.#refused[shape] ?? NONE_REFUSED);
      }
      const count = nodes[slot]!;
      if (count < long || (count < short && isOver(nowMs + limitMs[slot]!, shadowMs))) return place;
    }
    return end;
  }

  /** What the scheduler itself started has been reckoned with. */
  #changes(): number {
    const { pool, ends } = this.#ledger;
    return pool.changes + ends.changes;
  }

  /** Whether another pass could come to anything else than the last. */
  hasWork(): boolean {
    return this.#shadow === null || this.#seenChanges !== this.#changes() || this.#ledger.queue.hasArrivals;
  }

  /** Something else was started than by this pass: the plan no longer holds. */
  forget(): void {
    this.#shadow = null;
  }

  #renew(head: JobRecord, nowMs: number): void {
    this.#shadow = shadowOf(this.#ledger, head, nowMs);
    this.#seenChanges = this.#changes();
    for (const shape of this.#refusedShapes) this.#refused[shape] = undefined;
    empty(this.#refusedShapes);
    // An attempt that is overdue (it is being ended, or was never reported to run) is expected to end now, whenever that is.
    this.#validUntilMs = this.#ledger.ends.first()?.endMsMax ?? Infinity;
  }

  #try(job: JobRecord, nowMs: number, start: Start): boolean {
    const shadow = this.#shadow;
    if (shadow === null) return false;
    const endMs = nowMs + job.limitMs;
    const isShort = isOver(endMs, shadow.startMs);
    if (this.#isRefused(job.shape, job.request.nodes, endMs, shadow.startMs)) return false;
    if (!this.#isAdmitted(job, nowMs)) return false;
    const indices = isShort ? placeGang(this.#ledger.pool, job) : this.#placeLong(shadow, job);
    if (indices === null) {
      this.#refuse(shadow, job, isShort);
      return false;
    }
    if (!isShort) shadow.extra -= this.#countHarmful(shadow, job, indices);
    start(job, indices);
    return true;
  }

  /** Whether as many nodes of this shape, or fewer, were not to be found for as long. */
  #isRefused(shape: number, nodes: number, endMs: number, shadowMs: number): boolean {
    if (shape < 0) return false;
    const refused = this.#refused[shape];
    return refused !== undefined && nodes >= (isOver(endMs, shadowMs) ? refused.short : refused.long);
  }

  /** Where it is still there at the shadow time: on nodes that the head does not need then. */
  #placeLong(shadow: Shadow, job: JobRecord): number[] | null {
    const { pool } = this.#ledger;
    if (job.request.nodes <= shadow.extra) return placeGang(pool, job);
    if (shadow.isWhole && takesWholeNodes(pool, job)) return null;
    if (shadow.extra === 0) return placeGang(pool, job, (node) => !isHarmful(shadow, node, job));
    const allowed = new Set<NodeRecord>();
    let extra = shadow.extra;
    for (const node of nodesWithRoom(pool, job)) {
      if (isHarmful(shadow, node, job)) {
        if (extra === 0) continue;
        extra -= 1;
      }
      allowed.add(node);
    }
    return placeGang(pool, job, (node) => allowed.has(node));
  }

  #countHarmful(shadow: Shadow, job: JobRecord, indices: readonly number[]): number {
    if (shadow.isWhole && takesWholeNodes(this.#ledger.pool, job)) return indices.length;
    let count = 0;
    for (const index of indices) if (isHarmful(shadow, this.#ledger.pool.at(index), job)) count += 1;
    return count;
  }

  #refuse(shadow: Shadow, job: JobRecord, isShort: boolean): void {
    const { shape } = job;
    if (shape < 0) return;
    const tooMany = this.#tooManyNodes(shadow, job, isShort);
    let refused = this.#refused[shape];
    if (refused === undefined) {
      refused = { short: Infinity, long: Infinity };
      this.#refused[shape] = refused;
      this.#refusedShapes.push(shape);
    }
    if (isShort) refused.short = Math.min(refused.short, tooMany);
    refused.long = Math.min(refused.long, tooMany);
  }

  /** No more nodes than the job asks for, which found none: the fewest for which it is known that a job of its shape finds none either. */
  #tooManyNodes(shadow: Shadow, job: JobRecord, isShort: boolean): number {
    const { pool } = this.#ledger;
    if (!takesWholeNodes(pool, job) || !(isShort || shadow.isWhole)) return job.request.nodes;
    const idle = countIdle(pool, job);
    return 1 + (isShort ? idle : Math.min(idle, shadow.extra));
  }
}

/** By the shadow time at the latest. */
function isOver(endMs: number, shadowMs: number): boolean {
  return endMs <= shadowMs && endMs < Infinity;
}
