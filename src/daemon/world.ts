import { existsSync } from 'node:fs';
import { createLauncher } from '../backend/local/launcher.ts';
import { LocalBackend } from '../backend/local/local-backend.ts';
import type { Backend, Log } from '../backend/port.ts';
import type { NodeSpec } from '../cluster/node.ts';
import { OrreryError } from '../contract/errors.ts';
import type { SchedulerType } from '../scheduler/policy.ts';
import { createScheduler } from '../scheduler/scheduler.ts';
import type { Store } from '../store/store.ts';
import { type Home, readSecrets } from './home.ts';
import { DEFAULT_POLICY, type LivePolicy, livePolicy, readLivePolicy } from './live-policy.ts';
import type { CheckOutcome } from './nodes/idle-checks.ts';
import type { ForecastSource } from './forecast/basis.ts';
import { localBasis } from './forecast/local-basis.ts';
import { type LocalNodes, localNodes } from './nodes/local-nodes.ts';
import type { Measurements } from './measurements/measurements.ts';
import type { NodeReportsOptions } from './nodes/node-reports.ts';
import { slurmFile } from './slurm-file.ts';
import type { UsedBefore } from './used-before.ts';

/** Slurm's KillWait: between SIGTERM and SIGKILL. */
const KILL_WAIT_MS = 30_000;
/** Each task's stdout and stderr keep this much on disk. */
const LOG_BYTES_MAX = 256 * 1024 ** 2;

/** What a backend is made of once the home is open. */
export interface BackendParts {
  home: Home;
  policy: LivePolicy;
  store: Store;
  usedBefore: UsedBefore;
  measurements: Measurements;
  log: Log;
}

/** Where jobs run: this machine, or a cluster with a scheduler of its own. */
export interface World {
  /** Writes down how the home was begun, for the next start; absent: the store has it. Called once the home is locked. */
  keepSettings?: () => void;
  clusterName: string;
  specs: readonly NodeSpec[];
  /** Null: what the home went by last. */
  policy: LivePolicy | null;
  /** Of nodes that are this machine; absent where they are machines of their own. */
  gpusOfNode?: LocalNodes['gpusOfNode'];
  /** Where nodes that are machines of their own leave what their checks find; absent: nowhere. */
  reports?: Pick<NodeReportsOptions, 'folder' | 'trustedUserIds'>;
  /** Runs the checks on a node that is a machine of its own; absent: the nodes are this machine. */
  checkNode?: (nodeName: string, expectFile: string | null, signal: AbortSignal) => Promise<CheckOutcome | null>;
  /** Where the folders of jobs are; absent: in the home. */
  jobsFolder?: string;
  createBackend(parts: BackendParts): Backend;
  /** The cluster as it is, to forecast from, `job` in it; jobs are named by their native ids. `backend` was created with the same parts. */
  forecastSource(job: string, backend: Backend, parts: BackendParts): Promise<ForecastSource>;
}

export interface LocalWorldOptions {
  home: string;
  nodeCount?: number;
  clusterFile?: string;
  schedulerType?: SchedulerType;
  policyFile?: string;
}

/** Virtual nodes on this machine. Throws ORR_CONFLICT for a home whose jobs are with Slurm. */
export async function localWorld(options: LocalWorldOptions): Promise<World> {
  if (existsSync(slurmFile(options.home))) {
    throw new OrreryError(
      'ORR_CONFLICT',
      `the jobs of ${options.home} are with Slurm: orrery up --backend slurm, or choose another ORRERY_HOME`,
    );
  }
  const nodes = await localNodes({
    ...(options.nodeCount !== undefined && { count: options.nodeCount }),
    ...(options.clusterFile !== undefined && { clusterFile: options.clusterFile }),
  });
  return {
    clusterName: nodes.clusterName,
    specs: nodes.specs,
    gpusOfNode: nodes.gpusOfNode,
    policy: chosenPolicy(options, nodes.specs),
    createBackend: ({ home, policy, store, measurements, log }) =>
      new LocalBackend({
        scheduler: createScheduler(policy.options),
        launcher: createLauncher({
          home: home.folder,
          gpusOfNode: nodes.gpusOfNode,
          warn: (message) => log.info({}, message),
        }),
        journal: store,
        jobs: store,
        nodes: nodes.specs,
        folders: home,
        limits: { killWaitMs: KILL_WAIT_MS, logBytesMax: LOG_BYTES_MAX },
        readSecrets: (names) => readSecrets(home, names),
        now: Date.now,
        log,
        onCycle: (ms) => measurements.cycles.observe(ms / 1000),
      }),
    forecastSource: async (_job, backend, { store, policy, usedBefore }) => {
      const shares = await backend.shares();
      const nowMs = Date.now();
      const minutes = usedBefore.minutes(nowMs);
      return { kind: 'basis', basis: localBasis(store, backend, shares, minutes, policy.options, nowMs) };
    },
  };
}

/** What is asked for, before anything is touched; null where nothing is. */
function chosenPolicy({ schedulerType, policyFile }: LocalWorldOptions, nodes: readonly NodeSpec[]): LivePolicy | null {
  if (policyFile !== undefined && policyFile !== DEFAULT_POLICY) {
    if (schedulerType !== undefined)
      throw new OrreryError('ORR_USAGE', '--scheduler: the policy says it (schedulerType): leave one of the two out');
    return readLivePolicy(policyFile, nodes);
  }
  if (schedulerType === undefined && policyFile === undefined) return null;
  return livePolicy(DEFAULT_POLICY, schedulerType === undefined ? {} : { schedulerType }, false, nodes);
}
