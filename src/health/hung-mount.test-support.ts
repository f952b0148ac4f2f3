import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';

/**
 * Mounts a FUSE file system that nobody serves: whoever looks at it waits for ever, as with a file server that is gone. Returns the function that
 * ends it. Needs root and /dev/fuse; throws where they are not.
 */
export function mountHung(folder: string): () => void {
  const device = openSync('/dev/fuse', 'r+');
  try {
    mkdirSync(folder);
    const options = 'fd=3,rootmode=40000,user_id=0,group_id=0';
    execFileSync('mount', ['-i', '-t', 'fuse', 'nobody', folder, '-o', options], {
      stdio: ['ignore', 'ignore', 'ignore', device],
    });
  } catch (error) {
    closeSync(device);
    throw error;
  }
  return () => {
    // Those that wait are told that the server is gone.
    closeSync(device);
    execFileSync('umount', ['-l', folder]);
  };
}

export function canMountHung(folder: string): boolean {
  try {
    mountHung(folder)();
    return true;
  } catch {
    return false;
  }
}
