import type { AttemptEnd } from '../types.ts';
import type { BucketSums } from './bucket-sums.ts';

export interface SplitChannels {
  productive: number;
  lost: number;
  overhead: number;
}

/**
 * Where the time of attempts that are over went. For series and warm-up the parts of an attempt are taken to follow each other: overhead, since every
 * attempt begins with its restart, productive work, lost work. Stalls of checkpoints thus show up to an attempt too early; sums are exact.
 */
export class TimeSplit {
  readonly #sums: BucketSums;
  readonly #channels: SplitChannels;

  constructor(sums: BucketSums, channels: SplitChannels) {
    this.#sums = sums;
    this.#channels = channels;
  }

  ended(end: AttemptEnd, devices: number): void {
    if (devices === 0) return;
    const { productive, lost, overhead } = this.#channels;
    const productiveFromMs = end.startMs + end.overheadMs;
    const lostFromMs = productiveFromMs + end.productiveMs;
    this.#span(overhead, end.startMs, productiveFromMs, devices);
    this.#span(productive, productiveFromMs, lostFromMs, devices);
    this.#span(lost, lostFromMs, lostFromMs + end.lostMs, devices);
  }

  #span(channel: number, fromMs: number, toMs: number, devices: number): void {
    if (toMs <= fromMs) return;
    this.#sums.change(channel, fromMs, devices);
    this.#sums.change(channel, toMs, -devices);
  }
}
