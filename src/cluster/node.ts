/** What one node offers or one job takes on one node. Integers: CPUs, bytes, GPUs. */
export interface Resources {
  cpus: number;
  memoryBytes: number;
  gpus: number;
}

/** A node as the scheduler knows it. */
export interface NodeSpec {
  /** Unique in the cluster, e.g. `n1` or `dgx-0042`. */
  name: string;
  resources: Resources;
  /** GPU type as in `catalog/gpus`, e.g. `a100-80`; null where the node has none or offers CPU slots. */
  gpuType: string | null;
  /** Leaf switch the node hangs on; null where the fabric is not described. */
  leaf: string | null;
  /** Nodes of a lower weight are given out first (Slurm's `Weight`). Absent: 1. */
  weight?: number;
}

/** Slurm's default too. */
export const DEFAULT_WEIGHT = 1;

/** Slurm's node states. `draining` still runs work, `drained` does not; `down` is out of order. */
export type NodeState = 'idle' | 'mixed' | 'allocated' | 'draining' | 'drained' | 'down';

/** Whether a node in this state is given jobs. */
export function isInService(state: NodeState): boolean {
  return state === 'idle' || state === 'mixed' || state === 'allocated';
}
