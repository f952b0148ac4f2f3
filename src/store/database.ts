import { existsSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { OrreryError } from '../contract/errors.ts';
import { MIGRATIONS } from './migrations/index.ts';

/** Waits this long for another process that reads or backs up the file. */
const BUSY_TIMEOUT_MS = 2000;

/** SQLite result codes (sqlite.org/rescode.html) that say the disk or the file is at fault and not the statement. */
const STORAGE_CODES = new Set([5, 6, 7, 8, 10, 11, 13, 14, 26]);

export interface OpenedDatabase {
  database: DatabaseSync;
  /** Copy made before a migration; null where none was needed. */
  backupPath: string | null;
}

/**
 * Opens the store's file, makes it where missing and brings it to the newest version, after a copy of what was there.
 * Throws ORR_NEWER_STORE for a file of a later Orrery, ORR_STORAGE where the file cannot be used.
 */
export function openDatabase(path: string, migrations: readonly string[] = MIGRATIONS): OpenedDatabase {
  const wasThere = existsSync(path) && statSync(path).size > 0;
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
    const version = userVersion(database);
    if (version > migrations.length) {
      throw new OrreryError(
        'ORR_NEWER_STORE',
        `${path} has version ${version}, this Orrery knows up to ${migrations.length}: use the newer Orrery, or another ORRERY_HOME`,
      );
    }
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;');
    const backupPath = wasThere && version < migrations.length ? backUp(database, path, version) : null;
    for (let next = version + 1; next <= migrations.length; next++) {
      inTransaction(database, (db) => {
        db.exec(migrations[next - 1] ?? '');
        db.exec(`PRAGMA user_version = ${next}`);
      });
    }
    return { database, backupPath };
  } catch (error) {
    if (database?.isOpen === true) database.close();
    throw asStorageError(error, path);
  }
}

/** All of it or nothing: what `work` did is undone if it or the commit throws. */
export function inTransaction(database: DatabaseSync, work: (database: DatabaseSync) => void): void {
  database.exec('BEGIN IMMEDIATE');
  try {
    work(database);
    database.exec('COMMIT');
  } catch (error) {
    // A full disk makes SQLite roll back by itself.
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

/** ORR_STORAGE for what the disk or the file did, anything else as it is. */
export function asStorageError(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return error;
  // Extended codes keep the primary one in the low byte.
  if (!STORAGE_CODES.has(error.errcode & 0xff)) return error;
  return new OrreryError('ORR_STORAGE', `cannot use ${path}: ${error.message}; nothing was written`, { cause: error });
}

function userVersion(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
}

function backUp(database: DatabaseSync, path: string, version: number): string {
  let backupPath = `${path}.v${version}.backup`;
  for (let count = 2; existsSync(backupPath); count++) backupPath = `${path}.v${version}.backup-${count}`;
  database.prepare('VACUUM INTO ?').run(backupPath);
  return backupPath;
}
