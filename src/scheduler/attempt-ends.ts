import { assert } from '../lib/assert.ts';
import type { JobRecord } from './job-record.ts';

/** A full chunk is cut in two. Small enough to shift, large enough that there are few. */
const CHUNK_SIZE_MAX = 32;

/** Some of the jobs, sorted. */
export class Chunk {
  readonly jobs: JobRecord[] = [];
  /** The end of each, beside it: a search reads no more than these. */
  readonly ends = new Float64Array(CHUNK_SIZE_MAX);

  /** Where the job is, or would be. */
  indexOf(endMs: number, jobId: number): number {
    const { jobs, ends } = this;
    let low = 0;
    let high = jobs.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const otherMs = ends[middle]!;
      if (otherMs < endMs || (otherMs === endMs && jobs[middle]!.request.jobId < jobId)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Whether all of it ends before. */
  isBefore(endMs: number, jobId: number): boolean {
    const last = this.jobs.length - 1;
    const otherMs = this.ends[last]!;
    return otherMs < endMs || (otherMs === endMs && this.jobs[last]!.request.jobId < jobId);
  }

  insert(index: number, job: JobRecord, endMs: number): void {
    const { jobs, ends } = this;
    jobs.push(job);
    for (let slot = jobs.length - 1; slot > index; slot--) {
      jobs[slot] = jobs[slot - 1]!;
      ends[slot] = ends[slot - 1]!;
    }
    jobs[index] = job;
    ends[index] = endMs;
    job.endChunk = this;
  }

  /** Only where the job keeps its place: when its tasks start, its end is put off by seconds. Returns whether it does. */
  move(index: number, endMs: number): boolean {
    const { jobs, ends } = this;
    if (index === 0 || index >= jobs.length - 1) return false;
    if (ends[index - 1]! >= endMs || ends[index + 1]! <= endMs) return false;
    ends[index] = endMs;
    return true;
  }

  removeAt(index: number): void {
    const { jobs, ends } = this;
    for (let slot = index + 1; slot < jobs.length; slot++) {
      jobs[slot - 1] = jobs[slot]!;
      ends[slot - 1] = ends[slot]!;
    }
    jobs.pop();
  }

  /** Gives its latter half to another, which is empty. */
  cut(other: Chunk): Chunk {
    const from = this.jobs.length >> 1;
    for (let slot = from; slot < this.jobs.length; slot++) {
      const job = this.jobs[slot]!;
      other.ends[slot - from] = this.ends[slot]!;
      other.jobs[slot - from] = job;
      job.endChunk = other;
    }
    while (this.jobs.length > from) this.jobs.pop();
    return other;
  }
}

/** The jobs that hold nodes, sorted by when their attempts end at the latest: in chunks, since thousands come and go. */
export class AttemptEnds {
  /** Counts ends that were put off or brought forward. */
  changes = 0;
  size = 0;
  /** None is empty, none is full. */
  readonly #chunks: Chunk[] = [];
  /** Empty ones, to be used again: their columns lie outside of the heap, where it takes long to get some. */
  readonly #spare: Chunk[] = [];

  /** Sorted, one after the other: first those that end soonest. */
  get chunks(): readonly Chunk[] {
    return this.#chunks;
  }

  /** All at once, in order. */
  sorted(): JobRecord[] {
    return this.#chunks.flatMap(({ jobs }) => jobs);
  }

  /** The job that ends soonest. */
  first(): JobRecord | undefined {
    return this.#chunks[0]?.jobs[0];
  }

  /** The one of those with a time limit that runs whose deadline comes first: never before its limit, by which they are sorted. */
  firstLimited(): JobRecord | undefined {
    let first: JobRecord | undefined;
    let firstMs = Infinity;
    const chunks = this.#chunks;
    for (let number = 0; number < chunks.length; number++) {
      const { jobs, ends } = chunks[number]!;
      for (let index = 0; index < jobs.length; index++) {
        const endMs = ends[index]!;
        if (endMs >= firstMs) return first;
        const job = jobs[index]!;
        const { deadlineMs } = job;
        if (deadlineMs >= firstMs) continue;
        // Those that come after it end no sooner.
        if (deadlineMs === endMs) return job;
        first = job;
        firstMs = deadlineMs;
      }
    }
    return first;
  }

  /** Those whose deadline has come by then, in the order of their deadlines. */
  limitedUntil(atMs: number): JobRecord[] {
    const jobs: JobRecord[] = [];
    for (const chunk of this.#chunks) {
      for (const job of chunk.jobs) {
        if (job.endMsMax > atMs) return inOrder(jobs);
        if (job.deadlineMs <= atMs) jobs.push(job);
      }
    }
    return inOrder(jobs);
  }

  /** `endMs`: Infinity where nothing bounds it, 0 for as soon as can be. Moves the job where it is in already. */
  set(job: JobRecord, endMs: number): void {
    const { endChunk } = job;
    const { jobId } = job.request;
    if (endChunk !== null) {
      if (job.endMsMax === endMs) return;
      this.changes += 1;
      if (endChunk.move(endChunk.indexOf(job.endMsMax, jobId), endMs)) {
        job.endMsMax = endMs;
        return;
      }
      this.remove(job);
    }
    job.endMsMax = endMs;
    this.size += 1;
    const chunks = this.#chunks;
    const number = Math.min(this.#chunkFor(endMs, jobId), Math.max(0, chunks.length - 1));
    const chunk = (chunks[number] ??= this.#newChunk());
    chunk.insert(chunk.indexOf(endMs, jobId), job, endMs);
    if (chunk.jobs.length === CHUNK_SIZE_MAX) chunks.splice(number + 1, 0, chunk.cut(this.#newChunk()));
  }

  /** Nothing happens where it is not in. */
  remove(job: JobRecord): void {
    const chunk = job.endChunk;
    if (chunk === null) return;
    const index = chunk.indexOf(job.endMsMax, job.request.jobId);
    assert(chunk.jobs[index] === job, 'a job with an end is in its place');
    chunk.removeAt(index);
    if (chunk.jobs.length === 0) {
      this.#chunks.splice(this.#chunks.indexOf(chunk), 1);
      this.#spare.push(chunk);
    }
    job.endMsMax = 0;
    job.endChunk = null;
    this.size -= 1;
  }

  #newChunk(): Chunk {
    return this.#spare.pop() ?? new Chunk();
  }

  /** The first chunk that does not end before; beyond the last where there is none. */
  #chunkFor(endMs: number, jobId: number): number {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#chunks[middle]!.isBefore(endMs, jobId)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** They come in the order of their limits, which is that of their deadlines unless some may outrun their limits by more than others. */
function inOrder(jobs: JobRecord[]): JobRecord[] {
  return jobs.length > 1 ? jobs.sort((a, b) => a.deadlineMs - b.deadlineMs) : jobs;
}
