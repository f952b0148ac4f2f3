import type { BucketSums } from './bucket-sums.ts';

export interface QueueChannels {
  pendingJobs: number;
  runningJobs: number;
  pendingDevices: number;
}

/** How many jobs wait and run, and what those that wait ask for. */
export class QueueDepth {
  readonly #sums: BucketSums;
  readonly #channels: QueueChannels;
  readonly #fromMs: number;
  pending = 0;
  running = 0;
  pendingMax = 0;

  constructor(sums: BucketSums, channels: QueueChannels, fromMs: number) {
    this.#sums = sums;
    this.#channels = channels;
    this.#fromMs = fromMs;
  }

  settled(atMs: number, pending: number, running: number): void {
    if (pending !== this.pending) {
      this.#sums.change(this.#channels.pendingJobs, atMs, pending - this.pending);
      this.pending = pending;
    }
    if (running !== this.running) {
      this.#sums.change(this.#channels.runningJobs, atMs, running - this.running);
      this.running = running;
    }
    if (pending > this.pendingMax && atMs >= this.#fromMs) this.pendingMax = pending;
  }

  /** More devices are asked for by jobs that wait, or fewer. */
  asked(atMs: number, delta: number): void {
    if (delta !== 0) this.#sums.change(this.#channels.pendingDevices, atMs, delta);
  }
}
