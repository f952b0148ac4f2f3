import type { JobState } from '../scheduler/types.ts';
import type { WaitRule } from './waits.ts';

/** A job as the read model has it. Times are milliseconds since the epoch. */
export interface JobRow {
  readonly jobId: number;
  /** Journal record that has what was submitted. */
  readonly acceptedSeq: number;
  readonly name: string;
  readonly account: string;
  readonly qos: string;
  readonly user: string;
  /** Null: the default one. Of several (`a,b`) that of the last attempt, once it has one and waits for no other. */
  partition: string | null;
  /** The array it is a task of, named by the id of its first task; null for none. */
  readonly array: { readonly id: number; readonly taskId: number } | null;
  readonly nodes: number;
  readonly gpusPerNode: number;
  readonly cpusPerNode: number;
  /** Jobs this one waits for. */
  readonly dependencies: readonly number[];
  /** Null: until all of them have ended. */
  readonly waitRule: WaitRule | null;
  readonly submitMs: number;
  state: JobState;
  isEnded: boolean;
  exitCode: number | null;
  attempt: number;
  requeues: number;
  isHeld: boolean;
  /** Of the current or last attempt. */
  nodeList: readonly string[];
  startMs: number | null;
  endMs: number | null;
  /** Since when it has waited in the queue and was not held; null while it is not waiting. */
  queuedSinceMs: number | null;
  /** Closed intervals of eligible waiting so far. */
  queuedMs: number;
}

export interface AttemptRow {
  readonly jobId: number;
  readonly attempt: number;
  readonly nodeList: readonly string[];
  /** Allocated on all nodes together. */
  readonly cpus: number;
  readonly gpus: number;
  /** From when its nodes were allocated. */
  readonly startMs: number;
  state: JobState;
  endMs: number | null;
  exitCode: number | null;
  message: string | null;
}

/** A job with its current or last attempt. */
export interface JobEntry {
  job: JobRow;
  attempt: AttemptRow | null;
}
