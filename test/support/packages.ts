import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** True once the programs are there; as root on Debian their packages are installed, saying so. */
export function ensureInstalled(programs: readonly string[], packages: readonly string[]): boolean {
  if (programs.every((program) => existsSync(program))) return true;
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return false;
  process.stderr.write(`Tests need more programs; installing ${packages.join(', ')} with apt-get ...\n`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  // Another installation may be under way.
  const patience = ['-o', 'DPkg::Lock::Timeout=120'];
  spawnSync('/usr/bin/apt-get', [...patience, 'update', '-q'], { stdio: ['ignore', 2, 2], env });
  spawnSync('/usr/bin/apt-get', [...patience, 'install', '-y', '-q', '--no-install-recommends', ...packages], {
    stdio: ['ignore', 2, 2],
    env,
  });
  return programs.every((program) => existsSync(program));
}
