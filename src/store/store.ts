import type { PastAttempt } from '../scheduler/past-use.ts';
import type { DatabaseSync } from 'node:sqlite';
import { OrreryError } from '../contract/errors.ts';
import type { AcceptedJob, Journal, JournalRecord } from '../contract/journal.ts';
import { assert, definite } from '../lib/assert.ts';
import { jobIdOf } from '../contract/event-subject.ts';
import type { EndState, JobRequest, JobState, SchedulerEvent } from '../scheduler/types.ts';
import { asStorageError, inTransaction, openDatabase } from './database.ts';
import { type AttemptRow, type JobEntry, type JobRow } from './job-row.ts';
import { type EndedJobFilter, type JobScope, JobTables, type JobUsage } from './job-tables.ts';
import { type DaemonStart, type JournalEntry, JournalTable } from './journal-table.ts';
import { acceptJob, eligibleMs, type Surroundings, reduceJob } from './reduce-job.ts';
import { delayedIds, metMs, withStarts } from './waits.ts';

export interface StoreOptions {
  /** Called around each commit; tests and drills kill the process there. */
  faultPoint?: (name: 'store:before-commit' | 'store:after-commit') => void;
}

/** Told of records once they are on disk and in the read models. */
export type CommitListener = (entries: readonly JournalEntry[], commitMs: number) => void;

interface Append {
  records: readonly JournalRecord[];
  resolve: () => void;
  reject: (error: unknown) => void;
}

/** What one transaction is about to change, published only after the commit. */
interface Batch {
  entries: JournalEntry[];
  drafts: Map<number, JobEntry>;
}

/**
 * The SQLite file: the journal and its read models. Jobs that have not ended are also in memory, so that the queue is answered without SQL.
 * Appends that are asked for in the same turn of the event loop share one transaction and one fsync; none resolves before it.
 */
export class Store implements Journal {
  readonly path: string;
  /** Copy of the file made before a migration at this start; null where none was needed. */
  readonly backupPath: string | null;
  readonly #database: DatabaseSync;
  readonly #journal: JournalTable;
  readonly #tables: JobTables;
  readonly #faultPoint: NonNullable<StoreOptions['faultPoint']>;
  readonly #live: Map<number, JobEntry>;
  readonly #listeners = new Set<CommitListener>();
  #appends: Append[] = [];
  #isFlushPlanned = false;
  #isClosed = false;
  #lastSeq: number;
  #lastJobId: number;

  /** Throws ORR_NEWER_STORE or ORR_STORAGE, each with one line. */
  constructor(path: string, options: StoreOptions = {}) {
    const { database, backupPath } = openDatabase(path);
    this.path = path;
    this.backupPath = backupPath;
    this.#database = database;
    this.#journal = new JournalTable(database);
    this.#tables = new JobTables(database);
    this.#faultPoint = options.faultPoint ?? (() => undefined);
    this.#live = new Map(this.#tables.live().map((entry) => [entry.job.jobId, entry]));
    this.#lastSeq = this.#highest('SELECT max(seq) AS highest FROM journal');
    this.#lastJobId = this.#highest('SELECT max(job_id) AS highest FROM jobs');
  }

  get lastSeq(): number {
    return this.#lastSeq;
  }

  append(records: readonly JournalRecord[]): Promise<void> {
    if (this.#isClosed) return Promise.reject(new OrreryError('ORR_UNREACHABLE', 'the daemon is stopping'));
    return new Promise((resolve, reject) => {
      this.#appends.push({ records, resolve, reject });
      if (this.#isFlushPlanned) return;
      this.#isFlushPlanned = true;
      setImmediate(() => this.#flush());
    });
  }

  /** Calls `listener` after each commit, in journal order; returns the function that ends it. */
  subscribe(listener: CommitListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The id for the next job. Ids are given once and count up; those of refused submissions are not seen again while this process lives. */
  nextJobId(): number {
    this.#lastJobId += 1;
    return this.#lastJobId;
  }

  /** Ids up to this one have been given, whatever the store knows of them: it may be an older copy. */
  skipJobIds(lastJobId: number): void {
    this.#lastJobId = Math.max(this.#lastJobId, lastJobId);
  }

  /** The last id that was given, or skipped; 0: none. */
  get lastJobId(): number {
    return this.#lastJobId;
  }

  /** Journals that a daemon starts, under which rules. */
  recordStart(start: DaemonStart): void {
    this.#guarded(() => {
      inTransaction(this.#database, () => this.#journal.writeStart(this.#lastSeq + 1, start));
      this.#lastSeq += 1;
    });
  }

  /** What a fresh scheduler needs: the outcome of each ended job, then all records of the others and of the nodes, in journal order. */
  recoveryRecords(): JournalRecord[] {
    const delayed = new Set(
      [...this.#live.values()].flatMap(({ job }) => (job.waitRule ? delayedIds(job.waitRule) : [])),
    );
    const outcomes = this.#tables.outcomes().map(({ jobId, state, exitCode, startMs, endMs }): JournalRecord => {
      assert(isEndState(state), `job ${jobId} ended and its row says ${state}`);
      const start = delayed.has(jobId) ? { startMs: startMs ?? endMs } : {};
      return { event: { kind: 'JobEnded', atMs: endMs, jobId, state, exitCode, ...start } };
    });
    return [...outcomes, ...this.#journal.live()];
  }

  /** A job as it was accepted, and would be now, and how many attempts it has had; undefined for an unknown id. */
  read(jobId: number): { accepted: AcceptedJob; request: JobRequest; attempts: number } | undefined {
    const job = this.job(jobId);
    if (job === undefined) return undefined;
    const { accepted, request } = this.#submitted(job);
    return { accepted, request: withStarts(request, (id) => this.job(id)), attempts: job.attempt };
  }

  job(jobId: number): Readonly<JobRow> | undefined {
    return this.#live.get(jobId)?.job ?? this.#tables.job(jobId);
  }

  attempts(jobId: number): AttemptRow[] {
    return this.#tables.attempts(jobId);
  }

  /** Jobs that have not ended, in the order they were accepted or put back. */
  *liveJobs(): Generator<Readonly<JobRow>> {
    for (const { job } of this.#live.values()) yield job;
  }

  get liveJobCount(): number {
    return this.#live.size;
  }

  /** Newest first. */
  endedJobs(filter: EndedJobFilter): JobRow[] {
    return this.#tables.ended(filter);
  }

  /** Id of the job that is this task of an array; undefined for none. */
  taskJobId(arrayId: number, taskId: number): number | undefined {
    return this.#tables.taskJobId(arrayId, taskId);
  }

  /** Ids of the jobs of an array, by task; none for an id that is no array's. */
  arrayJobIds(arrayId: number): number[] {
    return this.#tables.arrayJobIds(arrayId);
  }

  /** Attempts of ended jobs that ended after `sinceMs`: what a fresh scheduler is not told of. */
  pastAttempts(sinceMs: number): PastAttempt[] {
    return this.#tables.pastAttempts(sinceMs);
  }

  /** All events of nodes, and those of jobs and attempts since `sinceMs`, in journal order. */
  nodeHistory(sinceMs: number): Generator<SchedulerEvent> {
    return this.#journal.nodeHistory(sinceMs);
  }

  /** Events of one node since `sinceMs`, in journal order. */
  nodeEvents(nodeName: string, sinceMs: number): Generator<SchedulerEvent> {
    return this.#journal.ofNode(nodeName, sinceMs);
  }

  /** What the last daemon wrote when it started; undefined before the first. */
  lastStart(): Omit<DaemonStart, 'atMs'> | undefined {
    return this.#journal.lastStart();
  }

  /** By job id, up to now. */
  usage(nowMs: number, scope: JobScope = 'all'): JobUsage[] {
    return this.#tables.usage(nowMs, scope).map((usage) => {
      const live = this.#live.get(usage.jobId);
      return live === undefined ? usage : { ...usage, queuedMs: this.eligibleMs(live.job, nowMs) };
    });
  }

  costlyAttempts(scope: JobScope = 'all'): AttemptRow[] {
    return this.#tables.costlyAttempts(scope);
  }

  /** Milliseconds a job has waited while it could have run: in the queue, not held, its dependencies ended. */
  eligibleMs(job: JobRow, nowMs: number): number {
    return eligibleMs(
      job,
      nowMs,
      this.#around((jobId) => this.job(jobId)),
    );
  }

  journalSince(seq: number, limit: number): JournalEntry[] {
    return this.#journal.since(seq, limit);
  }

  /** Commits what waits and closes the file. */
  close(): void {
    if (this.#isClosed) return;
    if (this.#appends.length > 0) this.#flush();
    this.#isClosed = true;
    this.#database.close();
  }

  #flush(): void {
    this.#isFlushPlanned = false;
    const appends = this.#appends;
    this.#appends = [];
    if (appends.length > 0) this.#commit(appends);
  }

  #commit(appends: readonly Append[]): void {
    const startedAt = performance.now();
    const batch: Batch = { entries: [], drafts: new Map() };
    try {
      this.#guarded(() => this.#write(appends, batch));
    } catch (error) {
      // One bad append must not take the others down: each on its own, it fails or succeeds alone.
      if (appends.length > 1) for (const append of appends) this.#commit([append]);
      else for (const append of appends) append.reject(error);
      return;
    }
    this.#faultPoint('store:after-commit');
    this.#publish(batch);
    for (const append of appends) append.resolve();
    const commitMs = performance.now() - startedAt;
    for (const listener of this.#listeners) listener(batch.entries, commitMs);
  }

  #write(appends: readonly Append[], batch: Batch): void {
    inTransaction(this.#database, () => {
      for (const { records } of appends) {
        for (const record of records) {
          const entry = { seq: this.#lastSeq + batch.entries.length + 1, record };
          batch.entries.push(entry);
          this.#journal.write(entry);
          this.#reduce(entry, batch.drafts);
        }
      }
      for (const draft of batch.drafts.values()) this.#tables.write(draft);
      this.#faultPoint('store:before-commit');
    });
  }

  #reduce({ seq, record }: JournalEntry, drafts: Map<number, JobEntry>): void {
    const { event } = record;
    const jobId = jobIdOf(event);
    if (jobId === null) return;
    const draft = drafts.get(jobId) ?? this.#draftOf(jobId);
    if (draft === undefined) {
      assert(event.kind === 'JobSubmitted', `${event.kind} of unknown job ${jobId}`);
      drafts.set(jobId, acceptJob(event, record, seq));
      return;
    }
    drafts.set(jobId, draft);
    // The row of the attempt before leaves the draft here.
    if (event.kind === 'AttemptStarting' && draft.attempt !== null) this.#tables.write(draft);
    const around = this.#around((otherId) => drafts.get(otherId)?.job ?? this.job(otherId));
    reduceJob(draft, event, record.message ?? null, around);
  }

  #draftOf(jobId: number): JobEntry | undefined {
    const live = this.#live.get(jobId);
    if (live !== undefined) return { job: { ...live.job }, attempt: live.attempt && { ...live.attempt } };
    const job = this.#tables.job(jobId);
    return job && { job, attempt: this.#tables.attempts(jobId).at(-1) ?? null };
  }

  #publish(batch: Batch): void {
    this.#lastSeq += batch.entries.length;
    for (const [jobId, entry] of batch.drafts) {
      if (entry.job.isEnded) this.#live.delete(jobId);
      else this.#live.set(jobId, entry);
    }
  }

  #submitted({ acceptedSeq }: JobRow): { accepted: AcceptedJob; request: JobRequest } {
    const { accepted, event } = this.#journal.accepted(acceptedSeq);
    assert(event.kind === 'JobSubmitted', `record ${acceptedSeq} is no submission`);
    return { accepted, request: event.job };
  }

  #around(find: (jobId: number) => JobRow | undefined): Surroundings {
    return {
      partitionOf: (job) => this.#submitted(job).request.partition ?? null,
      metMs: (job) => metMs(job, find),
    };
  }

  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      throw asStorageError(error, this.path);
    }
  }

  #highest(sql: string): number {
    return Number(definite(this.#database.prepare(sql).get(), sql)['highest'] ?? 0);
  }
}

function isEndState(state: JobState): state is EndState {
  return state !== 'PENDING' && state !== 'RUNNING' && state !== 'COMPLETING';
}
