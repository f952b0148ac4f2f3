import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeFolder } from './make-folder.ts';

it('makes what is missing for the owner alone, and fails where nothing can be made', () => {
  const root = mkdtempSync(join(tmpdir(), 'orrery-folder-'));
  try {
    makeFolder(join(root, 'a', 'b'));
    makeFolder(join(root, 'a', 'b'));
    expect(['a', 'a/b'].map((path) => statSync(join(root, path)).mode & 0o777)).toEqual([0o700, 0o700]);
    writeFileSync(join(root, 'file'), '');
    expect(() => makeFolder(join(root, 'file', 'c'))).toThrow(/ENOTDIR/);
    expect(() => makeFolder('/proc/orrery/home')).toThrow(/ENOENT/);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});
