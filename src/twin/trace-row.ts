import type { Dependency } from '../scheduler/types.ts';
import type { Outcome } from './types.ts';

/** Of a job of a trace on another one; `set`, as of `Dependency`. */
export interface RowDependency extends Omit<Dependency, 'jobId' | 'startMs'> {
  readonly job: string;
}

/** One job of a trace, as its file tells it. */
export interface TraceRow {
  /** In its file, from 1. */
  readonly line: number;
  /** The trace's own id. */
  readonly job: string;
  /** From the trace's instant 0. */
  readonly submitMs: number;
  /** When nothing but its turn kept it from starting (`--begin`, dependencies); null if at once or not known. */
  readonly eligibleMs: number | null;
  /** When it started on the recorded cluster; null if not known. */
  readonly actualStartMs: number | null;
  readonly nodes: number;
  /** Null: all that a node has. */
  readonly gpusPerNode: number | null;
  /** Null: its GPUs' share of the node's. */
  readonly cpusPerNode: number | null;
  /** Null: its GPUs' share of the node's. */
  readonly memoryBytesPerNode: number | null;
  readonly gpuType: string | null;
  readonly isExclusive: boolean;
  /** All its CPUs together count, on these nodes or on more of them; absent: no. */
  readonly isSpread?: boolean;
  /** What it asked for on each node, where it is known to have held more: whoever has whole nodes holds all that is on them. */
  readonly asked?: Pick<TraceRow, 'gpusPerNode' | 'cpusPerNode' | 'memoryBytesPerNode'>;
  /** How long it ran. */
  readonly runMs: number;
  /** Null: none was asked for, or it is not known. */
  readonly limitMs: number | null;
  readonly user: string | null;
  readonly account: string | null;
  readonly qos: string | null;
  readonly partition: string | null;
  /** It names this reservation, or one of these with commas between them; absent: none. */
  readonly reservation?: string;
  readonly priority: number;
  /** The job array it is a task of, and how many of that may run at once; absent: none. */
  readonly array?: { readonly name: string; readonly runningMax: number | null };
  /** By the names of jobs before it; that of an array means all of its tasks as one. */
  readonly after: readonly RowDependency[];
  /** One of those is enough; absent: all have to hold. */
  readonly isAnyEnough?: boolean;
  /** TIMEOUT: it would have run longer than `runMs`. */
  readonly outcome: Outcome | 'TIMEOUT';
  /** Somebody cancelled it while it ran; absent: no. */
  readonly isCancelledByUser?: boolean;
  /** It is cancelled this long after its submission, whether or not it runs by then; absent: never. */
  readonly cancelAfterMs?: number;
}
