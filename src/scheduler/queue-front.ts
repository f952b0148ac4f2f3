import type { JobRecord } from './job-record.ts';
import { Retries } from './retries.ts';

const FIRST_CAPACITY = 64;

/** The partition's tier, then priority, then first in, first out. Total: no two jobs have the same id. */
export function isAhead(a: JobRecord, b: JobRecord): boolean {
  if (a.tier !== b.tier) return a.tier > b.tier;
  if (a.priority !== b.priority) return a.priority > b.priority;
  if (a.request.submitMs !== b.request.submitMs) return a.request.submitMs < b.request.submitMs;
  return a.request.jobId < b.request.jobId;
}

/**
 * Jobs in the order of their turns. What a pass through all of them asks first stands beside them in columns: hundreds are passed over in each
 * cycle, and most of them without a look at the job itself.
 */
export class QueueFront {
  readonly jobs: JobRecord[] = [];
  /** By place: gang sizes, shapes and time limits. */
  nodes = new Int32Array(FIRST_CAPACITY);
  shapes = new Int32Array(FIRST_CAPACITY);
  limitMs = new Float64Array(FIRST_CAPACITY);
  /** Those that may preempt others. Whoever changes when somebody is next looked for takes them out and puts them back. */
  readonly retries = new Retries();
  /** How many shapes there are among the jobs. */
  shapeCount = 0;
  /** By shape: how many jobs have it, and a bound that none of their gangs is smaller than. */
  readonly #countOf: number[] = [];
  readonly #nodesMin: number[] = [];

  get length(): number {
    return this.jobs.length;
  }

  last(): JobRecord | undefined {
    return this.jobs[this.jobs.length - 1];
  }

  /** The place of the job, or where it would be: how many come before it. */
  indexFor(job: JobRecord): number {
    const { jobs } = this;
    let low = 0;
    let high = jobs.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isAhead(jobs[middle]!, job)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Whether some jobs have the shape, and none needs fewer nodes than these. */
  isAbove(shape: number, nodes: number): boolean {
    return (this.#countOf[shape + 1] ?? 0) > 0 && this.#nodesMin[shape + 1]! >= nodes;
  }

  insert(job: JobRecord): void {
    const { jobs } = this;
    const count = jobs.length;
    if (count === this.nodes.length) this.#grow();
    const last = jobs[count - 1];
    const index = last === undefined || isAhead(last, job) ? count : this.indexFor(job);
    jobs.push(job);
    if (index < count) {
      for (let place = count; place > index; place--) jobs[place] = jobs[place - 1]!;
      jobs[index] = job;
      this.#shift(index + 1, index, count);
    }
    this.#write(index, job);
    this.#count(job);
    if (job.kind.mayPreempt) this.retries.add(job);
  }

  removeAt(index: number): void {
    const { jobs } = this;
    const count = jobs.length;
    const job = jobs[index]!;
    if (job.kind.mayPreempt) this.retries.remove(job);
    const slot = this.shapes[index]! + 1;
    this.#countOf[slot]! -= 1;
    if (this.#countOf[slot] === 0) this.shapeCount -= 1;
    for (let place = index + 1; place < count; place++) jobs[place - 1] = jobs[place]!;
    jobs.pop();
    if (index < count - 1) this.#shift(index, index + 1, count);
  }

  /** Their turns have changed. */
  sort(): void {
    this.jobs.sort((a, b) => (isAhead(a, b) ? -1 : 1));
    for (let index = 0; index < this.jobs.length; index++) this.#write(index, this.jobs[index]!);
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

  /** What stands from `from` on moves to `to`. */
  #shift(to: number, from: number, end: number): void {
    this.nodes.copyWithin(to, from, end);
    this.shapes.copyWithin(to, from, end);
    this.limitMs.copyWithin(to, from, end);
  }

  #write(index: number, job: JobRecord): void {
    this.nodes[index] = job.request.nodes;
    this.shapes[index] = job.shape;
    this.limitMs[index] = job.limitMs;
  }

  #grow(): void {
    const size = 2 * this.nodes.length;
    const [nodes, shapes, limitMs] = [this.nodes, this.shapes, this.limitMs];
    this.nodes = new Int32Array(size);
    this.shapes = new Int32Array(size);
    this.limitMs = new Float64Array(size);
    this.nodes.set(nodes);
    this.shapes.set(shapes);
    this.limitMs.set(limitMs);
  }
}
