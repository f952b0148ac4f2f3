import type { Distribution } from '../report.ts';

/** Buckets to each doubling: none is wider than 1/128 of its values, so that their mean is within 0.8 % of all of them. */
const PARTS = 128;
const PART_BITS = 7;
/** Below this every integer has a bucket of its own. */
const EXACT_MAX = 2 * PARTS;
const BUCKETS = (53 - PART_BITS) * PARTS + EXACT_MAX;

/** Quantiles of a stream of integers >= 0, within 1 %, in memory that does not grow. Sum and extremes are exact. */
export class LogHistogram {
  /** Of each bucket the count and the sum, side by side; null while it is empty, as many stay. */
  #buckets: Float64Array | null = null;
  #count = 0;
  #sum = 0;
  #max = 0;

  get count(): number {
    return this.#count;
  }

  add(value: number): void {
    const buckets = (this.#buckets ??= new Float64Array(2 * BUCKETS));
    const bucket = 2 * bucketOf(value);
    buckets[bucket]! += 1;
    buckets[bucket + 1]! += value;
    this.#count += 1;
    this.#sum += value;
    if (value > this.#max) this.#max = value;
  }

  /** All values of the other one too. */
  merge(other: LogHistogram): void {
    if (other.#buckets === null) return;
    const buckets = (this.#buckets ??= new Float64Array(2 * BUCKETS));
    for (let index = 0; index < buckets.length; index++) buckets[index]! += other.#buckets[index]!;
    this.#count += other.#count;
    this.#sum += other.#sum;
    this.#max = Math.max(this.#max, other.#max);
  }

  /**
   * The value that a share of all values does not exceed (nearest rank): the mean of its bucket, which is exact where one value is frequent.
   * Not to be asked of an empty histogram.
   */
  quantile(share: number): number {
    const rank = Math.max(1, Math.ceil(share * this.#count));
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const count = this.#buckets?.[2 * bucket] ?? 0;
      seen += count;
      if (seen >= rank) return (this.#buckets?.[2 * bucket + 1] ?? 0) / count;
    }
    return this.#max;
  }

  /** All of it in units of `unit` values; null where it is empty. */
  distribution(unit: number): Distribution | null {
    if (this.#count === 0) return null;
    return {
      count: this.#count,
      mean: this.#sum / this.#count / unit,
      median: this.quantile(0.5) / unit,
      p90: this.quantile(0.9) / unit,
      p99: this.quantile(0.99) / unit,
      max: this.#max / unit,
    };
  }
}

function bucketOf(value: number): number {
  if (value < EXACT_MAX) return value;
  let high = value;
  let shift = 0;
  while (high >= 2 ** 31) {
    high = Math.floor(high / 2 ** 16);
    shift += 16;
  }
  const octave = 31 - Math.clz32(high) - PART_BITS;
  return (octave + shift) * PARTS + (high >>> octave);
}
