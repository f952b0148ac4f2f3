import type { Random } from '../lib/random.ts';

const HOUR_MS = 3_600_000;
const HOURS_OF_DAY = 24;
const HOURS_OF_WEEK = 7 * HOURS_OF_DAY;

export interface ArrivalRate {
  /** Mean over a week, before growth. */
  perDay: number;
  /** By hour of day (24) and by day of week (7), in proportion. */
  hourWeights: readonly number[];
  dayWeights: readonly number[];
  /** Over the whole time the rate grows evenly to 1 + growth times itself. */
  growth: number;
  endMs: number;
}

/** A Poisson process whose rate goes with the hour of the week, which begins at 0, and grows by the hour. */
export class Arrivals {
  readonly #random: Random;
  readonly #growth: number;
  readonly #endMs: number;
  /** Per millisecond, by hour of the week. */
  readonly #rates: Float64Array;
  #nowMs = 0;

  constructor(random: Random, rate: ArrivalRate) {
    this.#random = random;
    this.#growth = rate.growth;
    this.#endMs = rate.endMs;
    const weights = Float64Array.from(
      { length: HOURS_OF_WEEK },
      (_, hour) =>
        (rate.hourWeights[hour % HOURS_OF_DAY] ?? 0) * (rate.dayWeights[Math.floor(hour / HOURS_OF_DAY)] ?? 0),
    );
    const sum = weights.reduce((total, weight) => total + weight, 0);
    const perWeek = (rate.perDay * 7) / HOUR_MS;
    this.#rates = weights.map((weight) => (perWeek * weight) / sum);
  }

  /** The next one, in whole milliseconds; null where it would be at the end or later. */
  next(): number | null {
    // What is left of an exponential wait at rate 1, taken off hour by hour.
    let wait = this.#random.nextExponential(1);
    while (this.#nowMs < this.#endMs) {
      const hour = Math.floor(this.#nowMs / HOUR_MS);
      const hourEndMs = Math.min((hour + 1) * HOUR_MS, this.#endMs);
      const grown = 1 + this.#growth * Math.min(1, ((hour + 0.5) * HOUR_MS) / this.#endMs);
      const rate = (this.#rates[hour % HOURS_OF_WEEK] ?? 0) * grown;
      const untilHourEnd = rate * (hourEndMs - this.#nowMs);
      if (wait < untilHourEnd) {
        this.#nowMs = Math.min(this.#nowMs + wait / rate, hourEndMs);
        return Math.floor(this.#nowMs);
      }
      wait -= untilHourEnd;
      this.#nowMs = hourEndMs;
    }
    return null;
  }
}
