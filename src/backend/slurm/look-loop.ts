import { errorMessage } from '../../lib/error-message.ts';
import type { Log, Outage } from '../port.ts';

/** Between two looks at Slurm, in milliseconds. */
export interface PollMs {
  min: number;
  max: number;
}

const POLL_MS: PollMs = { min: 1_000, max: 15_000 };
/** What was asked for is looked at after this, so that requests that come together share a look. */
const SOON_MS = 200;
/** How much longer the next pause is after a look that saw nothing new. */
const PAUSE_GROWTH = 1.3;
/** A look takes at most this part of slurmctld's time. */
const LOAD_MAX = 0.1;

export interface LookLoopOptions {
  /** One look for all jobs; true where something has changed. Where it throws, Slurm could not be looked at. */
  look: () => Promise<boolean>;
  /** How much of the last look slurmctld had nothing to do with, in milliseconds. Default none. */
  elsewhereMs?: () => number;
  /** After each look, whatever came of it. */
  onLooked: () => void;
  log: Log;
  now: () => number;
  /** At the start. Default none. */
  outage?: Outage | null;
  /** Default 1,000 to 15,000. */
  pollMs?: PollMs;
  /** Told how long each look took, in milliseconds. */
  onCycle?: (ms: number) => void;
}

/** Looks at Slurm again and again: the sooner the more there was to see, and the more seldom the longer it takes. */
export class LookLoop {
  readonly #options: LookLoopOptions;
  readonly #pollMs: PollMs;
  #intervalMs: number;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | null = null;
  #isStopped = false;
  #outage: Outage | null;

  constructor(options: LookLoopOptions) {
    this.#options = options;
    this.#pollMs = options.pollMs ?? POLL_MS;
    this.#intervalMs = this.#pollMs.min;
    this.#outage = options.outage ?? null;
  }

  /** Since when looks come to nothing; null where the last one did not. */
  get outage(): Outage | null {
    return this.#outage;
  }

  /** Looks again at once, or as soon as the look under way is over. */
  soon(): void {
    this.#intervalMs = this.#pollMs.min;
    this.#schedule(Math.min(SOON_MS, this.#intervalMs));
  }

  /** Looks now, or waits for the look under way. Never rejects. */
  look(): Promise<void> {
    this.#running ??= this.#lookOnce().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  /** Resolves once no look is under way; none follows. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  #schedule(delayMs: number): void {
    if (this.#isStopped) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.look(), delayMs);
  }

  async #lookOnce(): Promise<void> {
    const { look, onLooked, log, now, onCycle, elsewhereMs } = this.#options;
    const startedAt = performance.now();
    const beginMs = now();
    let hasChanged = false;
    try {
      hasChanged = await look();
      if (this.#outage !== null) log.info({}, 'Slurm answers again');
      this.#outage = null;
    } catch (error) {
      const reason = errorMessage(error);
      if (this.#outage === null) log.error({ reason }, 'Slurm could not be looked at; jobs are as last seen');
      this.#outage = { sinceMs: this.#outage?.sinceMs ?? beginMs, reason };
    }
    const tookMs = performance.now() - startedAt;
    onCycle?.(tookMs);
    const { min, max } = this.#pollMs;
    this.#intervalMs = hasChanged ? min : Math.min(max, this.#intervalMs * PAUSE_GROWTH);
    onLooked();
    this.#schedule(Math.max(this.#intervalMs, (tookMs - (elsewhereMs?.() ?? 0)) / LOAD_MAX));
  }
}
