import type { parseWarningSignal } from '../../contract/job.ts';
import type { JournalRecord } from '../../contract/journal.ts';
import type { EndCause, EndState, SchedulerEvent } from '../../scheduler/types.ts';
import { END_MESSAGES } from '../end-messages.ts';
import type { AttemptExit } from './launcher-port.ts';
import type { LiveAttempt } from './recovery.ts';

interface Live {
  attempt: number;
  /** AttemptStarted is journalled or on its way. */
  isStarted: boolean;
  startedMs: number | null;
  cause: EndCause | null;
  /** For which job, where it is preempted. */
  preemptorJobId: number | null;
  warning: { name: NodeJS.Signals; leadMs: number; limitMs: number } | null;
  timer: NodeJS.Timeout | undefined;
  launching: Promise<void>;
}

const STATE_OF_CAUSE: Record<EndCause, EndState> = {
  CANCELLED: 'CANCELLED',
  TIMEOUT: 'TIMEOUT',
  NODE_FAIL: 'NODE_FAIL',
  REQUEUE: 'CANCELLED',
  PREEMPTED: 'PREEMPTED',
  HANG: 'FAILED',
};

/** What the backend knows of the attempts that hold nodes now: how far their start is, why they are being ended, when to warn them. */
export class LiveAttempts {
  readonly #byJob = new Map<number, Live>();
  readonly #signal: (jobId: number, attempt: number, signal: NodeJS.Signals) => void;

  constructor(signal: (jobId: number, attempt: number, signal: NodeJS.Signals) => void) {
    this.#signal = signal;
  }

  /** Follows a committed event. */
  apply(event: SchedulerEvent, nowMs: number): void {
    if (event.kind === 'AttemptStarting') {
      this.#byJob.set(event.jobId, newLive(event.attempt));
    } else if (event.kind === 'AttemptStarted') {
      const live = this.#find(event.jobId, event.attempt);
      if (live === undefined) return;
      live.startedMs = event.atMs;
      this.#arm(event.jobId, live, nowMs);
    } else if (event.kind === 'AttemptEnding') {
      const live = this.#find(event.jobId, event.attempt);
      if (live !== undefined)
        Object.assign(live, { cause: event.cause, preemptorJobId: event.preemptor?.jobId ?? null });
    } else if (event.kind === 'AttemptEnded' || event.kind === 'LaunchFailed') {
      clearTimeout(this.#byJob.get(event.jobId)?.timer);
      this.#byJob.delete(event.jobId);
    }
  }

  restore(found: LiveAttempt): void {
    const { jobId, attempt, isStarted, startedMs, cause, preemptorJobId } = found;
    this.#byJob.set(jobId, { ...newLive(attempt), isStarted, startedMs, cause, preemptorJobId });
  }

  startWith(jobId: number, attempt: number, launching: Promise<void>): void {
    const live = this.#find(jobId, attempt);
    if (live !== undefined) live.launching = launching;
  }

  /** Resolves once the launch under way has succeeded or failed: nothing is killed half-started. */
  async starting(jobId: number, attempt: number): Promise<void> {
    await this.#find(jobId, attempt)?.launching;
  }

  /** True the first time: the caller reports AttemptStarted. */
  markStarted(jobId: number, attempt: number): boolean {
    const live = this.#find(jobId, attempt);
    if (live === undefined || live.isStarted) return false;
    live.isStarted = true;
    return true;
  }

  /** Sets the warning signal of a job that asked for one (`--signal`) and has a time limit, its own or its partition's or QOS's. */
  setWarning(
    jobId: number,
    attempt: number,
    signal: ReturnType<typeof parseWarningSignal>,
    limitMs: number | null,
    nowMs: number,
  ): void {
    const live = this.#find(jobId, attempt);
    if (live === undefined || signal === undefined || limitMs === null) return;
    live.warning = { ...signal, limitMs };
    if (live.startedMs !== null) this.#arm(jobId, live, nowMs);
  }

  /** The facts that an attempt's exit amounts to; a start that was not yet reported comes first. */
  recordsOfExit(exit: AttemptExit, atMs: number): JournalRecord[] {
    const { jobId, attempt } = exit;
    const live = this.#find(jobId, attempt);
    if (live === undefined) return [];
    const records: JournalRecord[] = [];
    if (this.markStarted(jobId, attempt)) records.push({ event: { kind: 'AttemptStarted', atMs, jobId, attempt } });
    if (exit.isPortConflict && live.cause === null) {
      const message = exit.message ?? 'the rendezvous port was taken';
      records.push({ event: { kind: 'LaunchFailed', atMs, jobId, attempt, isRetryable: true, message }, message });
      return records;
    }
    const ownState = exit.isNodeLost === true ? 'NODE_FAIL' : exit.state;
    const state = live.cause === null ? ownState : STATE_OF_CAUSE[live.cause];
    const exitCode = state === 'COMPLETED' || exit.exitCode !== 0 ? exit.exitCode : 1;
    const message = live.cause === null ? exit.message : messageOf(live.cause, live.preemptorJobId);
    const event: SchedulerEvent = { kind: 'AttemptEnded', atMs, jobId, attempt, state, exitCode };
    records.push(message === null ? { event } : { event, message });
    return records;
  }

  /** An attempt that a former daemon recorded and never started: a free retry, or the end it was meant to have. */
  recordsOfUnclaimed(jobId: number, attempt: number, atMs: number): JournalRecord[] {
    const { cause = null, preemptorJobId = null } = this.#find(jobId, attempt) ?? {};
    const message = 'the daemon stopped before the attempt began';
    if (cause !== null) {
      const event: SchedulerEvent = {
        kind: 'AttemptEnded',
        atMs,
        jobId,
        attempt,
        state: STATE_OF_CAUSE[cause],
        exitCode: 1,
      };
      return [{ event, message: messageOf(cause, preemptorJobId) }];
    }
    return [{ event: { kind: 'LaunchFailed', atMs, jobId, attempt, isRetryable: true, message }, message }];
  }

  /** No more warnings; resolves once no launch is under way. */
  async close(): Promise<void> {
    for (const live of this.#byJob.values()) clearTimeout(live.timer);
    await Promise.all([...this.#byJob.values()].map((live) => live.launching));
  }

  #find(jobId: number, attempt: number): Live | undefined {
    const live = this.#byJob.get(jobId);
    return live?.attempt === attempt ? live : undefined;
  }

  #arm(jobId: number, live: Live, nowMs: number): void {
    if (live.warning === null || live.startedMs === null || live.timer !== undefined) return;
    const { name, leadMs, limitMs } = live.warning;
    const delayMs = live.startedMs + limitMs - leadMs - nowMs;
    if (delayMs < -leadMs || delayMs >= 2 ** 31) return;
    live.timer = setTimeout(() => this.#signal(jobId, live.attempt, name), Math.max(0, delayMs));
  }
}

function messageOf(cause: EndCause, preemptorJobId: number | null): string {
  if (cause === 'PREEMPTED' && preemptorJobId !== null) return `preempted by job ${preemptorJobId}`;
  return END_MESSAGES[cause];
}

function newLive(attempt: number): Live {
  return {
    attempt,
    isStarted: false,
    startedMs: null,
    cause: null,
    preemptorJobId: null,
    warning: null,
    timer: undefined,
    launching: Promise.resolve(),
  };
}
