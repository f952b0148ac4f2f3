import type { Random } from '../lib/random.ts';

/** A rate that holds from an instant on, until that of the next step. */
export interface RateStep {
  fromMs: number;
  perMs: number;
}

/**
 * Instants of a Poisson process whose rate changes by steps: its integral between two of them is exponential with mean 1. One uniform an
 * instant, whatever the steps.
 */
export class PoissonStream {
  readonly #steps: readonly RateStep[];
  readonly #random: Random;
  #step = 0;
  /** The next instant; Infinity after the last. */
  nextMs = 0;

  /** Steps in the order of `fromMs`, the first at 0. */
  constructor(steps: readonly RateStep[], random: Random) {
    this.#steps = steps;
    this.#random = random;
    this.advance();
  }

  /** Goes on to the instant after `nextMs`. */
  advance(): void {
    let need = this.#random.nextExponential(1);
    let atMs = this.nextMs;
    for (;;) {
      const perMs = this.#steps[this.#step]?.perMs ?? 0;
      const endMs = this.#steps[this.#step + 1]?.fromMs ?? Infinity;
      const span = perMs > 0 ? need / perMs : Infinity;
      if (span === Infinity && endMs === Infinity) {
        this.nextMs = Infinity;
        return;
      }
      if (atMs + span < endMs) {
        this.nextMs = atMs + span;
        return;
      }
      need -= perMs * (endMs - atMs);
      atMs = endMs;
      this.#step += 1;
    }
  }
}
