import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeShared } from './slurm-world.ts';

it('a folder for the jobs that takes none is named with its flag, and what was expected', (context) => {
  const shared = mkdtempSync(join(tmpdir(), 'orrery-shared-'));
  const isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'ro', 'tmpfs', shared]).status === 0;
  try {
    if (!isMounted) context.skip('needs the right to mount a tmpfs (root)');
    const folder = join(shared, 'orrery-0123abcd');
    expect(() => makeShared([folder], shared)).toThrow(
      expect.objectContaining({
        code: 'ORR_USAGE',
        message: expect.stringMatching(/^--shared: .*EROFS.*: expected a folder that \w+ may write to$/),
      }),
    );
    // Without the flag it is the home, of which others say so.
    expect(() => makeShared([folder], null)).toThrow(/^EROFS/);
  } finally {
    spawnSync('umount', ['-l', shared]);
    rmSync(shared, { recursive: true, force: true });
  }
  mkdirSync(shared);
  makeShared([join(shared, 'a'), join(shared, 'a', 'jobs')], shared);
  rmSync(shared, { recursive: true });
});
