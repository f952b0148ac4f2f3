import { OrreryError } from '../../contract/errors.ts';
import type { Journal, JournalRecord } from '../../contract/journal.ts';
import { echoOf } from '../../scheduler/echo.ts';
import type { Decision, Scheduler, SchedulerEvent } from '../../scheduler/types.ts';
import type { Log } from '../port.ts';
import { FactQueue } from './fact-queue.ts';
import { faultPoint } from './fault-points.ts';

export interface SchedulingLoopOptions {
  scheduler: Pick<Scheduler, 'apply' | 'decide'>;
  journal: Journal;
  /** Told of each event once it is on the disk and the scheduler has it. */
  onCommitted: (event: SchedulerEvent, nowMs: number) => void;
  /** Carries decisions out that are on the disk. `failedNodes`: those that were said to have failed since the last time. */
  carryOut: (decisions: readonly Decision[], failedNodes: readonly string[]) => Promise<void>;
  now: () => number;
  log: Log;
  /** Told how long each scheduling cycle took, in milliseconds. */
  onCycle?: (ms: number) => void;
}

/**
 * Drives the scheduler: facts go to the journal, then to the scheduler; its decisions to the journal, then to whoever carries them out. One turn at a
 * time, and none while there is nothing new.
 */
export class SchedulingLoop {
  readonly #options: SchedulingLoopOptions;
  readonly #facts: FactQueue;
  #isBegun = false;
  #isTurning = false;
  #isStopped = false;
  #lastTurn: Promise<void> = Promise.resolve();
  #wakeTimer: NodeJS.Timeout | undefined;

  constructor(options: SchedulingLoopOptions) {
    this.#options = options;
    this.#facts = new FactQueue(options.journal, (error) =>
      options.log.error({ err: error }, 'the journal refused a write'),
    );
  }

  /** Nothing is decided before. Resolves after the first turn, with what was reported until then. */
  begin(): Promise<void> {
    this.#isBegun = true;
    this.#kick();
    return this.#lastTurn;
  }

  /** What somebody asks for: resolves once it is on the disk and the scheduler has it, rejects if it never was. ORR_UNREACHABLE once stopped. */
  request(...records: readonly JournalRecord[]): Promise<void> {
    if (this.#isStopped) throw new OrreryError('ORR_UNREACHABLE', 'the daemon is stopping');
    const done = this.#facts.request(records);
    this.#kick();
    return done;
  }

  /** What has happened: it waits for the disk as long as it takes. */
  report(...records: readonly JournalRecord[]): void {
    this.#facts.report(...records);
    this.#kick();
  }

  /** Resolves once no turn is under way; none follows. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#wakeTimer);
    await this.#lastTurn;
  }

  #kick(): void {
    if (!this.#isBegun || this.#isTurning || this.#isStopped) return;
    this.#isTurning = true;
    this.#lastTurn = this.#turn().finally(() => {
      this.#isTurning = false;
      if (!this.#facts.isEmpty) this.#kick();
    });
    this.#lastTurn.catch((error: unknown) => {
      // A contradiction between journal and scheduler: stop rather than corrupt the ledger. Recovery starts from the journal.
      this.#options.log.error({ err: error }, 'the scheduling cycle broke; the daemon stops');
      process.exit(1);
    });
  }

  /** Commits facts, applies them, decides, commits the decisions, has them carried out; again while there is something new. */
  async #turn(): Promise<void> {
    // Everything that arrives in this turn of the event loop shares the commit.
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    do {
      const failedNodes: string[] = [];
      const areFactsWritten = await this.#facts.commit(({ event }) => {
        this.#apply(event, this.#options.now());
        if (event.kind === 'NodeFailed') failedNodes.push(event.nodeName);
      });
      faultPoint('backend:facts-committed');
      await this.#decide(failedNodes);
      if (!areFactsWritten) await this.#facts.pause();
    } while (!this.#facts.isEmpty && !this.#isStopped);
  }

  async #decide(failedNodes: readonly string[]): Promise<void> {
    if (this.#isStopped) return;
    const { scheduler, carryOut, now, onCycle } = this.#options;
    const nowMs = now();
    const startedAt = performance.now();
    const { decisions, wakeAtMs } = scheduler.decide(nowMs);
    onCycle?.(performance.now() - startedAt);
    if (decisions.length === 0) this.#facts.noteCycle(nowMs);
    else {
      faultPoint('backend:decided');
      const echoes = decisions.map((decision) => ({ event: echoOf(decision, nowMs) }));
      if (!(await this.#facts.commitDecisions(echoes, () => this.#isStopped))) return;
      faultPoint('backend:decisions-committed');
      for (const { event } of echoes) this.#apply(event, nowMs);
    }
    await carryOut(decisions, failedNodes);
    clearTimeout(this.#wakeTimer);
    if (wakeAtMs !== null) {
      // setTimeout holds 31 bits; waking early is harmless.
      const delayMs = Math.min(Math.max(0, wakeAtMs - now()), 2 ** 31 - 1);
      this.#wakeTimer = setTimeout(() => this.#kick(), delayMs);
    }
  }

  #apply(event: SchedulerEvent, nowMs: number): void {
    this.#options.scheduler.apply(event);
    this.#options.onCommitted(event, nowMs);
  }
}
