import { readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { OrreryError } from '../contract/errors.ts';
import { asStorageError } from './database.ts';

export interface HomeLock {
  release(): void;
}

/** Locks held by this process: a database that is garbage-collected closes its file and with it gives up the lock. */
const held = new Set<DatabaseSync>();

/**
 * One daemon a home. Node offers no file locks of its own, SQLite's are the operating system's: an exclusive transaction on an empty
 * file, held open, ends with the process however it ends. Throws ORR_HOME_LOCKED where another process holds it.
 */
export function lockHome(home: string): HomeLock {
  const path = join(home, 'daemon.lock');
  const pidPath = join(home, 'daemon.pid');
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path);
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE;');
  } catch (error) {
    if (database?.isOpen === true) database.close();
    if (error instanceof Error && 'errcode' in error && error.errcode === 5) {
      throw new OrreryError(
        'ORR_HOME_LOCKED',
        `another daemon${holder(pidPath)} uses ${home}: stop it with orrery down, or choose another ORRERY_HOME`,
      );
    }
    throw asStorageError(error, path);
  }
  const lock = database;
  const release = () => {
    held.delete(lock);
    lock.close();
  };
  held.add(lock);
  try {
    writeFileSync(pidPath, `${process.pid} ${hostname()}\n`);
  } catch (error) {
    release();
    throw error;
  }
  return { release };
}

/** The home may be on a folder that several machines share. */
function holder(pidPath: string): string {
  try {
    const [pid = '', host] = readFileSync(pidPath, 'utf8').trim().split(' ');
    return ` (pid ${pid}${host === undefined || host === hostname() ? '' : ` on ${host}`})`;
  } catch {
    return '';
  }
}
