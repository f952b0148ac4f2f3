import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeHome, removeHome, startDaemon, until } from './support/daemon.ts';

/** A home on a file system of 3 MiB; false where this user may not mount one. */
function mountSmall(folder: string): boolean {
  return spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', folder]).status === 0;
}

function fill(path: string): void {
  const chunk = Buffer.alloc(4096);
  try {
    for (;;) writeFileSync(path, chunk, { flag: 'a' });
  } catch {
    // Full.
  }
}

describe('a daemon whose disk is full, its log on the same disk', () => {
  it('refuses submissions in one line, goes on answering, and takes jobs again once there is room', async (context) => {
    const home = makeHome();
    if (!mountSmall(home)) {
      await removeHome(home);
      context.skip('needs the right to mount a tmpfs (root)');
      return;
    }
    const daemon = await startDaemon(home);
    try {
      const { client } = daemon;
      const held = { jobs: [{ command: ['true'], hold: true }] };
      const before = (await client.submit(held)).jobs.length;
      fill(join(home, 'fill'));
      for (let round = 0; round < 5; round += 1)
        await expect(client.submit(held)).rejects.toMatchObject({ code: 'ORR_STORAGE' });
      expect((await client.jobs({ all: true })).length).toBe(before);
      rmSync(join(home, 'fill'));
      const { jobs } = await client.submit({ jobs: [{ command: ['true'] }] });
      await until(async () => (await client.job(jobs[0]?.id ?? 0)).state === 'COMPLETED', 'the job to complete');
      await client.shutdown({ cancel: true });
      expect(await daemon.exited).toBe(0);
    } finally {
      daemon.process.kill('SIGKILL');
      await daemon.exited;
      spawnSync('umount', ['-l', home]);
      await removeHome(home);
    }
  });
});
