import { OrreryError } from '../../contract/errors.ts';
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
/** Looks take at most this part of slurmctld's time, */
const LOAD_MAX = 0.1;
/** but there is one after so long, however long they take. */
const REST_MS_MAX = 60_000;
/**
 * Between looks that come to nothing, beside the time that each of them waited: Slurm's own commands try to reach a slurmctld that is away once a second
 * for `MessageTimeout` (10 s).
 */
const OUTAGE_PAUSE_MS = 5_000;

export interface LookLoopOptions {
  /** One look for all jobs; true where something has changed. Where it throws, Slurm could not be looked at. */
  look: () => Promise<boolean>;
  /** How long slurmctld was asked by the last look, in milliseconds. Default: as long as the look took. */
  loadMs?: () => number;
  /** After each look, whatever came of it. `isBack`: it is the first that came to something again. */
  onLooked: (isBack: boolean) => void;
  log: Log;
  now: () => number;
  /** At the start. Default none. */
  outage?: Outage | null;
  /** Default 1,000 to 15,000. */
  pollMs?: PollMs;
  /** Told how long each look took, in milliseconds. */
  onCycle?: (ms: number) => void;
}

interface LookEnd {
  tookMs: number;
  usualLoadMs: number;
  hasChanged: boolean;
}

/** Looks at Slurm again and again: the sooner the more there was to see, and the more seldom the longer it takes. */
export class LookLoop {
  readonly #options: LookLoopOptions;
  readonly #pollMs: PollMs;
  #intervalMs: number;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | null = null;
  #isStopped = false;
  /** A look was asked for since the last one began. */
  #isWanted = false;
  /** Of the last look but one. A single one that took long may have waited for a slurmctld that was being started. */
  #lastLoadMs = 0;
  #outage: Outage | null;
  #failure: unknown = null;

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

  /** What the last look threw; null where it came to something, or there was none. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Looks again at once, or as soon as the look under way is over. */
  soon(): void {
    this.#isWanted = true;
    this.#intervalMs = this.#pollMs.min;
    if (this.#running === null) this.#schedule(Math.min(SOON_MS, this.#pollMs.min));
  }

  /** Looks now, or waits for the look under way. Never rejects. */
  look(): Promise<void> {
    this.#running ??= this.#lookOnce().then((end) => {
      this.#running = null;
      this.#schedule(this.#pauseMs(end));
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

  async #lookOnce(): Promise<LookEnd> {
    const { look, onLooked, log, now, onCycle, loadMs } = this.#options;
    const startedAt = performance.now();
    const beginMs = now();
    const wasAway = this.#outage !== null;
    this.#isWanted = false;
    let hasChanged = false;
    try {
      hasChanged = await look();
      if (wasAway) log.info({}, 'Slurm answers again');
      this.#outage = null;
      this.#failure = null;
    } catch (error) {
      const reason = errorMessage(error);
      const cause = error instanceof OrreryError && error.code === 'ORR_STORAGE' ? 'storage' : 'slurm';
      if (!wasAway) log.error({ reason }, 'Slurm could not be looked at; jobs are as last seen');
      this.#outage = { sinceMs: this.#outage?.sinceMs ?? beginMs, reason, cause };
      this.#failure = error;
    }
    const tookMs = performance.now() - startedAt;
    onCycle?.(tookMs);
    onLooked(wasAway && this.#outage === null);
    const load = loadMs?.() ?? tookMs;
    const usualLoadMs = Math.min(load, this.#lastLoadMs);
    if (this.#outage === null) this.#lastLoadMs = load;
    return { tookMs, usualLoadMs, hasChanged };
  }

  #pauseMs({ tookMs, usualLoadMs, hasChanged }: LookEnd): number {
    const { min, max } = this.#pollMs;
    // As long as the look took, so that others have their turn.
    if (this.#isWanted) return Math.max(Math.min(SOON_MS, min), Math.min(tookMs, max));
    this.#intervalMs = hasChanged ? min : this.#intervalMs * PAUSE_GROWTH;
    if (this.#outage !== null) {
      this.#intervalMs = Math.min(this.#intervalMs, OUTAGE_PAUSE_MS, max);
      return Math.max(this.#intervalMs, Math.min(tookMs, max));
    }
    this.#intervalMs = Math.min(this.#intervalMs, max);
    return Math.max(this.#intervalMs, Math.min(usualLoadMs / LOAD_MAX, REST_MS_MAX));
  }
}
