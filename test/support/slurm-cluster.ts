import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { hostname, tmpdir, totalmem, userInfo } from 'node:os';
import { join } from 'node:path';

const PROGRAMS = ['/usr/sbin/munged', '/usr/sbin/slurmctld', '/usr/sbin/slurmd', '/usr/bin/sbatch'];
const PACKAGES = ['slurmctld', 'slurmd', 'slurm-client', 'munge'];

export interface SlurmCluster {
  /** Environment for sbatch, squeue and the rest: points them at this cluster alone. */
  env: NodeJS.ProcessEnv;
  folder: string;
  version: string;
  stop: () => Promise<void>;
}

/** True once Slurm's programs are there; as root on Debian it installs them, saying so. */
export function ensureSlurm(): boolean {
  if (PROGRAMS.every((program) => existsSync(program))) return true;
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return false;
  process.stderr.write(`Slurm is missing; installing ${PACKAGES.join(', ')} with apt-get ...\n`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  spawnSync('/usr/bin/apt-get', ['update', '-q'], { stdio: ['ignore', 2, 2], env });
  spawnSync('/usr/bin/apt-get', ['install', '-y', '-q', '--no-install-recommends', ...PACKAGES], {
    stdio: ['ignore', 2, 2],
    env,
  });
  return PROGRAMS.every((program) => existsSync(program));
}

/** A real slurmctld with `nodes` real slurmd on this machine, in a folder of its own, on loopback ports of its own. */
export async function startSlurm({
  nodes,
  cpusPerNode,
}: {
  nodes: number;
  cpusPerNode: number;
}): Promise<SlurmCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-slurm-'));
  chmodSync(folder, 0o755);
  for (const name of ['state', 'spool', 'log', 'munge']) mkdirSync(join(folder, name), { mode: 0o755 });
  const key = join(folder, 'munge', 'munge.key');
  writeFileSync(key, randomBytes(128), { mode: 0o600 });
  const socket = join(folder, 'munge', 'munge.socket');
  const ports = await freePorts(nodes + 1);
  const conf = join(folder, 'slurm.conf');
  writeFileSync(conf, slurmConf({ folder, socket, ports, nodes, cpusPerNode }));
  const env = { ...process.env, SLURM_CONF: conf };
  const children: ChildProcess[] = [];
  const start = (command: string, args: string[]) => {
    children.push(spawn(command, args, { env, stdio: 'ignore' }));
  };
  const stop = async () => {
    for (const child of children.toReversed()) {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await new Promise((done) => child.once('exit', done));
    }
    // Step daemons outlive a killed slurmd; they are known by the configuration they were started with.
    spawnSync('pkill', ['-KILL', '-f', `slurmstepd.*${folder}`]);
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  };
  try {
    const munge = ['pid-file=munged.pid', 'log-file=munged.log', 'seed-file=munged.seed'].map((option) => {
      const [name, file] = option.split('=');
      return `--${name}=${join(folder, 'munge', file ?? '')}`;
    });
    start('/usr/sbin/munged', ['--foreground', '--force', `--key-file=${key}`, `--socket=${socket}`, ...munge]);
    await until(() => existsSync(socket), 'munged', folder);
    start('/usr/sbin/slurmctld', ['-D', '-f', conf]);
    for (let index = 1; index <= nodes; index += 1) start('/usr/sbin/slurmd', ['-D', '-N', `s${index}`, '-f', conf]);
    await until(() => idleNodes(env) === nodes, 'every slurmd to register', folder);
  } catch (error) {
    await stop();
    throw error;
  }
  const version = execFileSync('/usr/bin/sbatch', ['--version'], { env, encoding: 'utf8' }).trim();
  return { env, folder, version, stop };
}

interface ConfInput {
  folder: string;
  socket: string;
  ports: readonly number[];
  nodes: number;
  cpusPerNode: number;
}

function slurmConf({ folder, socket, ports, nodes, cpusPerNode }: ConfInput): string {
  const host = hostname().split('.')[0];
  const memoryMiB = Math.floor(totalmem() / 1024 ** 2 / nodes);
  const nodeLines = Array.from({ length: nodes }, (_, index) => {
    const address = `NodeHostname=${host} NodeAddr=127.0.0.1 Port=${ports[index + 1]}`;
    return `NodeName=s${index + 1} ${address} CPUs=${cpusPerNode} RealMemory=${memoryMiB} State=UNKNOWN`;
  });
  return [
    'ClusterName=side_by_side',
    `SlurmctldHost=${host}(127.0.0.1)`,
    `SlurmctldPort=${ports[0]}`,
    `SlurmUser=${userInfo().username}`,
    `SlurmdUser=${userInfo().username}`,
    'AuthType=auth/munge',
    `AuthInfo=socket=${socket}`,
    'CredType=cred/munge',
    `StateSaveLocation=${folder}/state`,
    `SlurmdSpoolDir=${folder}/spool/%n`,
    `SlurmctldPidFile=${folder}/slurmctld.pid`,
    `SlurmdPidFile=${folder}/slurmd-%n.pid`,
    `SlurmctldLogFile=${folder}/log/slurmctld.log`,
    `SlurmdLogFile=${folder}/log/slurmd-%n.log`,
    'ProctrackType=proctrack/linuxproc',
    'TaskPlugin=task/none',
    'MpiDefault=none',
    'SelectType=select/cons_tres',
    'SelectTypeParameters=CR_CPU_Memory',
    'SlurmdParameters=config_overrides',
    'ReturnToService=2',
    'MaxJobCount=50000',
    ...nodeLines,
    'PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP',
    '',
  ].join('\n');
}

function idleNodes(env: NodeJS.ProcessEnv): number {
  const { stdout } = spawnSync('/usr/bin/sinfo', ['-h', '-N', '-o', '%T'], { env, encoding: 'utf8', timeout: 10_000 });
  return stdout.split('\n').filter((line) => line === 'idle').length;
}

async function until(condition: () => boolean, what: string, folder: string): Promise<void> {
  const endMs = Date.now() + 60_000;
  while (!condition()) {
    if (Date.now() > endMs) {
      const log = join(folder, 'log', 'slurmctld.log');
      const tail = existsSync(log) ? readFileSync(log, 'utf8').split('\n').slice(-12).join('\n') : '(no log)';
      throw new Error(`waited 60 s for ${what}; slurmctld's last words:\n${tail}`);
    }
    await new Promise((done) => {
      setTimeout(done, 100);
    });
  }
}

/** Ports that were free a moment ago, all at once, so that they differ. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, () => {
      return new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
        const server = createServer();
        server.once('error', reject);
        server.listen(0, '127.0.0.1', () => resolve(server));
      });
    }),
  );
  const ports = servers.map((server) => {
    const address = server.address();
    return address !== null && typeof address === 'object' ? address.port : 0;
  });
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}
