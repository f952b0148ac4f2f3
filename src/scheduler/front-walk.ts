import type { JobRecord } from './job-record.ts';
import type { QueueFront } from './queue-front.ts';

/**
 * A walk over what stands in the front when it begins, in order and in place. A job that starts or is parked leaves the front, and the next stands where it
 * stood; with one of several partitions that starts all of its entries leave, wherever they stand.
 */
export class FrontWalk {
  /** Where it is. */
  place = 0;
  /** The place behind the last that was there. */
  end: number;
  readonly #front: QueueFront;
  readonly #last: JobRecord | undefined;

  constructor(front: QueueFront) {
    this.#front = front;
    this.#last = front.last();
    this.end = front.length;
  }

  /** On from the job at its place, which was looked at. Returns whether that is in the front still. */
  pass(job: JobRecord): boolean {
    const front = this.#front;
    if (front.at(this.place) === job) {
      this.place += 1;
      return true;
    }
    if (job.owner === null) this.end -= 1;
    else {
      this.place = this.#behind(job);
      this.end = this.#last === undefined ? 0 : this.#behind(this.#last);
    }
    return false;
  }

  #behind(job: JobRecord): number {
    return this.#front.indexFor(job) + (job.place === 'front' ? 1 : 0);
  }
}
