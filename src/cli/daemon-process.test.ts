import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startFailure } from './daemon-process.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-start-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What a start that left these words in the log is reported as. */
function failureOf(status: number, said: string, isFull: boolean): { code: string; message: string } {
  const logFile = join(folder, 'daemon.log');
  writeFileSync(logFile, `orrery: of an earlier start\n${said}`);
  const { code, message } = startFailure(status, logFile, 'orrery: of an earlier start\n'.length, () => isFull);
  return { code, message: message.replaceAll(folder, 'HOME') };
}

describe('a daemon that does not start', () => {
  it('is reported with its last words, and a disk at fault as such', () => {
    const words = 'cannot use HOME/orrery.db: disk I/O error; nothing was written';
    expect(failureOf(1, `orrery: ${words}\n`, false)).toEqual({ code: 'ORR_STORAGE', message: words });
    expect(failureOf(1, 'orrery: disk I/O error\n', true).code).toBe('ORR_STORAGE');
    expect(failureOf(1, 'orrery: no\n', true)).toEqual({ code: 'ORR_FAILED', message: 'no' });
    expect(failureOf(4, 'orrery: held\n', false).code).toBe('ORR_HOME_LOCKED');
  });

  it('that had no room for words is reported as a full disk', () => {
    expect(failureOf(1, '', true)).toEqual({
      code: 'ORR_STORAGE',
      message: 'no space is left on the file system of HOME: free some',
    });
    expect(failureOf(1, '', false)).toEqual({
      code: 'ORR_FAILED',
      message: 'the daemon ended with status 1 before it listened: see HOME/daemon.log',
    });
  });
});
