import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** True once the programs are there; as root on Debian their packages are installed, saying so. */
export function ensureInstalled(programs: readonly string[], packages: readonly string[]): boolean {
  if (programs.every((program) => existsSync(program))) return true;
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return false;
  process.stderr.write(`Tests need more programs; installing ${packages.join(', ')} with apt-get ...\n`);
  // Another suite's installation may be under way, or anybody's.
  const lock = join(tmpdir(), 'orrery-apt.lock');
  const script =
    'apt-get update -q; exec apt-get install -o DPkg::Lock::Timeout=120 -y -q --no-install-recommends "$@"';
  spawnSync('flock', [lock, 'sh', '-c', script, 'sh', ...packages], {
    stdio: ['ignore', 2, 2],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  return programs.every((program) => existsSync(program));
}
