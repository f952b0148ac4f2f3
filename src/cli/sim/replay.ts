import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { OrreryError } from '../../contract/errors.ts';
import type { JournalRecord } from '../../contract/journal.ts';
import { type EchoEvent, echoOf, isEcho, isEchoOf } from '../../scheduler/echo.ts';
import { SCHEDULER_TYPES, type SchedulerOptions } from '../../scheduler/policy.ts';
import { isRemark } from '../../scheduler/remark.ts';
import { createScheduler } from '../../scheduler/scheduler.ts';
import { jobIdOf } from '../../contract/event-subject.ts';
import type { Decision, Scheduler, SchedulerEvent } from '../../scheduler/types.ts';
import { type JournalLine, readJournalFile } from '../../store/journal-file.ts';

/** Where the replayed scheduler and the one that wrote the journal part. */
export interface Difference {
  /** Of the record in the journal. */
  seq: number;
  atMs: number;
  /** What the journal says was decided; null: nothing more in this cycle. */
  recorded: EchoEvent | null;
  /** What the fresh scheduler decides; null: nothing. */
  replayed: EchoEvent | null;
}

export interface ReplayReport {
  journal: string;
  records: number;
  /** Starts of a daemon, each of which began with a fresh scheduler. */
  daemonStarts: number;
  facts: number;
  cycles: number;
  /** Reproduced exactly. */
  decisions: number;
  /** Null: every decision was reproduced exactly. */
  firstDifference: Difference | null;
}

/** The file that `--journal PATH` means: a store, or a home with one in it. */
function journalFile(path: string): string {
  const file = resolve(path);
  try {
    return statSync(file).isDirectory() ? join(file, 'orrery.db') : file;
  } catch (cause) {
    throw new OrreryError('ORR_NOT_FOUND', `no journal at ${path}: expected a home of the daemon, or its store`, {
      cause,
    });
  }
}

/**
 * Feeds the facts of a journal to a fresh scheduler under the recorded policy and has it decide where the daemon decided. Stops at the first
 * decision that differs. Throws ORR_NOT_FOUND, ORR_NEWER_STORE, ORR_BAD_FILE.
 */
export function replayJournal(path: string): ReplayReport {
  const journal = journalFile(path);
  const replay = new Replay();
  for (const line of readJournalFile(journal)) {
    replay.take(line);
    if (replay.firstDifference !== null) break;
  }
  replay.finish();
  const { records, daemonStarts, facts, cycles, decisions, firstDifference } = replay;
  return { journal, records, daemonStarts, facts, cycles, decisions, firstDifference };
}

/** One pass over a journal. */
class Replay {
  records = 0;
  daemonStarts = 0;
  facts = 0;
  cycles = 0;
  decisions = 0;
  firstDifference: Difference | null = null;
  readonly #history = new History();
  #scheduler: Scheduler = createScheduler();
  /** Of the present cycle, not yet found in the journal. */
  #expected: readonly Decision[] = [];
  /** When that was decided. */
  #cycleMs = 0;
  #last = { seq: 0, atMs: 0 };
  /** Of this daemon start, made so far. */
  #emptyCycles = 0;

  take(line: JournalLine): void {
    this.records += 1;
    if (line.kind === 'start') {
      this.#endCycle();
      this.daemonStarts += 1;
      this.#emptyCycles = 0;
      this.#scheduler = createScheduler(policyOf(line.start.policy, line.seq));
      for (const event of this.#history.recovered()) this.#scheduler.apply(event);
      return;
    }
    const { seq, event, cycles } = line;
    if (cycles !== undefined) this.#makeCycles(cycles);
    if (this.firstDifference !== null || isRemark(event)) return;
    if (isEcho(event)) this.#takeDecision(seq, event);
    else this.#takeFact(event);
    this.#last = { seq, atMs: event.atMs };
    this.#history.add(event);
  }

  /** The last cycle's decisions must all have been there. */
  finish(): void {
    this.#endCycle();
  }

  /** Cycles of the daemon that decided nothing. */
  #makeCycles({ first, atMs: instants }: NonNullable<JournalRecord['cycles']>): void {
    this.#endCycle();
    for (const [index, atMs] of instants.entries()) {
      // Records that were written side by side all tell of the cycles before them.
      if (first + index < this.#emptyCycles || this.firstDifference !== null) continue;
      this.#emptyCycles = first + index + 1;
      this.cycles += 1;
      this.#expected = this.#scheduler.decide(atMs).decisions;
      this.#last = { ...this.#last, atMs };
      this.#endCycle();
    }
  }

  #takeFact(event: SchedulerEvent): void {
    this.#endCycle();
    if (this.firstDifference !== null) return;
    this.facts += 1;
    this.#scheduler.apply(event);
  }

  #takeDecision(seq: number, event: EchoEvent): void {
    // Decisions of a cycle are committed together and under one time; a cycle that was not done is followed by another.
    if (this.#expected.length === 0) {
      this.cycles += 1;
      this.#cycleMs = event.atMs;
      this.#expected = this.#scheduler.decide(event.atMs).decisions;
    }
    const [decision, ...rest] = this.#expected;
    if (decision === undefined || event.atMs !== this.#cycleMs || !isEchoOf(event, decision)) {
      const replayed = decision === undefined ? null : echoOf(decision, this.#cycleMs);
      this.firstDifference = { seq, atMs: event.atMs, recorded: event, replayed };
      return;
    }
    this.decisions += 1;
    this.#expected = rest;
    this.#scheduler.apply(event);
  }

  #endCycle(): void {
    const [missing] = this.#expected;
    this.#expected = [];
    if (missing === undefined || this.firstDifference !== null) return;
    const { seq, atMs } = this.#last;
    this.firstDifference = { seq, atMs, recorded: null, replayed: echoOf(missing, atMs) };
  }
}

/** What a daemon that starts tells its fresh scheduler: the outcome of each ended job, then all records of the others, of nodes and of reservations. */
class History {
  readonly #outcomes = new Map<number, SchedulerEvent>();
  readonly #live = new Map<number, { index: number; event: SchedulerEvent }[]>();
  readonly #ofCluster: { index: number; event: SchedulerEvent }[] = [];
  #count = 0;

  add(event: SchedulerEvent): void {
    const record = { index: this.#count, event };
    this.#count += 1;
    if (event.kind === 'UseCarried') return;
    const jobId = jobIdOf(event);
    if (jobId === null) {
      this.#ofCluster.push(record);
      return;
    }
    if (event.kind === 'JobEnded') {
      this.#outcomes.set(jobId, event);
      this.#live.delete(jobId);
      return;
    }
    // One that has ended is run again: told anew, with its attempts before.
    if (event.kind === 'JobSubmitted') this.#outcomes.delete(jobId);
    const records = this.#live.get(jobId);
    if (records === undefined) this.#live.set(jobId, [record]);
    else records.push(record);
  }

  *recovered(): Generator<SchedulerEvent> {
    const outcomes = [...this.#outcomes].sort(([a], [b]) => a - b);
    for (const [, event] of outcomes) yield event;
    const records = [...this.#ofCluster, ...[...this.#live.values()].flat()];
    for (const { event } of records.sort((a, b) => a.index - b.index)) yield event;
  }
}

function policyOf(text: string, seq: number): SchedulerOptions {
  const schedulerType = SCHEDULER_TYPES.find((type) => type === text);
  if (schedulerType !== undefined) return { schedulerType };
  try {
    const policy: SchedulerOptions = JSON.parse(text);
    if (typeof policy === 'object' && policy !== null) return policy;
  } catch {
    // Said below.
  }
  throw new OrreryError(
    'ORR_BAD_FILE',
    `journal record ${seq}: this Orrery does not know the policy ${JSON.stringify(text)}`,
  );
}
