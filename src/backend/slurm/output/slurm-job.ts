/** A job, or a task of an array, as Slurm's commands tell it. Times are milliseconds since the epoch. */
export interface SlurmJob {
  /** Null: one of several tasks of an array that wait together and have no number of their own yet. */
  slurmJobId: number | null;
  /** The array it is a task of; null for none. */
  arrayJobId: number | null;
  /** Null: no task, or all the pending tasks of an array in one. */
  arrayTaskId: number | null;
  /** Tasks that are pending together, this one among them: `3-9%3`; '' for others. */
  arrayTasks: string;
  name: string;
  /** What somebody has called it since; absent: `name`. */
  otherName?: string;
  /** That it begins in. */
  folder: string;
  user: string;
  account: string;
  partition: string;
  qos: string;
  /** The base state, `RUNNING`; or what goes on, `COMPLETING`, where Slurm says no more. */
  state: string;
  isCompleting: boolean;
  /** Slurm's word for why it is pending; `None` otherwise. */
  reason: string;
  /** More words of Slurm on that: `ReqNodeNotAvail, UnavailableNodes:n[2-3]`. */
  reasonDetail: string;
  /** How often it was put back in the queue (`SLURM_RESTART_COUNT`). */
  restarts: number;
  priority: number | null;
  /** In node-rank order. Empty while it is pending. */
  nodeNames: readonly string[];
  nodeCount: number;
  cpus: number;
  memoryBytesPerNode: number | null;
  /** Of each node, which of its GPUs; empty where Slurm does not say. */
  gpuIndices: readonly (readonly number[])[];
  /** Null: none, or its partition's. */
  timeLimitMs: number | null;
  submitMs: number;
  /** Expected, while it is pending. */
  startMs: number | null;
  endMs: number | null;
  /** Not to begin before; null where that is not known yet. */
  eligibleMs: number | null;
  exitStatus: ExitStatus;
  dependency: string;
  excludedNodes: string;
  requiredNodes: string;
  reservation: string;
  /** `matlab:2`. */
  licenses: string;
  /** What it asks for: `cpu=4,mem=200M,node=2,gres/gpu=8`. */
  tres: string;
}

/** What Slurm knows it by now. */
export function nameThere({ name, otherName }: SlurmJob): string {
  return otherName ?? name;
}

/** What people call it: `12`, or `12_3` for a task of an array. */
export function labelOf({ slurmJobId, arrayJobId, arrayTaskId }: SlurmJob): string {
  return arrayJobId === null || arrayTaskId === null ? String(slurmJobId) : `${arrayJobId}_${arrayTaskId}`;
}

/**
 * What Slurm's commands may call it so that they mean no other: its number, which nothing else has. But of the task of an array that has the number
 * of the whole array, and of one that has no number yet, its label.
 */
export function addressOf(slurm: SlurmJob): string {
  const { slurmJobId, arrayJobId } = slurm;
  return slurmJobId === null || slurmJobId === arrayJobId ? labelOf(slurm) : String(slurmJobId);
}

export interface ExitStatus {
  code: number;
  /** That killed it; 0 for none. */
  signal: number;
}

/** As a shell says it. */
export function shellStatus({ code, signal }: ExitStatus): number {
  return signal > 0 ? 128 + signal : code;
}

const LIVE_STATES = new Set([
  'PENDING',
  'CONFIGURING',
  'RUNNING',
  'SUSPENDED',
  'COMPLETING',
  'STOPPED',
  'SIGNALING',
  'STAGE_OUT',
  'RESIZING',
  'REQUEUED',
  'REQUEUE_FED',
  'REQUEUE_HOLD',
  'SPECIAL_EXIT',
  'RESV_DEL_HOLD',
]);

/** Whether it will do nothing any more. */
export function isEnded({ state, isCompleting }: Pick<SlurmJob, 'state' | 'isCompleting'>): boolean {
  return !isCompleting && !LIVE_STATES.has(state);
}

const PENDING_STATES = new Set(['PENDING', 'REQUEUED', 'REQUEUE_FED', 'REQUEUE_HOLD', 'SPECIAL_EXIT', 'RESV_DEL_HOLD']);

/** Whether it waits in the queue. */
export function isPending({ state, isCompleting }: Pick<SlurmJob, 'state' | 'isCompleting'>): boolean {
  return !isCompleting && PENDING_STATES.has(state);
}
