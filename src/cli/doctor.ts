import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs';
import { connect as connectSocket } from 'node:net';
import { availableParallelism, totalmem } from 'node:os';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { findPython } from '../backend/local/python.ts';
import { DEFAULT_PORT } from '../daemon/listen.ts';
import { slurmFile } from '../daemon/slurm-file.ts';
import { errorCode } from '../lib/error-code.ts';
import { errorMessage } from '../lib/error-message.ts';
import { formatMemory } from '../lib/units.ts';
import type { Health } from '../contract/api.ts';
import { connect } from './connection.ts';
import { readDaemonFile } from './daemon-address.ts';
import { type Check, DISK_BYTES_COMFORTABLE } from './doctor-check.ts';
import { outageLine } from './outage.ts';
import { checkShared } from './shared-folder.ts';
import { version } from './version.ts';

const DISK_BYTES_MIN = 256 * 1024 ** 2;
const PROBE_MS_MAX = 5_000;

const run = promisify(execFile);

/** Everything Orrery needs or can use on this machine, in the order one would mend it. */
export async function examine(home: string, env: NodeJS.ProcessEnv): Promise<Check[]> {
  const daemon = await checkDaemon(home);
  const shared = await checkShared(home);
  return [
    checkNode(),
    await checkPython(env),
    await checkSlurm(env),
    await checkGpus(home),
    checkHome(home),
    checkDisk(home),
    ...(shared === null ? [] : [shared]),
    await checkPort(daemon.status === 'ok'),
    daemon,
  ];
}

function checkNode(): Check {
  const isOld = Number(process.versions.node.split('.')[0]) < 24;
  return {
    name: 'Node',
    status: isOld ? 'failed' : 'ok',
    detail: `${process.versions.node}, ${availableParallelism()} CPUs, ${formatMemory(totalmem())} memory`,
    advice: isOld ? 'install Node 24 or later, or run npm ci in the checkout' : null,
  };
}

async function checkPython(env: NodeJS.ProcessEnv): Promise<Check> {
  const python = await findPython(env);
  if (!python.isMissing) {
    return {
      name: 'PyTorch',
      status: 'ok',
      detail: `${python.torchVersion}, ${python.path} (Python ${python.version})`,
      advice: null,
    };
  }
  return {
    name: 'PyTorch',
    status: 'warning',
    detail: `not found; tried ${python.tried.join(', ')}`,
    advice: 'apt-get install python3-torch libopenblas0-pthread, or name a Python that has it in ORRERY_PYTHON',
  };
}

/** Slurm's commands may not be there, or find no cluster: then they do not even tell their version. */
export async function checkSlurm(env: NodeJS.ProcessEnv): Promise<Check> {
  const name = 'Slurm';
  try {
    const { stdout } = await run('sinfo', ['--version'], { env, timeout: PROBE_MS_MAX });
    return { name, status: 'ok', detail: stdout.trim(), advice: null };
  } catch (error) {
    if (errorCode(error) === 'ENOENT')
      return { name, status: 'note', detail: 'not found: jobs run on this machine only', advice: null };
    const detail = 'its commands are here and find no cluster: jobs run on this machine only';
    const advice = 'for --backend slurm set SLURM_CONF, or name a login node with --slurm-host';
    return { name, status: 'note', detail, advice };
  }
}

async function checkGpus(home: string): Promise<Check> {
  const found = await probe('nvidia-smi', ['--query-gpu=name', '--format=csv,noheader']);
  const instead = existsSync(slurmFile(home))
    ? "jobs have those of Slurm's nodes"
    : 'virtual nodes offer CPU slots in their place';
  const names = (found ?? '').split('\n').filter((line) => line.trim() !== '');
  return names.length === 0
    ? {
        name: 'GPU',
        status: 'note',
        detail: `none on this machine: ${instead}`,
        advice: null,
      }
    : { name: 'GPU', status: 'ok', detail: `${names.length} x ${names[0]}`, advice: null };
}

async function probe(command: string, args: readonly string[]): Promise<string | null> {
  try {
    return (await run(command, args, { timeout: PROBE_MS_MAX })).stdout.trim();
  } catch {
    return null;
  }
}

/** The home itself, or what is there of the way to it. */
function nearestFolder(path: string): string {
  return existsSync(path) || path === dirname(path) ? path : nearestFolder(dirname(path));
}

function checkHome(home: string): Check {
  const name = 'Home';
  const folder = nearestFolder(home);
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch {
    return {
      name,
      status: 'failed',
      detail: `${home}: not writable`,
      advice: 'choose another folder with ORRERY_HOME',
    };
  }
  if (folder !== home) return { name, status: 'ok', detail: `${home}, made by the first orrery up`, advice: null };
  const mode = statSync(home).mode & 0o777;
  if ((mode & 0o077) === 0) return { name, status: 'ok', detail: home, advice: null };
  return { name, status: 'warning', detail: `${home}: others may read it`, advice: `chmod 700 ${home}` };
}

function checkDisk(home: string): Check {
  const { bavail, bsize } = statfsSync(nearestFolder(home));
  const free = bavail * bsize;
  const advice = 'free some, or choose another disk with ORRERY_HOME';
  return {
    name: 'Disk',
    status: free < DISK_BYTES_MIN ? 'failed' : free < DISK_BYTES_COMFORTABLE ? 'warning' : 'ok',
    detail: `${formatMemory(free)} free`,
    advice: free < DISK_BYTES_COMFORTABLE ? advice : null,
  };
}

async function checkPort(isOurs: boolean): Promise<Check> {
  const isTaken = await new Promise<boolean>((resolve) => {
    const socket = connectSocket({ host: '127.0.0.1', port: DEFAULT_PORT, timeout: PROBE_MS_MAX });
    for (const [event, answer] of [
      ['connect', true],
      ['timeout', true],
      ['error', false],
    ] as const) {
      socket.once(event, () => {
        socket.destroy();
        resolve(answer);
      });
    }
  });
  const detail = !isTaken
    ? `${DEFAULT_PORT} is free`
    : isOurs
      ? `${DEFAULT_PORT} is in use`
      : `${DEFAULT_PORT} is taken; orrery up takes the next free one`;
  return { name: 'Port', status: isTaken && !isOurs ? 'note' : 'ok', detail, advice: null };
}

async function checkDaemon(home: string): Promise<Check> {
  const name = 'Daemon';
  const file = readDaemonFile(home);
  if (file === null) return { name, status: 'note', detail: 'not running', advice: 'start it: orrery up --detach' };
  let health: Health;
  try {
    health = await connect(home).health();
  } catch (error) {
    const detail = `says it is at ${file.url} (pid ${file.pid}): ${errorMessage(error)}`;
    return { name, status: 'failed', detail, advice: 'start it: orrery up --detach' };
  }
  const running = `${file.url} (pid ${file.pid}), version ${file.version}`;
  const outage = outageLine(health, Date.now());
  if (outage !== null) {
    const until = health.outage?.cause === 'storage' ? 'there is room again' : 'it answers';
    const advice = `jobs and nodes are as last seen until ${until}`;
    return { name, status: 'warning', detail: `${running}; ${outage}`, advice };
  }
  if (file.version === version) return { name, status: 'ok', detail: running, advice: null };
  return {
    name,
    status: 'warning',
    detail: `${running}; this is ${version}`,
    advice: 'orrery down, then orrery up --detach',
  };
}
