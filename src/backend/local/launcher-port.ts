import type { ArrayTask } from '../job-variables.ts';
import type { EndState } from '../../scheduler/types.ts';

/** One process of a gang, fully worked out: nothing about it is decided later. */
export interface TaskPlan {
  rank: number;
  nodeRank: number;
  localRank: number;
  nodeName: string;
  /** CPUs of this task (sets OMP_NUM_THREADS). */
  cpus: number;
  /** Indices on the node that this task may see. */
  gpuIndices: readonly number[];
}

/** Everything the launcher needs to start one attempt of one job. */
export interface AttemptPlan {
  jobId: number;
  jobName: string;
  /** Counts from 1. */
  attempt: number;
  /** Absolute; made by the launcher: `jobs/<id>/attempts/<n>`. Holds claims, pids, exit statuses and logs of its tasks. */
  attemptFolder: string;
  /** Absolute; cwd of every task. Exists. */
  workFolder: string;
  /** Absolute; survives attempts. Made by the launcher where missing. */
  checkpointFolder: string;
  metricsFile: string;
  submitFolder: string;
  /** Where the job is a task of an array. */
  array: ArrayTask | null;
  /** argv of every task, or the text of a script every task runs. */
  program: { command: readonly string[] } | { script: string; arguments?: readonly string[] };
  /** Its one task is no rank: it starts them itself. */
  isOnce?: boolean;
  /** Environment at submission plus the job's own; the launcher adds ORRERY_*, torch.distributed and CUDA variables on top. */
  environment: Readonly<Record<string, string>>;
  tasks: readonly TaskPlan[];
  memoryBytesPerNode: number;
  killWaitMs: number;
  /** stdout and stderr of each task may keep this much on disk; older bytes are given back to the file system. */
  logBytesMax: number;
}

export type LaunchResult =
  | { kind: 'started' }
  /** Nothing of the attempt is left running. */
  | { kind: 'failed'; isRetryable: boolean; message: string };

/** How an attempt came to its end by itself or after `kill`: nothing it started runs any more. */
export interface AttemptExit {
  jobId: number;
  attempt: number;
  /** COMPLETED if every task exited with 0, OUT_OF_MEMORY if the kernel or the memory limit killed one, else FAILED. */
  state: Extract<EndState, 'COMPLETED' | 'FAILED' | 'OUT_OF_MEMORY'>;
  /** Of the first task that failed: its status, or 128 + signal; 0 when COMPLETED. */
  exitCode: number;
  message: string | null;
  /** The rendezvous port was taken by a stranger: to be treated as a free retry. */
  isPortConflict: boolean;
  /** The machine was restarted under it: for the scheduler its nodes have failed. */
  isNodeLost?: true;
}

/** What a daemon that starts again finds in an attempt's folder. */
export type Recovered =
  /** Runs on: the launcher watches it again and will report its exit. */
  | { kind: 'running' }
  /** Ended while nobody watched. */
  | { kind: 'ended'; exit: AttemptExit }
  /** Never claimed; it is now fenced (its claims are taken) and can never start. */
  | { kind: 'unclaimed' };

/** Private to the local backend: starts, signals, kills and finds again the real processes of attempts. */
export interface Launcher {
  /** Called once for every attempt that ended, whoever ended it, except those reported by `recover`. */
  onExit: (exit: AttemptExit) => void;
  start(plan: AttemptPlan): Promise<LaunchResult>;
  /** To each rank's main process. Unknown or ended attempts are ignored. */
  signal(jobId: number, attempt: number, signal: NodeJS.Signals): void;
  /** SIGTERM, then SIGKILL to everything the attempt started after `graceMs`; resolves when nothing is left (onExit was called). */
  kill(jobId: number, attempt: number, graceMs: number): Promise<void>;
  /** SIGKILL at once to what these attempts run on one virtual node, as a power cut would: the gang's other ranks are the caller's. */
  killNode(nodeName: string): Promise<void>;
  recover(plan: AttemptPlan): Promise<Recovered>;
  /** Stops watching; what runs goes on running. */
  close(): Promise<void>;
}
