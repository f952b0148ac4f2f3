import { createHash } from 'node:crypto';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { AcceptedJob, JournalRecord } from '../contract/journal.ts';
import { definite } from '../lib/assert.ts';
import type { SchedulerEvent } from '../scheduler/types.ts';
import { jobIdOf, nodeNameOf } from '../contract/event-subject.ts';

/** A journal record with its place. */
export interface JournalEntry {
  seq: number;
  record: JournalRecord;
}

/** What a daemon writes when it starts, so that the journal can be replayed under the same rules. */
export interface DaemonStart {
  atMs: number;
  version: string;
  cluster: string;
  /** `SchedulerOptions` as JSON, or a `SchedulerType` where there was no more to say. */
  policy: string;
  /** Of the catalogue, or its file's; absent: the policy was not named. */
  policyName?: string;
  /** Lemon nodes are drained; absent: only told of. */
  isDrainingLemons?: boolean;
}

/** A record as stored: the environment of a job is kept apart, under its digest. */
interface Body {
  event: JournalRecord['event'];
  accepted?: Omit<AcceptedJob, 'environment'> & { environmentDigest: string };
  message?: string;
  cycles?: JournalRecord['cycles'];
}

/** The append-only journal and the environments it refers to. */
export class JournalTable {
  readonly #insert: StatementSync;
  readonly #insertEnvironment: StatementSync;
  readonly #environment: StatementSync;
  readonly #at: StatementSync;
  readonly #since: StatementSync;
  readonly #live: StatementSync;
  readonly #lastStart: StatementSync;
  readonly #nodeHistory: StatementSync;
  readonly #ofNode: StatementSync;
  /** Digest of environments seen, by identity: jobs of one request share the object. */
  readonly #digests = new WeakMap<object, { digest: string; json: string }>();

  constructor(database: DatabaseSync) {
    this.#insert = database.prepare(
      'INSERT INTO journal (seq, at_ms, kind, job_id, node_name, body) VALUES (?, ?, ?, ?, ?, ?)',
    );
    this.#insertEnvironment = database.prepare('INSERT OR IGNORE INTO environments (digest, json) VALUES (?, ?)');
    this.#environment = database.prepare('SELECT json FROM environments WHERE digest = ?');
    this.#at = database.prepare('SELECT body FROM journal WHERE seq = ?');
    this.#since = database.prepare(
      "SELECT seq, body FROM journal WHERE seq > ? AND kind <> 'DaemonStarted' ORDER BY seq LIMIT ?",
    );
    this.#nodeHistory = database.prepare(
      `SELECT body FROM journal WHERE node_name IS NOT NULL OR (job_id IS NOT NULL AND at_ms >= ?) ORDER BY seq`,
    );
    this.#ofNode = database.prepare('SELECT body FROM journal WHERE node_name = ? AND at_ms >= ? ORDER BY seq');
    this.#lastStart = database.prepare(
      "SELECT body FROM journal WHERE kind = 'DaemonStarted' ORDER BY seq DESC LIMIT 1",
    );
    this.#live = database.prepare(
      `SELECT body FROM (
         SELECT seq, body FROM journal WHERE job_id IN (SELECT job_id FROM jobs WHERE is_ended = 0)
         UNION ALL SELECT seq, body FROM journal WHERE node_name IS NOT NULL
         UNION ALL SELECT seq, body FROM journal WHERE kind IN ('ReservationCreated', 'ReservationDeleted')
       ) ORDER BY seq`,
    );
  }

  write({ seq, record }: JournalEntry): void {
    const { event } = record;
    const body: Body = { event };
    if (record.message !== undefined) body.message = record.message;
    if (record.cycles !== undefined) body.cycles = record.cycles;
    if (record.accepted !== undefined) {
      const { environment, ...accepted } = record.accepted;
      const { digest, json } = this.#digest(environment);
      this.#insertEnvironment.run(digest, json);
      body.accepted = { ...accepted, environmentDigest: digest };
    }
    this.#insert.run(seq, event.atMs, event.kind, jobIdOf(event), nodeNameOf(event), JSON.stringify(body));
  }

  writeStart(seq: number, { atMs, ...start }: DaemonStart): void {
    this.#insert.run(seq, atMs, 'DaemonStarted', null, null, JSON.stringify(start));
  }

  /** All events of nodes, and those of jobs and attempts since `sinceMs`, in journal order. */
  *nodeHistory(sinceMs: number): Generator<SchedulerEvent> {
    for (const row of this.#nodeHistory.iterate(sinceMs)) {
      const body: Body = JSON.parse(String(row['body']));
      yield body.event;
    }
  }

  /** Events of one node since `sinceMs`, in journal order. */
  *ofNode(nodeName: string, sinceMs: number): Generator<SchedulerEvent> {
    for (const row of this.#ofNode.iterate(nodeName, sinceMs)) {
      const body: Body = JSON.parse(String(row['body']));
      yield body.event;
    }
  }

  /** The newest; undefined where there is none. */
  lastStart(): Omit<DaemonStart, 'atMs'> | undefined {
    const row = this.#lastStart.get();
    return row === undefined ? undefined : JSON.parse(String(row['body']));
  }

  /** In journal order, from after `seq`, at most `limit`. */
  since(seq: number, limit: number): JournalEntry[] {
    return this.#since.all(seq, limit).map((row) => {
      const body: Body = JSON.parse(String(row['body']));
      return { seq: Number(row['seq']), record: asRecord(body) };
    });
  }

  /** Records of the nodes and of jobs that have not ended, in journal order; without what was submitted, which is read when needed. */
  live(): JournalRecord[] {
    return this.#live.all().map((row) => {
      const body: Body = JSON.parse(String(row['body']));
      return asRecord(body);
    });
  }

  /** What was submitted, from the record that accepted it. */
  accepted(seq: number): { accepted: AcceptedJob; event: JournalRecord['event'] } {
    const body: Body = JSON.parse(String(definite(this.#at.get(seq), `journal record ${seq} is missing`)['body']));
    const { environmentDigest, ...accepted } = definite(body.accepted, `journal record ${seq} accepts no job`);
    const row = definite(this.#environment.get(environmentDigest), `environment ${environmentDigest} is missing`);
    const environment: Record<string, string> = JSON.parse(String(row['json']));
    return { accepted: { ...accepted, environment }, event: body.event };
  }

  #digest(environment: Readonly<Record<string, string>>): { digest: string; json: string } {
    const known = this.#digests.get(environment);
    if (known !== undefined) return known;
    const json = JSON.stringify(Object.fromEntries(Object.entries(environment).sort(([a], [b]) => (a < b ? -1 : 1))));
    const made = { digest: createHash('sha256').update(json).digest('hex'), json };
    this.#digests.set(environment, made);
    return made;
  }
}

function asRecord({ event, message }: Body): JournalRecord {
  return message === undefined ? { event } : { event, message };
}
