import { randomBytes } from 'node:crypto';
import { existsSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type ClusterView, readCluster } from '../backend/slurm/nodes/cluster-view.ts';
import { folderFailure } from '../backend/slurm/batch/folder-failure.ts';
import { KnownCluster } from '../backend/slurm/nodes/known-cluster.ts';
import type { Outage } from '../backend/port.ts';
import { SlurmBackend } from '../backend/slurm/slurm-backend.ts';
import { SlurmCommands } from '../backend/slurm/slurm-commands.ts';
import { SlurmFailure } from '../backend/slurm/slurm-failure.ts';
import { OrreryError } from '../contract/errors.ts';
import { errorCode } from '../lib/error-code.ts';
import type { SchedulerOptions } from '../scheduler/policy.ts';
import { checkIdleNode } from './nodes/idle-node-check.ts';
import { SlurmSource } from './forecast/slurm-source.ts';
import { openHome, readIfThere, readSecrets, writeWhole } from './home.ts';
import { livePolicy } from './live-policy.ts';
import { makeFolder } from './make-folder.ts';
import { userName } from './user-name.ts';
import { type LemonRule, readSlurmFile, sharedFolderOf, type SlurmFile, slurmFile } from './slurm-file.ts';
import type { World } from './world.ts';

/** Of one command of Slurm; squeue on a busy controller takes its time. */
const TIMEOUT_MS = 60_000;

export interface SlurmOptions {
  /** Login node that is reached by ssh, or `none` for this machine's commands; absent: what the home was started with, else this machine's. */
  host?: string;
  /** Folder that this machine and all nodes see under the same path; absent: the home, or what it was started with. */
  shared?: string;
  /** Folder in which nodes leave what their checks find; absent: `health` beside the jobs' folders, or what it was started with. */
  reports?: string;
  /** What is done about lemon nodes; absent: they are told of, or what it was started with. */
  lemons?: LemonRule;
  /** How idle nodes are checked from now on; absent: never. */
  health?: Pick<SlurmFile, 'healthIntervalSeconds' | 'healthExpect'>;
  /** Between two looks at Slurm, in milliseconds; for tests. */
  pollMs?: { min: number; max: number };
}

/** How `host` says that the commands of this machine are meant. */
const NO_HOST = 'none';

/** A cluster that Slurm schedules. Throws SlurmFailure where it does not answer and never has there, ORR_CONFLICT for a home whose jobs run on this machine. */
export async function slurmWorld(homePath: string, options: SlurmOptions): Promise<World> {
  const home = openHome(homePath);
  const before = readSlurmFile(home.folder);
  if (before === null && existsSync(home.store)) {
    throw new OrreryError(
      'ORR_CONFLICT',
      `the jobs of ${home.folder} run on this machine: choose another ORRERY_HOME for Slurm`,
    );
  }
  const homeId = before?.homeId ?? randomBytes(4).toString('hex');
  const host = options.host === NO_HOST ? null : (options.host ?? before?.host ?? null);
  const shared = options.shared === undefined ? (before?.shared ?? null) : sharedPath(options.shared, '--shared');
  if (before !== null && before.shared !== shared) {
    throw new OrreryError(
      'ORR_CONFLICT',
      `--shared: the jobs of ${home.folder} are in ${before.shared ?? home.folder} and stay there: leave it out, or choose another ORRERY_HOME`,
    );
  }
  const reports =
    options.reports === undefined ? (before?.reports ?? null) : sharedPath(options.reports, '--health-reports');
  const lemons = options.lemons ?? before?.lemons ?? 'advise';
  const sharedFolder = sharedFolderOf(home.folder, { homeId, shared });
  const socketFolder = join(home.folder, 'ssh');
  if (host !== null) makeFolder(socketFolder);
  const commands = new SlurmCommands({
    host,
    socketFolder: host === null ? null : socketFolder,
    env: process.env,
    timeoutMs: TIMEOUT_MS,
  });
  const user = userName();
  // What was seen elsewhere says nothing of another way to Slurm: it has to work before the home is changed.
  const isNewWay = before !== null && host !== before.host;
  const read = () => readAndKeep(commands, user, home.folder);
  const { cluster, outage } = await readOrRecall(read, home.folder, isNewWay);
  const known = new KnownCluster(cluster, read, Date.now);
  const reportsFolder = reports ?? join(sharedFolder, 'health');
  // For its owner and for root alone, as all of ours: where others are to write, the site makes the folder of reports.
  makeShared([sharedFolder, join(sharedFolder, 'jobs'), ...(reports === null ? [reportsFolder] : [])], shared);
  const { healthIntervalSeconds = 0, healthExpect = null } = options.health ?? {};
  const file: SlurmFile = { homeId, host, shared, reports, lemons, healthIntervalSeconds, healthExpect };
  const source = new SlurmSource(commands);
  const specs = cluster.nodes.map(({ spec }) => spec);
  return {
    keepSettings: () => writeWhole(slurmFile(home.folder), `${JSON.stringify(file)}\n`),
    clusterName: cluster.name,
    specs,
    policy: { ...livePolicy('slurm', policyOf(cluster, user), lemons === 'drain', specs), remarks: cluster.remarks },
    reports: {
      folder: reportsFolder,
      trustedUserIds: [0, process.getuid?.() ?? 0, ...(cluster.userIds ?? [])],
    },
    jobsFolder: join(sharedFolder, 'jobs'),
    checkNode: (nodeName, expectFile, signal) =>
      checkIdleNode({ commands, cluster: known.view, reportsFolder, nodeName, expectFile, signal }),
    forecastSource: async (job, backend) => {
      const outage = backend.outage();
      // Slurm's commands would try for ten seconds each.
      if (outage !== null) throw new OrreryError('ORR_UNREACHABLE', `Slurm does not answer: ${outage.reason}`);
      return source.read(job);
    },
    createBackend: ({ home: opened, store, measurements, log }) => {
      commands.onEnd = measurements.slurmCommand;
      return new SlurmBackend({
        commands,
        journal: store,
        jobs: store,
        folders: opened,
        sharedFolder,
        homeId,
        user,
        cluster: known,
        outage,
        readSecrets: (names) => readSecrets(opened, names),
        now: Date.now,
        log,
        onCycle: (ms) => measurements.slurmLooks.observe(ms / 1000),
        onUnknownJob: (jobId) => store.skipJobIds(jobId),
        onLaunchFailure: () => measurements.journal.countLaunchFailure(),
        ...(options.pollMs !== undefined && { pollMs: options.pollMs }),
      });
    },
  };
}

/** What was last seen of the cluster, in the home. */
const CLUSTER_FILE = 'slurm-cluster.json';

async function readAndKeep(commands: SlurmCommands, user: string, home: string): Promise<ClusterView> {
  const cluster = await readCluster(commands, user);
  try {
    writeWhole(join(home, CLUSTER_FILE), `${JSON.stringify(cluster)}\n`);
  } catch {
    // On a full disk what was seen before stays: it matters where Slurm does not answer at a start.
  }
  return cluster;
}

/** As Slurm tells it; where it does not answer now, as it told it last: jobs are accepted meanwhile, and caught up with later. */
async function readOrRecall(
  read: () => Promise<ClusterView>,
  home: string,
  isNewWay: boolean,
): Promise<{ cluster: ClusterView; outage: Outage | null }> {
  try {
    return { cluster: await read(), outage: null };
  } catch (error) {
    const text = readIfThere(join(home, CLUSTER_FILE));
    const isAway = error instanceof SlurmFailure && (error.kind === 'unreachable' || error.kind === 'login');
    if (!isAway || text === undefined || isNewWay) throw error;
    const last: ClusterView = JSON.parse(text);
    return {
      cluster: { ...last, remarks: [...last.remarks, `the cluster is as last seen: ${error.message}`] },
      outage: { sinceMs: Date.now(), reason: error.message, cause: 'slurm' },
    };
  }
}

/** What the daemon shows of Slurm's rules: partitions with their limits, and the account that is charged. */
function policyOf({ partitions, defaultAccount, nodes }: ClusterView, user: string): SchedulerOptions {
  const names = new Set(nodes.map(({ spec }) => spec.name));
  return {
    partitions: partitions.map(({ name, isDefault, nodeNames, maxTimeSeconds, defaultTimeSeconds }) => ({
      name,
      isDefault,
      nodes: nodeNames.filter((node) => names.has(node)),
      maxTimeSeconds,
      defaultTimeSeconds,
    })),
    // `root` is above all accounts: a policy has no account of that name.
    ...(defaultAccount !== null &&
      defaultAccount !== 'root' && {
        accounts: [{ name: defaultAccount }],
        users: [{ name: user, account: defaultAccount }],
      }),
  };
}

/** `shared`: as named to `--shared`; null: they are in the home. Throws ORR_USAGE for what the file system of the former does not take. */
export function makeShared(folders: readonly string[], shared: string | null): void {
  try {
    for (const folder of folders) makeFolder(folder);
  } catch (cause) {
    if (shared === null || errorCode(cause) === '') throw cause;
    const message = `--shared: ${folderFailure(cause, shared)}: expected a folder that ${userName()} may write to`;
    throw new OrreryError('ORR_USAGE', message, { cause });
  }
}

function sharedPath(path: string, flag: string): string {
  try {
    return realpathSync(resolve(path));
  } catch (cause) {
    throw new OrreryError('ORR_USAGE', `${flag}: no folder ${path}: expected one that this machine and all nodes see`, {
      cause,
    });
  }
}
