import { assert } from '../lib/assert.ts';
import type { JobRecord } from './job-record.ts';

/** A full chunk is cut in two. Small enough to shift, large enough that there are few. */
const CHUNK_SIZE_MAX = 128;

/** The jobs that hold nodes, sorted by when their attempts end at the latest: in chunks, since thousands come and go. */
export class AttemptEnds {
  /** Counts ends that were put off or brought forward. */
  changes = 0;
  size = 0;
  /** None is empty. */
  readonly #chunks: JobRecord[][] = [];

  /** Sorted, one after the other: first those that end soonest. */
  get chunks(): readonly (readonly JobRecord[])[] {
    return this.#chunks;
  }

  /** All at once, in order. */
  sorted(): JobRecord[] {
    return this.#chunks.flat();
  }

  /** The job that ends soonest. */
  first(): JobRecord | undefined {
    return this.#chunks[0]?.[0];
  }

  /** `endMs`: Infinity where nothing bounds it, 0 for as soon as can be. Moves the job where it is in already. */
  set(job: JobRecord, endMs: number): void {
    if (job.endMsMax === endMs) return;
    if (job.endMsMax !== null) {
      this.remove(job);
      this.changes += 1;
    }
    job.endMsMax = endMs;
    this.size += 1;
    const chunks = this.#chunks;
    const last = chunks.at(-1);
    if (last === undefined) {
      chunks.push([job]);
      return;
    }
    const number = Math.min(this.#chunkFor(job), chunks.length - 1);
    const chunk = chunks[number] ?? last;
    chunk.splice(indexIn(chunk, job), 0, job);
    if (chunk.length > CHUNK_SIZE_MAX) chunks.splice(number + 1, 0, chunk.splice(CHUNK_SIZE_MAX / 2));
  }

  /** Nothing happens where it is not in. */
  remove(job: JobRecord): void {
    if (job.endMsMax === null) return;
    const number = this.#chunkFor(job);
    const chunk = this.#chunks[number] ?? [];
    const index = indexIn(chunk, job);
    assert(chunk[index] === job, 'a job with an end is in its place');
    chunk.splice(index, 1);
    if (chunk.length === 0) this.#chunks.splice(number, 1);
    job.endMsMax = null;
    this.size -= 1;
  }

  /** The first chunk whose last job does not end before this one; beyond the last where there is none. */
  #chunkFor(job: JobRecord): number {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const last = this.#chunks[middle]?.at(-1);
      if (last !== undefined && endsBefore(last, job)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function indexIn(chunk: readonly JobRecord[], job: JobRecord): number {
  let low = 0;
  let high = chunk.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const other = chunk[middle];
    if (other !== undefined && endsBefore(other, job)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function endsBefore(a: JobRecord, b: JobRecord): boolean {
  const one = a.endMsMax ?? 0;
  const other = b.endMsMax ?? 0;
  return one < other || (one === other && a.request.jobId < b.request.jobId);
}
