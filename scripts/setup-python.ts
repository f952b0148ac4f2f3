import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { findPython } from '../src/backend/local/python.ts';

const PACKAGES = ['python3-torch', 'libopenblas0-pthread'];

/**
 * Path of a Python that imports torch. Where there is none and we are root on Debian or Ubuntu, apt installs one, said beforehand;
 * otherwise prints the one command to type and exits with 1.
 */
export async function ensurePython(): Promise<string> {
  const found = await findPython(process.env);
  return found.isMissing ? installPython(found.tried) : found.path;
}

async function installPython(tried: readonly string[]): Promise<string> {
  const say = (message: string) => process.stderr.write(`${message}\n`);
  say(`PyTorch was not found (looked in ${tried.join(', ')}).`);
  const command = `apt-get install -y --no-install-recommends ${PACKAGES.join(' ')}`;
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    const hint = existsSync('/usr/bin/apt-get')
      ? `sudo apt-get update && sudo ${command}`
      : 'python3 -m venv ~/.orrery-venv && ~/.orrery-venv/bin/pip install torch numpy && export ORRERY_PYTHON=~/.orrery-venv/bin/python3';
    say(`Install it with:\n  ${hint}`);
    process.exit(1);
  }
  say(
    `Installing it now with: apt-get update && ${command}\n(about 100 MB; to use another PyTorch instead, set ORRERY_PYTHON)`,
  );
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const args of [
    ['update', '-q'],
    ['install', '-y', '-q', '--no-install-recommends', ...PACKAGES],
  ]) {
    const { status } = spawnSync('/usr/bin/apt-get', args, { stdio: ['ignore', 2, 2], env });
    if (status !== 0) {
      say(`apt-get ${args[0]} failed: see above`);
      process.exit(1);
    }
  }
  const installed = await findPython(process.env);
  if (installed.isMissing) {
    say(
      `apt-get has installed ${PACKAGES.join(' and ')}, but no Python imports torch; set ORRERY_PYTHON to one that does`,
    );
    process.exit(1);
  }
  return installed.path;
}
