import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

function mount(folder: string, size: string): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder], { stdio: 'ignore' });
}

/** Root can, outside most containers. */
export const canMount = (() => {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-mount-'));
  try {
    mount(folder, '64k');
    execFileSync('umount', [folder]);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true });
  }
})();

/** Runs with a file system of 8 MiB under `parent` that `fill` fills to the last byte and `free` makes room in again. */
export async function withSmallDisk(
  parent: string,
  run: (folder: string, fill: () => void, free: () => void) => Promise<void>,
): Promise<void> {
  const folder = join(parent, 'small');
  mkdirSync(folder);
  mount(folder, '8m');
  const ballast = join(folder, 'ballast');
  const fill = () => {
    try {
      for (;;) writeFileSync(ballast, Buffer.alloc(4096), { flag: 'a' });
    } catch {
      return;
    }
  };
  try {
    await run(folder, fill, () => rmSync(ballast));
  } finally {
    execFileSync('umount', ['-l', folder]);
  }
}
