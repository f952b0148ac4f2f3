import type { Distribution } from '../report.ts';

/** Buckets to each doubling: none is wider than 1/128 of its values, so that their mean is within 0.8 % of all of them. */
const PARTS = 128;
const PART_BITS = 7;
/** Below this every integer has a bucket of its own. */
const EXACT_MAX = 2 * PARTS;
const BUCKETS = (53 - PART_BITS) * PARTS + EXACT_MAX;

/** Quantiles of a stream of integers >= 0, within 1 %, in memory that does not grow. Sum and extremes are exact. */
export class LogHistogram {
  // Many histograms stay empty.
  #counts: Float64Array | null = null;
  #sums: Float64Array | null = null;
  #count = 0;
  #sum = 0;
  #max = 0;

  get count(): number {
    return this.#count;
  }

  add(value: number): void {
    this.#counts ??= new Float64Array(BUCKETS);
    this.#sums ??= new Float64Array(BUCKETS);
    const bucket = bucketOf(value);
    this.#sums[bucket] = (this.#sums[bucket] ?? 0) + value;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#count += 1;
    this.#sum += value;
    if (value > this.#max) this.#max = value;
  }

  /**
   * The value that a share of all values does not exceed (nearest rank): the mean of its bucket, which is exact where one value is frequent.
   * Not to be asked of an empty histogram.
   */
  quantile(share: number): number {
    const rank = Math.max(1, Math.ceil(share * this.#count));
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const count = this.#counts?.[bucket] ?? 0;
      seen += count;
      if (seen >= rank) return (this.#sums?.[bucket] ?? 0) / count;
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
