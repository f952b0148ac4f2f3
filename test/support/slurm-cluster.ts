import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { homedir, hostname, tmpdir, totalmem, userInfo } from 'node:os';
import { join } from 'node:path';
import { freePorts } from './free-ports.ts';
import { ensureInstalled } from './packages.ts';
import { type ProcessView, readProcesses } from './processes.ts';
import { startAccounting } from './slurm-accounting.ts';

/** What is started is waited for so long. */
const START_MS_MAX = 120_000;
const CLUSTER_NAME = 'side_by_side';
const PROFILES = ['.bash_profile', '.bash_login', '.profile'];
const PROGRAMS = ['/usr/sbin/munged', '/usr/sbin/slurmctld', '/usr/sbin/slurmd', '/usr/bin/sbatch'];
const PACKAGES = ['slurmctld', 'slurmd', 'slurm-client', 'munge'];
const ACCOUNTING_PROGRAMS = ['/usr/sbin/slurmdbd', '/usr/sbin/mariadbd'];
const ACCOUNTING_PACKAGES = ['slurmdbd', 'slurm-wlm-mysql-plugin', 'mariadb-server'];

export interface SlurmCluster {
  /** Environment for sbatch, squeue and the rest: points them at this cluster alone. */
  env: NodeJS.ProcessEnv;
  folder: string;
  version: string;
  /** As a power cut: slurmd, its step daemons and all tasks on the node are gone at once. */
  killNode: (nodeName: string) => Promise<void>;
  /** As a machine that hangs: the same processes stand still (SIGSTOP), and their connections stay open. */
  freezeNode: (nodeName: string) => void;
  /** They go on where they stood. */
  thawNode: (nodeName: string) => void;
  startNode: (nodeName: string) => void;
  /** SIGKILL to slurmctld. */
  killController: () => Promise<void>;
  /** As an operator ends it: it saves what it knows first. */
  endController: () => Promise<void>;
  startController: () => void;
  /** SIGKILL to slurmdbd. */
  killAccounting: () => Promise<void>;
  startAccounting: () => void;
  stop: () => Promise<void>;
}

/** Nodes that are alike. */
export interface NodeKind {
  nodes: number;
  cpus: number;
  /** `RealMemory`: need not be there. */
  memoryMiB: number;
  gpus: number;
  threadsPerCore: number;
}

export interface SlurmClusterOptions {
  nodes: number;
  cpusPerNode: number;
  /** Made-up GPUs. Default 0. */
  gpusPerNode?: number;
  /** Lines of `slurm.conf` to add, or to put in the place of those that are here anyway. */
  confLines?: readonly string[];
  /** Lines of `topology.conf`, for `TopologyPlugin=topology/tree`. Default: no such file. */
  topologyLines?: readonly string[];
  /** `sacctmgr` commands, a list of arguments each: starts slurmdbd over a MariaDB of its own. Default: no accounting. */
  accounting?: readonly (readonly string[])[];
  /** How long a requeued job waits at least (`cred_expire`), 5 or more. Default: Slurm's, 120. */
  credentialSeconds?: number;
  /** Name of node 1 is this and `1`. Default `s`. */
  nodePrefix?: string;
  /** Of which the nodes are in their order, `nodes` of them in all, in the place of `cpusPerNode` and `gpusPerNode`. Default: all alike. */
  nodeKinds?: readonly NodeKind[];
  /** `Weight` of the nodes, over again from the first where there are more nodes. Default: Slurm's. */
  nodeWeights?: readonly number[];
}

/** True once Slurm's programs are there; as root on Debian it installs them, saying so. */
export function ensureSlurm(): boolean {
  return ensureInstalled(PROGRAMS, PACKAGES);
}

/** The same for slurmdbd and its MariaDB. */
export function ensureSlurmAccounting(): boolean {
  return ensureSlurm() && ensureInstalled(ACCOUNTING_PROGRAMS, ACCOUNTING_PACKAGES);
}

/** A real slurmctld with `nodes` real slurmd on this machine, in a folder of its own, on loopback ports of its own. */
export async function startSlurm(options: SlurmClusterOptions): Promise<SlurmCluster> {
  const { nodes } = options;
  const folder = mkdtempSync(join(tmpdir(), 'orrery-slurm-'));
  chmodSync(folder, 0o755);
  for (const name of ['state', 'spool', 'log', 'munge']) mkdirSync(join(folder, name), { mode: 0o755 });
  const key = join(folder, 'munge', 'munge.key');
  writeFileSync(key, randomBytes(128), { mode: 0o600 });
  const socket = join(folder, 'munge', 'munge.socket');
  const ports = await freePorts(nodes + 3);
  const conf = join(folder, 'slurm.conf');
  writeFileSync(conf, slurmConf({ folder, socket, ports, options }));
  if (options.topologyLines !== undefined) {
    writeFileSync(join(folder, 'topology.conf'), `${options.topologyLines.join('\n')}\n`);
  }
  writeFileSync(join(folder, 'gres.conf'), gresConf(folder, options));
  // Later ones do not start without, and 22.05 does not know the word.
  if (slurmYear() > 22) writeFileSync(join(folder, 'cgroup.conf'), 'CgroupPlugin=disabled\n');
  const env = { ...process.env, SLURM_CONF: conf };
  const children: ChildProcess[] = [];
  const start = (command: string, args: string[]) => {
    const child = spawn(command, args, { env, stdio: 'ignore' });
    children.push(child);
    return child;
  };
  let controller: ChildProcess | undefined;
  const startController = () => {
    controller = start('/usr/sbin/slurmctld', ['-D', '-f', conf]);
  };
  let accounting: ChildProcess | undefined;
  const startSlurmdbd = () => {
    // Slurm's daemons look for slurmdbd.conf beside slurm.conf.
    accounting = start('/usr/sbin/slurmdbd', ['-D']);
  };
  const daemons = new Map<string, ChildProcess>();
  const startNode = (nodeName: string) => {
    const [command, ...args] = [...withoutProfile(), '/usr/sbin/slurmd', '-D', '-N', nodeName, '-f', conf];
    daemons.set(nodeName, start(command, args));
  };
  const stop = async () => {
    for (const child of children.toReversed()) {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await new Promise((done) => child.once('exit', done));
    }
    // Step daemons and what they began outlive a killed slurmd; they are known by the configuration they were started with.
    signal(
      readProcesses().filter((view) => isOf(conf, view)),
      'SIGKILL',
    );
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  };
  try {
    const munge = ['pid-file=munged.pid', 'log-file=munged.log', 'seed-file=munged.seed'].map((option) => {
      const [name, file] = option.split('=');
      return `--${name}=${join(folder, 'munge', file ?? '')}`;
    });
    start('/usr/sbin/munged', ['--foreground', '--force', `--key-file=${key}`, `--socket=${socket}`, ...munge]);
    await until(() => existsSync(socket), 'munged', folder);
    if (options.accounting !== undefined) {
      await startAccounting({
        clusterName: CLUSTER_NAME,
        folder,
        socket,
        env,
        start,
        startSlurmdbd,
        ports: ports.slice(nodes + 1),
        commands: options.accounting,
        until: (condition, what) => until(condition, what, folder),
      });
    }
    startController();
    const prefix = options.nodePrefix ?? 's';
    for (let index = 1; index <= nodes; index += 1) startNode(`${prefix}${index}`);
    await until(() => idleNodes(env) === nodes, 'every slurmd to register', folder);
  } catch (error) {
    await stop();
    throw error;
  }
  const version = execFileSync('/usr/bin/sbatch', ['--version'], { env, encoding: 'utf8' }).trim();
  return {
    env,
    folder,
    version,
    killNode: async (nodeName) => {
      await killed(daemons.get(nodeName));
      signal(tasksOf(conf, nodeName), 'SIGKILL');
    },
    freezeNode: (nodeName) => {
      daemons.get(nodeName)?.kill('SIGSTOP');
      signal(tasksOf(conf, nodeName), 'SIGSTOP');
    },
    thawNode: (nodeName) => {
      signal(tasksOf(conf, nodeName), 'SIGCONT');
      daemons.get(nodeName)?.kill('SIGCONT');
    },
    startNode,
    killController: () => killed(controller),
    endController: () => killed(controller, 'SIGTERM'),
    startController,
    killAccounting: () => killed(accounting),
    startAccounting: startSlurmdbd,
    stop,
  };
}

/**
 * Words before slurmd. It runs a login shell for each job it begins (sbatch calls with `--export=NONE`), and what people's own profiles load takes a
 * second of the CPU: there is none for it, nor for what it starts. Only root may do that.
 */
function withoutProfile(): string[] {
  const profiles = PROFILES.map((name) => join(homedir(), name)).filter((path) => existsSync(path));
  if (userInfo().uid !== 0 || profiles.length === 0) return [];
  const mounts = profiles.map((path) => `mount --bind /dev/null ${path} && `).join('');
  return ['unshare', '--mount', '--propagation', 'slave', 'sh', '-c', `${mounts}exec "$@"`, 'sh'];
}

async function killed(child: ChildProcess | undefined, name: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  child.kill(name);
  await new Promise((done) => child.once('exit', done));
}

/** What runs on one node of the cluster: step daemons first, so that none of them tells how its tasks ended. */
function tasksOf(conf: string, nodeName: string): ProcessView[] {
  const isOnNode = ({ environment }: ProcessView) =>
    environment.includes(`SLURM_CONF=${conf}\0`) && environment.includes(`SLURMD_NODENAME=${nodeName}\0`);
  const processes = new Map(readProcesses().map((view) => [view.pid, view]));
  const tasks = [...processes.values()].filter(isOnNode);
  const parents = tasks.flatMap(({ parent }) => {
    const view = processes.get(parent);
    return view?.command.startsWith('slurmstepd') === true ? [view] : [];
  });
  return [...parents, ...tasks];
}

/** A step daemon of the cluster's, what it began, or srun. */
function isOf(conf: string, { command, environment }: ProcessView): boolean {
  return (
    environment.includes(`SLURM_CONF=${conf}\0`) &&
    (/^(?:slurmstepd|srun)/.test(command) || environment.includes('SLURM_JOB_ID='))
  );
}

function signal(processes: readonly ProcessView[], name: NodeJS.Signals): void {
  for (const { pid } of processes) {
    try {
      process.kill(pid, name);
    } catch {
      // It has ended meanwhile.
    }
  }
}

function gresConf(folder: string, options: SlurmClusterOptions): string {
  const kinds = kindsOf(options);
  // Devices: of plain files slurmd takes note, and gives no job CUDA_VISIBLE_DEVICES.
  const gpusMax = Math.max(...kinds.map(({ gpus }) => gpus));
  for (let index = 0; index < gpusMax; index += 1) symlinkSync('/dev/null', join(folder, `gpu-${index}`));
  let first = 1;
  const lines = kinds.flatMap(({ nodes, gpus }) => {
    const names = `${options.nodePrefix ?? 's'}[${first}-${first + nodes - 1}]`;
    first += nodes;
    return gpus === 0 ? [] : [`NodeName=${names} Name=gpu Type=a100 File=${folder}/gpu-[0-${gpus - 1}]`];
  });
  return ['AutoDetect=off', ...lines, ''].join('\n');
}

function kindsOf({ nodes, cpusPerNode, gpusPerNode = 0, nodeKinds }: SlurmClusterOptions): readonly NodeKind[] {
  const memoryMiB = Math.floor(totalmem() / 1024 ** 2 / nodes);
  return nodeKinds ?? [{ nodes, cpus: cpusPerNode, memoryMiB, gpus: gpusPerNode, threadsPerCore: 1 }];
}

interface ConfInput {
  folder: string;
  socket: string;
  ports: readonly number[];
  options: SlurmClusterOptions;
}

function slurmConf({ folder, socket, ports, options }: ConfInput): string {
  const { nodes, nodePrefix = 's', nodeWeights = [] } = options;
  const host = hostname().split('.')[0];
  const kinds = kindsOf(options);
  const credential = options.credentialSeconds === undefined ? '' : `,cred_expire=${options.credentialSeconds}`;
  const kindOfNode = kinds.flatMap((kind) => Array.from({ length: kind.nodes }, () => kind));
  const nodeLines = kindOfNode.map(({ cpus, memoryMiB, gpus, threadsPerCore }, index) => {
    const address = `NodeHostname=${host} NodeAddr=127.0.0.1 Port=${ports[index + 1]}`;
    const weight = nodeWeights.length === 0 ? '' : ` Weight=${nodeWeights[index % nodeWeights.length]}`;
    const gres = gpus > 0 ? ` Gres=gpu:a100:${gpus}` : '';
    const threads =
      threadsPerCore > 1 ? ` CoresPerSocket=${cpus / threadsPerCore} ThreadsPerCore=${threadsPerCore}` : '';
    const size = `CPUs=${cpus}${threads} RealMemory=${memoryMiB}${gres}${weight}`;
    return `NodeName=${nodePrefix}${index + 1} ${address} ${size} State=UNKNOWN`;
  });
  const accounting = [
    'AccountingStorageType=accounting_storage/slurmdbd',
    'AccountingStorageHost=127.0.0.1',
    `AccountingStoragePort=${ports[nodes + 1]}`,
    `AccountingStoragePass=${socket}`,
    'AccountingStorageEnforce=associations,limits,qos',
  ];
  const given = new Set(options.confLines?.map((line) => line.split('=')[0]));
  const lines = [
    `ClusterName=${CLUSTER_NAME}`,
    `SlurmctldHost=${host}(127.0.0.1)`,
    `SlurmctldPort=${ports[0]}`,
    `SlurmUser=${userInfo().username}`,
    `SlurmdUser=${userInfo().username}`,
    'AuthType=auth/munge',
    `AuthInfo=socket=${socket}${credential}`,
    'CredType=cred/munge',
    `StateSaveLocation=${folder}/state`,
    `SlurmdSpoolDir=${folder}/spool/%n`,
    `SlurmctldPidFile=${folder}/slurmctld.pid`,
    `SlurmdPidFile=${folder}/slurmd-%n.pid`,
    `SlurmctldLogFile=${folder}/log/slurmctld.log`,
    `SlurmdLogFile=${folder}/log/slurmd-%n.log`,
    'JobCompType=jobcomp/filetxt',
    `JobCompLoc=${folder}/log/completions.log`,
    'ProctrackType=proctrack/linuxproc',
    'TaskPlugin=task/none',
    'MpiDefault=none',
    'SelectType=select/cons_tres',
    'SelectTypeParameters=CR_CPU_Memory',
    'SlurmdParameters=config_overrides',
    'ReturnToService=2',
    'MaxJobCount=50000',
    ...(kinds.some(({ gpus }) => gpus > 0) ? ['GresTypes=gpu'] : []),
    ...(options.accounting === undefined ? [] : accounting),
  ];
  // What the caller gives stands in the place of the same line here; partitions come after the nodes.
  const isOwn = (line: string) => !given.has(line.split('=')[0]);
  const partition = 'PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP';
  const partitions = options.confLines?.filter((line) => line.startsWith('PartitionName=')) ?? [];
  const others = options.confLines?.filter((line) => !line.startsWith('PartitionName=')) ?? [];
  return [
    ...lines.filter(isOwn),
    ...others,
    ...nodeLines,
    ...(partitions.length > 0 ? partitions : [partition]),
    '',
  ].join('\n');
}

/** Of `slurm-wlm 24.11.5`. */
function slurmYear(): number {
  const said = execFileSync('/usr/sbin/slurmctld', ['-V'], { encoding: 'utf8' });
  return Number(/ (\d+)\./.exec(said)?.[1] ?? 0);
}

function idleNodes(env: NodeJS.ProcessEnv): number {
  const args = ['-h', '-N', '-o', '%N %T'];
  const { stdout } = spawnSync('/usr/bin/sinfo', args, { env, encoding: 'utf8', timeout: 10_000 });
  // A node of several partitions has a line for each.
  return new Set(stdout.split('\n').filter((line) => line.endsWith(' idle'))).size;
}

async function until(condition: () => boolean, what: string, folder: string): Promise<void> {
  const endMs = Date.now() + START_MS_MAX;
  while (!condition()) {
    if (Date.now() > endMs) {
      const logs = readdirSync(join(folder, 'log')).filter((name) => /^slurm(?:ctld|dbd|d-\D*1)\.log$/.test(name));
      const ends = logs.map((name) => {
        const lines = readFileSync(join(folder, 'log', name), 'utf8')
          .trimEnd()
          .split('\n');
        return `${name} ends with\n${lines.slice(-8).join('\n')}`;
      });
      throw new Error(`waited ${START_MS_MAX / 1000} s for ${what}\n${ends.join('\n')}`);
    }
    await new Promise((done) => {
      setTimeout(done, 100);
    });
  }
}
