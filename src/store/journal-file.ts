import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { OrreryError } from '../contract/errors.ts';
import type { JournalRecord } from '../contract/journal.ts';
import type { SchedulerEvent } from '../scheduler/types.ts';
import { MIGRATIONS } from './migrations/index.ts';
import type { DaemonStart } from './journal-table.ts';

/** A line of a journal: a fact, or the start of a daemon. */
export type JournalLine =
  | { kind: 'event'; seq: number; event: SchedulerEvent; cycles: JournalRecord['cycles'] }
  | { kind: 'start'; seq: number; start: Omit<DaemonStart, 'atMs'> & { atMs: number } };

/**
 * The journal of a store, in order, from its first record to the last that was committed when reading began; a daemon that writes to it
 * is not disturbed and nothing is changed. Throws ORR_NOT_FOUND where there is no such file, ORR_NEWER_STORE, ORR_BAD_FILE for anything else.
 */
export function* readJournalFile(path: string): Generator<JournalLine> {
  if (!existsSync(path))
    throw new OrreryError('ORR_NOT_FOUND', `no journal at ${path}: expected a store of the daemon`);
  const database = openToRead(path);
  try {
    // One transaction: a daemon may go on writing meanwhile.
    database.exec('BEGIN');
    const rows = database.prepare('SELECT seq, at_ms, kind, body FROM journal ORDER BY seq').iterate();
    for (const { seq, at_ms: atMs, kind, body } of rows) {
      const value = JSON.parse(String(body));
      if (kind === 'DaemonStarted') yield { kind: 'start', seq: Number(seq), start: { ...value, atMs: Number(atMs) } };
      else yield { kind: 'event', seq: Number(seq), event: value.event, cycles: value.cycles };
    }
  } finally {
    database.close();
  }
}

function openToRead(path: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { readOnly: true });
    const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
    if (version > MIGRATIONS.length) {
      throw new OrreryError('ORR_NEWER_STORE', `${path} has version ${version}: replay it with the newer Orrery`);
    }
    if (version === 0)
      throw new OrreryError('ORR_BAD_FILE', `${path}: expected a store of the daemon, found no journal`);
    return database;
  } catch (cause) {
    if (database?.isOpen === true) database.close();
    if (cause instanceof OrreryError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new OrreryError('ORR_BAD_FILE', `${path}: expected a store of the daemon: ${reason}`, { cause });
  }
}
