import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, realpathSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './daemon.ts';
import { ensureInstalled } from './packages.ts';

const MIRROR = 'http://deb.debian.org/debian';
const PACKAGES =
  'slurmctld slurmd slurm-client munge slurmdbd slurm-wlm-mysql-plugin mariadb-server ' +
  'ca-certificates git procps iproute2 openssh-server openssh-client';
const LIBMARIADB = '/usr/lib/x86_64-linux-gnu/libmariadb.so.3';
/** Seen from inside. */
const LIBRARIES = '/opt/lib';

/** Mounts what a program needs to see below the folder $1, for itself alone, and becomes the program. */
const ENTER = `
  target=$1; project=$2; modules=$3; shift 3
  mount --bind "$target" "$target" || exit
  for folder in /proc /sys /dev "$project" "$modules"; do
    mkdir -p "$target$folder" && mount --rbind "$folder" "$target$folder" || exit
  done
  exec chroot "$target" "$@"`;

export interface Debian13 {
  /** Runs a program inside, in the project's folder, which is there under its own path; resolves with all it wrote. */
  run: (argv: readonly string[], env: Readonly<Record<string, string>>) => Promise<{ status: number; output: string }>;
}

/**
 * A Debian 13 in a folder of this machine, with its Slurm (24.11): made by debootstrap in two minutes and kept for the next time. Null where it
 * cannot be had: that needs root, a Debian 12 and its packages.
 */
export function makeDebian13(): Debian13 | null {
  const folder = join(tmpdir(), 'orrery-debian-13');
  if (!ensureInstalled(['/usr/sbin/debootstrap', LIBMARIADB], ['debootstrap', 'libmariadb3'])) return null;
  if (spawnSync('unshare', ['--mount', 'true']).status !== 0) return null;
  if (!existsSync(folder)) {
    const part = `${folder}.part`;
    rmSync(part, { recursive: true, force: true });
    process.stderr.write('Tests need a newer Slurm; making a Debian 13 with debootstrap ...\n');
    const args = ['--variant=minbase', `--include=${PACKAGES.replaceAll(' ', ',')}`, 'trixie', part, MIRROR];
    const { status, stdout } = spawnSync('/usr/sbin/debootstrap', args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      encoding: 'utf8',
      maxBuffer: 1 << 26,
    });
    if (status !== 0) throw new Error(`debootstrap: ${stdout.split('\n').slice(-6).join('\n')}`);
    // Slurm 24.11 finds no column in any answer by way of the libmariadb that Debian 13 has had since its update to 11.8.9.
    mkdirSync(join(part, LIBRARIES), { recursive: true });
    copyFileSync(LIBMARIADB, join(part, LIBRARIES, 'libmariadb.so.3'));
    renameSync(part, folder);
  }
  // MariaDB asks for this machine's name.
  copyFileSync('/etc/hosts', join(folder, 'etc', 'hosts'));
  return { run: (argv, env) => runInside(folder, argv, env) };
}

function runInside(
  folder: string,
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<{ status: number; output: string }> {
  const words = ['sh', '-c', ENTER, 'enter', folder, root, realpathSync(join(root, 'node_modules'))];
  const change = ['/usr/bin/env', `--chdir=${root}`];
  const child = spawn('unshare', ['--mount', '--propagation', 'private', ...words, ...change, ...argv], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      HOME: '/root',
      LANG: 'C.UTF-8',
      LD_LIBRARY_PATH: LIBRARIES,
      PATH: `${join(root, 'node_modules', '.bin')}:/usr/sbin:/usr/bin:/sbin:/bin`,
      ...env,
    },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve({ status: status ?? 1, output }));
  });
}
