import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { hangAfterMs } from '../contract/job.ts';
import { type Backend, type Log, SUSPENDED_REASON } from '../backend/port.ts';
import type { SchedulerEvent } from '../scheduler/types.ts';
import type { Store } from '../store/store.ts';
import type { Home } from './home.ts';

/** A hang is noticed this much too late at most, as a part of what the job allows. */
const LOOKS_PER_HANG = 20;
const LOOK_MS_MIN = 100;
const LOOK_MS_MAX = 15_000;

interface Watched {
  attempt: number;
  allowedMs: number;
  /** Sizes and times of the files it writes, as last seen. */
  signs: string;
  aliveMs: number;
  timer: NodeJS.Timeout;
}

type Watching = Pick<Backend, 'endHung' | 'job' | 'observe'>;

/**
 * Ends attempts that run and get nowhere: no rank has written a line of output or of metrics for as long as the job allows (`hangAfter`). What
 * changes in the files is told by this machine's clock, so that those of the nodes need not agree with it; after a restart it is counted anew, and so
 * it is once an attempt that was suspended goes on.
 */
export class HangWatch {
  readonly #store: Store;
  readonly #backend: Watching;
  readonly #home: Home;
  readonly #log: Log;
  readonly #watched = new Map<number, Watched>();
  readonly #unsubscribe: () => void;
  #isClosed = false;

  constructor(store: Store, backend: Watching, home: Home, log: Log) {
    this.#store = store;
    this.#backend = backend;
    this.#home = home;
    this.#log = log;
    for (const { jobId, state, attempt } of store.liveJobs()) if (state === 'RUNNING') this.#watch(jobId, attempt);
    this.#unsubscribe = store.subscribe((entries) => {
      for (const { record } of entries) this.#follow(record.event);
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#unsubscribe();
    for (const { timer } of this.#watched.values()) clearInterval(timer);
    this.#watched.clear();
  }

  #follow(event: SchedulerEvent): void {
    if (event.kind === 'AttemptStarted') this.#watch(event.jobId, event.attempt);
    else if (event.kind === 'AttemptEnding' || event.kind === 'AttemptEnded' || event.kind === 'LaunchFailed') {
      this.#forget(event.jobId);
    }
  }

  #watch(jobId: number, attempt: number): void {
    const spec = this.#store.read(jobId)?.accepted.spec;
    const allowedMs = spec === undefined ? null : hangAfterMs(spec);
    if (allowedMs === null) return;
    this.#forget(jobId);
    const periodMs = Math.min(LOOK_MS_MAX, Math.max(LOOK_MS_MIN, allowedMs / LOOKS_PER_HANG));
    const timer = setInterval(() => void this.#look(jobId, attempt), periodMs);
    timer.unref();
    this.#watched.set(jobId, { attempt, allowedMs, signs: '', aliveMs: performance.now(), timer });
  }

  async #look(jobId: number, attempt: number): Promise<void> {
    const signs = await this.#signs(jobId, attempt);
    const watched = this.#watched.get(jobId);
    if (watched?.attempt !== attempt) return;
    if (signs !== watched.signs || this.#isSuspended(jobId, attempt)) {
      Object.assign(watched, { signs, aliveMs: performance.now() });
      return;
    }
    if (performance.now() - watched.aliveMs < watched.allowedMs) return;
    this.#forget(jobId);
    try {
      // What it was last seen to be may be a while ago.
      await this.#backend.observe();
      if (this.#isSuspended(jobId, attempt)) {
        if (!this.#isClosed) this.#watch(jobId, attempt);
        return;
      }
      this.#log.info({ jobId, attempt, allowedMs: watched.allowedMs }, 'the attempt hangs: it is ended');
      await this.#backend.endHung(jobId, attempt);
    } catch (error) {
      this.#log.error({ err: error, jobId }, 'an attempt that hangs could not be ended; tried again later');
      // Where its end came in between there is nothing to do then.
      if (!this.#isClosed) this.#watch(jobId, attempt);
    }
  }

  #isSuspended(jobId: number, attempt: number): boolean {
    const job = this.#backend.job(jobId);
    return job?.attempt === attempt && job.reason === SUSPENDED_REASON;
  }

  async #signs(jobId: number, attempt: number): Promise<string> {
    const folder = this.#home.attempt(jobId, attempt);
    // Not there yet, or taken away: no sign.
    const names = await readdir(folder).catch(() => []);
    const logs = names.filter((name) => /\.(?:out|err|ndjson)$/.test(name)).sort();
    const paths = [...logs.map((name) => join(folder, name)), this.#home.metrics(jobId)];
    const states = await Promise.all(paths.map((path) => stat(path).catch(() => null)));
    return states.map((state) => (state === null ? '-' : `${state.size}.${state.mtimeMs}`)).join();
  }

  #forget(jobId: number): void {
    clearInterval(this.#watched.get(jobId)?.timer);
    this.#watched.delete(jobId);
  }
}
