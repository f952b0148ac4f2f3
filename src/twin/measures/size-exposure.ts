import { FINE_COUNT } from './size-classes.ts';

/** Attempts by size and the time they ran, those that still run included: what rates and shares are over. */
export class SizeExposure {
  readonly #fromMs: number;
  /** Begun since then, by fine class. */
  readonly started = new Float64Array(FINE_COUNT);
  readonly #attempts = new Levels();
  readonly #nodes = new Levels();
  readonly #devices = new Levels();

  constructor(fromMs: number) {
    this.#fromMs = fromMs;
  }

  start(fine: number, nodes: number, devices: number, atMs: number): void {
    if (atMs >= this.#fromMs) this.started[fine] = (this.started[fine] ?? 0) + 1;
    this.#change(fine, nodes, devices, atMs, 1);
  }

  end(fine: number, nodes: number, devices: number, atMs: number): void {
    this.#change(fine, nodes, devices, atMs, -1);
  }

  /** Milliseconds of attempts, by fine class. */
  attemptMs(endMs: number): Float64Array {
    return this.#attempts.totals(endMs);
  }

  nodeMs(endMs: number): Float64Array {
    return this.#nodes.totals(endMs);
  }

  deviceMs(endMs: number): Float64Array {
    return this.#devices.totals(endMs);
  }

  #change(fine: number, nodes: number, devices: number, atMs: number, sign: 1 | -1): void {
    const countedMs = atMs > this.#fromMs ? atMs : this.#fromMs;
    this.#attempts.change(fine, countedMs, sign);
    this.#nodes.change(fine, countedMs, sign * nodes);
    this.#devices.change(fine, countedMs, sign * devices);
  }
}

/** A level for each fine class, and its integral over time: level times end less the sum of changes times their instants. */
class Levels {
  readonly #levels = new Float64Array(FINE_COUNT);
  readonly #moments = new Float64Array(FINE_COUNT);

  change(fine: number, atMs: number, delta: number): void {
    this.#levels[fine] = (this.#levels[fine] ?? 0) + delta;
    this.#moments[fine] = (this.#moments[fine] ?? 0) + delta * atMs;
  }

  totals(endMs: number): Float64Array {
    return this.#levels.map((level, fine) => level * endMs - (this.#moments[fine] ?? 0));
  }
}
