import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findPython } from './python.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-python-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** A stand-in for a Python with torch: answers what the real one would, and notes that it was asked. */
function makePython(path: string, torch: string | null): string {
  mkdirSync(join(path, '..'), { recursive: true });
  const answer =
    torch === null
      ? 'exit 1'
      : `case "$2" in *find_spec*) exit 0;; *) echo "a line from sitecustomize"; printf '%s\\n' '${path}' 3.11.2 '${torch}';; esac`;
  writeFileSync(path, `#!/bin/sh\n${answer}\n`);
  chmodSync(path, 0o755);
  return path;
}

describe('findPython', () => {
  it('prefers ORRERY_PYTHON, then the virtual environment, then PATH', async () => {
    const own = makePython(join(folder, 'own'), '2.4.0');
    const virtual = makePython(join(folder, 'venv', 'bin', 'python3'), '2.3.0');
    const onPath = makePython(join(folder, 'bin', 'python3'), '2.2.0');
    const env = { ORRERY_PYTHON: own, VIRTUAL_ENV: join(folder, 'venv'), PATH: `${join(folder, 'bin')}:/usr/bin:/bin` };
    expect(await findPython(env)).toEqual({ isMissing: false, path: own, version: '3.11.2', torchVersion: '2.4.0' });
    expect(await findPython({ ...env, ORRERY_PYTHON: '' })).toMatchObject({ path: virtual, torchVersion: '2.3.0' });
    expect(await findPython({ PATH: env.PATH })).toMatchObject({ path: onPath, torchVersion: '2.2.0' });
  });

  it('passes over one that is missing or has no torch', async () => {
    makePython(join(folder, 'venv', 'bin', 'python3'), null);
    const onPath = makePython(join(folder, 'bin', 'python3'), '1.13.1');
    const env = {
      ORRERY_PYTHON: join(folder, 'nowhere'),
      VIRTUAL_ENV: join(folder, 'venv'),
      PATH: `${join(folder, 'bin')}:/usr/bin:/bin`,
    };
    expect(await findPython(env)).toMatchObject({ path: onPath });
  });

  it('names what it tried, in order, or finds the system one', async () => {
    const own = join(folder, 'nowhere');
    const found = await findPython({ ORRERY_PYTHON: own, PATH: folder });
    expect(found.isMissing ? found.tried : [own, 'python3', found.path]).toEqual([own, 'python3', '/usr/bin/python3']);
  });
});
