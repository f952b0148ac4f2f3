import { ZERO_MS } from '../../lib/zero-ms.ts';

/** Whole minutes and hours that read well on an axis, in seconds. */
const WIDTHS_SECONDS = [
  1, 2, 5, 10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 14_400, 21_600, 43_200, 86_400,
];

/**
 * Integrals over time of levels that change in steps (devices in use, jobs that wait): in equal buckets, and in all from `fromMs` on. A change costs the
 * same however long the level lasts, and changes may come in any order, so that an interval can be entered once it is over. Where time runs past the last
 * bucket all become twice as wide: memory is fixed. Sums of integers stay exact below 2^53.
 */
export class BucketSums {
  readonly channels: number;
  readonly capacity: number;
  readonly #fromMs: number;
  /** A double, as the ends of buckets are that are reckoned from it. */
  #widthMs: number = ZERO_MS;
  /** What changes come to within the bucket in which they happen. All channels of a bucket stand side by side: changes come in order of time, mostly. */
  readonly #within: Float64Array;
  /** Changes that hold from the begin of a bucket on. */
  readonly #steps: Float64Array;
  readonly #levels: Float64Array;
  readonly #moments: Float64Array;

  /** `horizonMs`: until when, roughly; null if not known. */
  constructor(channels: number, capacity: number, fromMs: number, horizonMs: number | null) {
    this.channels = channels;
    this.capacity = capacity;
    this.#fromMs = fromMs;
    this.#widthMs = firstWidthMs(capacity, horizonMs);
    this.#within = new Float64Array(channels * capacity);
    this.#steps = new Float64Array(channels * capacity);
    this.#levels = new Float64Array(channels);
    this.#moments = new Float64Array(channels);
  }

  get widthMs(): number {
    return this.#widthMs;
  }

  /** From `sinceMs` on, the level of the channel is higher by `delta`. Buckets begin at 0: what has held since before holds from there on. */
  change(channel: number, sinceMs: number, delta: number): void {
    const atMs = sinceMs > 0 ? sinceMs : 0;
    this.#levels[channel]! += delta;
    this.#moments[channel]! -= delta * (atMs > this.#fromMs ? atMs : this.#fromMs);
    let bucket = Math.floor(atMs / this.#widthMs);
    while (bucket >= this.capacity - 1) {
      this.#widen();
      bucket = Math.floor(atMs / this.#widthMs);
    }
    const index = bucket * this.channels + channel;
    this.#within[index]! += delta * ((bucket + 1) * this.#widthMs - atMs);
    this.#steps[index + this.channels]! += delta;
  }

  /** After all changes so far. */
  level(channel: number): number {
    return this.#levels[channel] ?? 0;
  }

  /** Level times milliseconds from `fromMs` to `endMs`, which no change may be later than. */
  total(channel: number, endMs: number): number {
    return endMs <= this.#fromMs ? 0 : (this.#moments[channel] ?? 0) + this.level(channel) * endMs;
  }

  /** How many buckets begin before `endMs`; one at least. */
  bucketCount(endMs: number): number {
    return Math.max(1, Math.min(this.capacity, Math.ceil(endMs / this.#widthMs)));
  }

  /** Level times milliseconds in each bucket up to `endMs`, which no change may be later than. */
  sums(channel: number, endMs: number): Float64Array {
    const count = this.bucketCount(endMs);
    const sums = new Float64Array(count);
    let level = 0;
    for (let bucket = 0; bucket < count; bucket++) {
      const index = bucket * this.channels + channel;
      level += this.#steps[index] ?? 0;
      sums[bucket] = (this.#within[index] ?? 0) + level * this.#widthMs;
    }
    const last = count - 1;
    sums[last] = (sums[last] ?? 0) - this.level(channel) * ((last + 1) * this.#widthMs - endMs);
    return sums;
  }

  #widen(): void {
    const { capacity, channels } = this;
    const within = this.#within;
    const steps = this.#steps;
    const half = Math.ceil(capacity / 2);
    // Bucket by bucket, as they lie in memory. What is read lies behind what has been written.
    for (let bucket = 0; bucket < half; bucket++) {
      const isPaired = 2 * bucket + 1 < capacity;
      for (let channel = 0; channel < channels; channel++) {
        const left = 2 * bucket * channels + channel;
        const right = left + channels;
        const to = bucket * channels + channel;
        // A step in the middle of a new bucket counts for half of it, and as a step from the next on.
        within[to] = within[left]! + (isPaired ? within[right]! + steps[right]! * this.#widthMs : 0);
        steps[to] = steps[left]! + (bucket > 0 ? steps[left - channels]! : 0);
      }
    }
    within.fill(0, half * channels);
    const isEven = 2 * half === capacity;
    if (isEven) steps.copyWithin(half * channels, (capacity - 1) * channels);
    steps.fill(0, (isEven ? half + 1 : half) * channels);
    this.#widthMs *= 2;
  }
}

function firstWidthMs(capacity: number, horizonMs: number | null): number {
  // The end of the horizon itself needs a bucket, and the one after it holds the steps of the last.
  const widthMin = horizonMs === null ? 1 : horizonMs / 1000 / Math.max(1, capacity - 2);
  const width = WIDTHS_SECONDS.find((seconds) => seconds >= widthMin) ?? Math.ceil(widthMin / 86_400) * 86_400;
  return width * 1000;
}
