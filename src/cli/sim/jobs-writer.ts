import { closeSync, openSync, writeSync } from 'node:fs';
import { OrreryError } from '../../contract/errors.ts';
import { errorCode } from '../../lib/error-code.ts';
import type { Allocation } from '../../scheduler/core-types.ts';
import type { JobEnd, Observer, TwinJob } from '../../twin/types.ts';

const HEADER = 'job,submit_s,start_s,end_s,state,nodes,attempts\n';
/** Written in pieces of about this many characters. */
const PIECE_LENGTH = 1 << 18;

interface LiveJob {
  /** Of its last attempt. */
  startMs: number | null;
  attempts: number;
  isRunning: boolean;
}

/**
 * Streams one line a job to a CSV file, in the order in which jobs end; last those that have not ended, PENDING or RUNNING, without `end_s`. A
 * job's start is that of its last attempt, as `sacct` tells it.
 */
export class JobsWriter implements Observer {
  readonly #file: string;
  readonly #nameOf: (job: TwinJob) => string;
  readonly #descriptor: number;
  readonly #live = new Map<TwinJob, LiveJob>();
  readonly #isWholeSeconds: boolean;
  readonly #aheadMs: number;
  #piece = HEADER;

  /**
   * `nameOf`: what the job is called in the file; `aheadMs`: what times there are ahead of the run's, 0 by default; `isWholeSeconds`: times as
   * Slurm's records tell them. Throws ORR_BAD_FILE where the file cannot be made.
   */
  constructor(
    file: string,
    {
      nameOf,
      aheadMs = 0,
      isWholeSeconds = false,
    }: { nameOf: (job: TwinJob) => string; aheadMs?: number; isWholeSeconds?: boolean },
  ) {
    this.#isWholeSeconds = isWholeSeconds;
    this.#aheadMs = aheadMs;
    this.#file = file;
    this.#nameOf = nameOf;
    this.#descriptor = this.#guarded(() => openSync(file, 'w'));
  }

  jobSubmitted(job: TwinJob): void {
    this.#live.set(job, { startMs: null, attempts: 0, isRunning: false });
  }

  attemptStarted(job: TwinJob, attempt: number, _allocation: Allocation, _queuedMs: number, atMs: number): void {
    const live = this.#live.get(job);
    if (live === undefined) return;
    live.startMs = atMs;
    live.attempts = attempt;
    live.isRunning = true;
  }

  attemptEnded({ job }: { job: TwinJob }): void {
    const live = this.#live.get(job);
    if (live !== undefined) live.isRunning = false;
  }

  jobEnded({ job, endMs, state, attempts }: JobEnd): void {
    const startMs = this.#live.get(job)?.startMs ?? null;
    this.#live.delete(job);
    this.#line(job, startMs, endMs, state, attempts);
  }

  close(): void {
    for (const [job, { startMs, isRunning, attempts }] of this.#live) {
      this.#line(job, isRunning ? startMs : null, null, isRunning ? 'RUNNING' : 'PENDING', attempts);
    }
    this.#flush();
    this.#guarded(() => closeSync(this.#descriptor));
  }

  #line(job: TwinJob, startMs: number | null, endMs: number | null, state: string, attempts: number): void {
    const { submitMs, nodes } = job.request;
    const times = `${this.#recorded(submitMs)},${this.#recorded(startMs)},${this.#recorded(endMs)}`;
    this.#piece += `${quoted(this.#nameOf(job))},${times},${state},${nodes},${attempts}\n`;
    if (this.#piece.length >= PIECE_LENGTH) this.#flush();
  }

  /** In seconds with at most three decimals; nothing for null. */
  #recorded(ms: number | null): string {
    if (ms === null) return '';
    const atMs = ms + this.#aheadMs;
    return String(this.#isWholeSeconds ? Math.floor(atMs / 1000) : atMs / 1000);
  }

  #flush(): void {
    const piece = Buffer.from(this.#piece);
    this.#piece = '';
    this.#guarded(() => {
      for (let written = 0; written < piece.length; ) written += writeSync(this.#descriptor, piece, written);
    });
  }

  #guarded<T>(work: () => T): T {
    try {
      return work();
    } catch (cause) {
      const reason = errorCode(cause) || 'unwritable';
      throw new OrreryError('ORR_BAD_FILE', `jobs-out: cannot write ${this.#file}: ${reason}`, { cause });
    }
  }
}

/** As a field of a CSV line: the ids of a trace are the trace's. */
function quoted(name: string): string {
  return /[",\r\n]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name;
}
