import type { NodeSpec } from '../cluster/node.ts';
import type { SchedulerOptions } from '../scheduler/policy.ts';
import type { TraceRow } from './trace-row.ts';
import type { Checkpointing } from './types.ts';

/** How the rows of a trace become jobs: where they are to run, and what is taken of what they do not say. */
export interface TraceOptions {
  /** Of the cluster it is to run on. */
  readonly nodes: readonly NodeSpec[];
  /** QOS and partitions that the policy says nothing of are left out of the requests. */
  readonly policy: SchedulerOptions;
  /** Whole nodes, whatever the rows say. Default false. */
  readonly isExclusive?: boolean;
  /** Whole nodes for the jobs of these partitions. Default none. */
  readonly exclusivePartitions?: readonly string[];
  /** False: memory never runs out, so what rows ask of it is left out. Default true. */
  readonly isMemoryConsumed?: boolean;
  /**
   * What a row that does not say gets on a node, by its GPUs there and its partition; memory null: all of the node's. Default: its GPUs' share
   * of each.
   */
  readonly defaultAsk?: (gpusPerNode: number, partition: string | null) => { cpus: number; memoryBytes: number | null };
  /** CPUs are rounded up to a multiple of this: in Slurm jobs have whole cores. Default 1. */
  readonly cpusStep?: number;
  /** Time limits are rounded up to a multiple of this: Slurm's are whole minutes. Default 1. */
  readonly limitStepMs?: number;
  /** How often a failure may put a job back in the queue. Default: as often as there are failures. */
  readonly maxRequeues?: number;
  /** Rows that run already: no partition keeps them out. Default: none. */
  readonly isRunning?: (row: TraceRow) => boolean;
  /** What every job of the trace does to keep its work. Default: nothing. */
  readonly checkpointing?: Checkpointing | null;
}
