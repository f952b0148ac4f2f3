import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './daemon.ts';
import { freePorts } from './free-ports.ts';
import { ensureInstalled } from './packages.ts';

const SSHD = '/usr/sbin/sshd';

/** An ordinary user of this machine, and a login node (sshd on loopback) that takes a certificate of theirs. */
export interface LoginNode {
  userName: string;
  uid: number;
  gid: number;
  /** Of the user, with a key and an ssh configuration in which the host is called `login1`. */
  home: string;
  /** Words before a command that the user is to run. */
  wrapper: readonly string[];
  /** Gives the user a certificate that ends so many seconds from now, and ends all connections; negative: one that has ended. */
  certify: (seconds: number) => Promise<void>;
  /** Nobody listens any more. */
  stop: () => Promise<void>;
  /** `variables` are set in every session. */
  start: (variables: Readonly<Record<string, string>>) => Promise<void>;
  remove: () => Promise<void>;
}

/** True once ssh and sshd are there; as root on Debian they are installed. */
export function ensureSshd(): boolean {
  return ensureInstalled([SSHD, '/usr/bin/ssh'], ['openssh-server', 'openssh-client']);
}

/** Makes the user; nobody listens yet. Needs root. */
export async function makeLoginNode(): Promise<LoginNode> {
  const userName = `orrery${process.pid % 100_000}`;
  const folder = mkdtempSync(join(tmpdir(), 'orrery-login-'));
  chmodSync(folder, 0o755);
  const home = join(folder, 'home');
  const run = (file: string, ...args: string[]) => execFileSync(file, args, { encoding: 'utf8', stdio: 'pipe' }).trim();
  run('useradd', '--create-home', '--home-dir', home, '--shell', '/bin/sh', '--password', '*', userName);
  const [uid, gid] = [Number(run('id', '-u', userName)), Number(run('id', '-g', userName))];
  const [port = 0] = await freePorts(1);
  for (const name of ['host', 'authority'])
    run('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name));
  mkdirSync('/run/sshd', { recursive: true });
  const conf = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${folder}/host`,
    `TrustedUserCAKeys ${folder}/authority.pub`,
    'AuthorizedKeysFile none',
    `PidFile ${folder}/sshd.pid`,
    'UsePAM no',
    'StrictModes no',
  ];
  const ssh = join(home, '.ssh');
  mkdirSync(ssh, { mode: 0o700 });
  run('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', join(ssh, 'id_ed25519'));
  const hostKey = readFileSync(join(folder, 'host.pub'), 'utf8');
  writeFileSync(join(ssh, 'known_hosts'), `[127.0.0.1]:${port} ${hostKey}`);
  writeFileSync(join(ssh, 'config'), `Host login1\n  HostName 127.0.0.1\n  Port ${port}\n  User ${userName}\n`, {
    mode: 0o600,
  });
  const own = () => run('chown', '-R', `${uid}:${gid}`, ssh);
  own();
  chownSync(home, uid, gid);
  let daemon: ChildProcess | undefined;
  // Since 9.8 they are called sshd-session.
  const endSessions = () => spawnSync('pkill', ['-KILL', '-u', String(uid), '^sshd']);
  const start = async (variables: Readonly<Record<string, string>>) => {
    const set = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
    writeFileSync(join(folder, 'sshd_config'), [...conf, `SetEnv ${set.join(' ')}`, ''].join('\n'));
    daemon = spawn(SSHD, ['-D', '-f', join(folder, 'sshd_config'), '-E', join(folder, 'sshd.log')], {
      stdio: 'ignore',
    });
    const listens = () =>
      spawnSync('/bin/bash', ['-c', `exec 3<>/dev/tcp/127.0.0.1/${port}`], { stdio: 'ignore' }).status === 0;
    await until(listens, 'sshd');
  };
  const stop = async () => {
    if (daemon === undefined) return;
    const exited = new Promise((done) => daemon?.once('exit', done));
    daemon.kill('SIGKILL');
    await exited;
    daemon = undefined;
    endSessions();
  };
  const certify = async (seconds: number) => {
    const [from, to] = seconds < 0 ? ['-2d', '-1d'] : ['-1m', `+${seconds}s`];
    run(
      'ssh-keygen',
      '-q',
      '-s',
      join(folder, 'authority'),
      '-I',
      userName,
      '-n',
      userName,
      '-V',
      `${from}:${to}`,
      join(ssh, 'id_ed25519.pub'),
    );
    own();
    endSessions();
  };
  await certify(3600);
  return {
    userName,
    uid,
    gid,
    home,
    wrapper: [
      'setpriv',
      `--reuid=${uid}`,
      `--regid=${gid}`,
      '--clear-groups',
      'env',
      `HOME=${home}`,
      `USER=${userName}`,
    ],
    certify,
    start,
    stop,
    remove: async () => {
      await stop();
      spawnSync('pkill', ['-KILL', '-u', String(uid)]);
      spawnSync('userdel', [userName]);
      rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    },
  };
}
