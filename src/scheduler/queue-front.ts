import { assert } from '../lib/assert.ts';
import type { JobRecord } from './job-record.ts';
import { Retries } from './retries.ts';

const FIRST_CAPACITY = 64;

/** The partition's tier, then priority, then first in, first out. Total: no two jobs have the same id, nor two entries of one the same index. */
export function isAhead(a: JobRecord, b: JobRecord): boolean {
  if (a.tier !== b.tier) return a.tier > b.tier;
  if (a.priority !== b.priority) return a.priority > b.priority;
  if (a.request.submitMs !== b.request.submitMs) return a.request.submitMs < b.request.submitMs;
  if (a.request.jobId !== b.request.jobId) return a.request.jobId < b.request.jobId;
  return a.entryIndex < b.entryIndex;
}

/** Wider than any priority: tiers come first. */
const TIER_STEP = 2 ** 33;
/** Of a job, among nearly sorted ones, so many places to move; with more they are sorted from scratch. */
const MOVES_MAX = 32;

/**
 * Jobs in the order of their turns. Each has a slot for as long as it is here, under which what is asked of it most stands in columns: hundreds
 * are passed over in each cycle, and most of them without a look at the job itself. When one comes or goes only the order of slots moves.
 */
export class QueueFront {
  length = 0;
  /** By place: slots. */
  slots = new Int32Array(FIRST_CAPACITY);
  /** By slot: gang sizes, shapes and time limits. */
  nodes = new Int32Array(FIRST_CAPACITY);
  shapes = new Int32Array(FIRST_CAPACITY);
  limitMs = new Float64Array(FIRST_CAPACITY);
  /** Tier and priority in one number, greater first; of equals the jobs have to be asked. */
  #keys = new Float64Array(FIRST_CAPACITY);
  readonly #jobs: (JobRecord | null)[] = [];
  readonly #freeSlots: number[] = [];
  /** Those that may preempt others. Whoever changes when somebody is next looked for takes them out and puts them back. */
  readonly retries = new Retries();
  /** How many shapes there are among the jobs. */
  shapeCount = 0;
  /** By shape: how many jobs have it, and a bound that none of their gangs is smaller than. */
  readonly #countOf: number[] = [];
  readonly #nodesMin: number[] = [];

  constructor() {
    // See EventQueue.
    this.#grow();
  }

  /** The job at this place; undefined beyond the last. */
  at(index: number): JobRecord | undefined {
    return index < this.length ? this.#job(this.slots[index]!) : undefined;
  }

  last(): JobRecord | undefined {
    return this.length === 0 ? undefined : this.at(this.length - 1);
  }

  /** All of them, in order. */
  toArray(): JobRecord[] {
    const jobs: JobRecord[] = [];
    for (let index = 0; index < this.length; index++) jobs.push(this.#job(this.slots[index]!));
    return jobs;
  }

  /** The place of the job, or where it would be: how many come before it. */
  indexFor(job: JobRecord): number {
    const key = keyOf(job);
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const slot = this.slots[middle]!;
      const otherKey = this.#keys[slot]!;
      if (otherKey > key || (otherKey === key && isAhead(this.#job(slot), job))) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Whether some jobs have the shape, and none needs fewer nodes than these. */
  isAbove(shape: number, nodes: number): boolean {
    return (this.#countOf[shape + 1] ?? 0) > 0 && this.#nodesMin[shape + 1]! >= nodes;
  }

  insert(job: JobRecord): void {
    const slot = this.#freeSlots.pop() ?? this.length;
    if (slot === this.slots.length) this.#grow();
    const last = this.last();
    const index = last === undefined || isAhead(last, job) ? this.length : this.indexFor(job);
    if (index < this.length) this.slots.copyWithin(index + 1, index, this.length);
    this.slots[index] = slot;
    this.length += 1;
    this.#jobs[slot] = job;
    this.#keys[slot] = keyOf(job);
    this.nodes[slot] = job.request.nodes;
    this.shapes[slot] = job.shape;
    this.limitMs[slot] = job.limitMs;
    this.#count(job);
    if (job.kind.mayPreempt) this.retries.add(job);
  }

  removeAt(index: number): void {
    const slot = this.slots[index]!;
    const job = this.#job(slot);
    if (job.kind.mayPreempt) this.retries.remove(job);
    this.slots.copyWithin(index, index + 1, this.length);
    this.length -= 1;
    this.#jobs[slot] = null;
    this.#freeSlots.push(slot);
    // That of the job may be another by now.
    const shapeSlot = this.shapes[slot]! + 1;
    this.#countOf[shapeSlot]! -= 1;
    if (this.#countOf[shapeSlot] === 0) this.shapeCount -= 1;
  }

  /** `update` works out the priority of each anew, and the order follows. */
  reorder(update: (job: JobRecord) => void): void {
    const { slots } = this;
    for (let index = 0; index < this.length; index++) {
      const slot = slots[index]!;
      const job = this.#job(slot);
      update(job);
      this.#keys[slot] = keyOf(job);
    }
    // By insertion: from one time to the next few change places.
    let moves = MOVES_MAX * this.length;
    for (let index = 1; index < this.length; index++) {
      const slot = slots[index]!;
      let place = index;
      for (; place > 0 && this.#isAhead(slot, slots[place - 1]!); place--) slots[place] = slots[place - 1]!;
      slots[place] = slot;
      moves -= index - place;
      if (moves < 0) {
        slots.subarray(0, this.length).sort((a, b) => (this.#isAhead(a, b) ? -1 : 1));
        return;
      }
    }
  }

  #isAhead(slot: number, other: number): boolean {
    const key = this.#keys[slot]!;
    const otherKey = this.#keys[other]!;
    return key === otherKey ? isAhead(this.#job(slot), this.#job(other)) : key > otherKey;
  }

  #job(slot: number): JobRecord {
    const job = this.#jobs[slot];
    assert(job !== null && job !== undefined, 'every slot in the order has a job');
    return job;
  }

  /** Shape -1, of those that are each for themselves, counts as one. */
  #count({ shape, request: { nodes } }: JobRecord): void {
    const slot = shape + 1;
    while (this.#countOf.length <= slot) {
      this.#countOf.push(0);
      this.#nodesMin.push(0);
    }
    if (this.#countOf[slot] === 0) {
      this.shapeCount += 1;
      this.#nodesMin[slot] = nodes;
    } else if (nodes < this.#nodesMin[slot]!) this.#nodesMin[slot] = nodes;
    this.#countOf[slot]! += 1;
  }

  #grow(): void {
    const size = 2 * this.slots.length;
    const { slots, nodes, shapes, limitMs } = this;
    const keys = this.#keys;
    this.slots = new Int32Array(size);
    this.nodes = new Int32Array(size);
    this.shapes = new Int32Array(size);
    this.limitMs = new Float64Array(size);
    this.#keys = new Float64Array(size);
    this.slots.set(slots);
    this.nodes.set(nodes);
    this.shapes.set(shapes);
    this.limitMs.set(limitMs);
    this.#keys.set(keys);
  }
}

/** Never the wrong way round: where a double cannot hold it two keys come out the same. */
function keyOf({ tier, priority }: JobRecord): number {
  return tier * TIER_STEP + priority;
}
