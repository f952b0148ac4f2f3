import type { NodeSpec } from '../cluster/node.ts';
import type { SchedulerOptions } from '../scheduler/policy.ts';
import type { CarriedUse } from '../scheduler/core-types.ts';
import type { CarriedMinutes } from '../scheduler/types.ts';
import type { IncidentSource, JobSource, Observer, TwinJob } from './types.ts';

/** Drains a node that looks bad, and has it repaired once it is empty. */
export interface NodeAction {
  nodeIndex: number;
  reason: string;
  repairMs: number;
}

/** Whoever looks over the cluster now and then and acts: the lemon detector. It sees what happens as an observer does. */
export interface Operator extends Observer {
  readonly reviewEveryMs: number;
  review(nowMs: number): readonly NodeAction[];
}

/** What passes between a decision and its effect, as on the cluster that is modelled. Milliseconds. */
export interface Timing {
  /** From the decision to start an attempt until its tasks run; its nodes are held meanwhile. */
  launchMs: number;
  /**
   * By how much later the tasks of each further attempt run where several are started at once: nodes that share a machine launch one after the
   * other. Default 0.
   */
  launchGapMs?: number;
  /** From the end of its last task until its nodes are free again (epilog, messages). */
  completeMs: number;
  /** From the signal to a job that is ended early (cancelled, timed out, requeued) until nothing of it runs. */
  killMs: number;
  /** By how much later each further attempt is over where several are ended at once. Default 0. */
  killGapMs?: number;
}

export const INSTANT: Timing = { launchMs: 0, completeMs: 0, killMs: 0 };

/** A cluster in the midst of its work, which the run takes over at instant 0. What was before has times below 0. */
export interface StartState {
  /** In the order of their starts. */
  readonly running: readonly {
    readonly job: TwinJob;
    readonly startMs: number;
    readonly nodeIndices: readonly number[];
  }[];
  /** In the order of their submissions; a request's `beginMs` is since when it has been eligible, or from when on it will be. */
  readonly pending: readonly TwinJob[];
  /** Take nothing new for as long as the run lasts. */
  readonly nodesOut: readonly number[];
  /** What was used before, with what has faded taken off. */
  readonly usage: readonly CarriedUse[];
  /** The same for limits on used minutes, of jobs that have ended. Absent: nothing. */
  readonly minutes?: readonly CarriedMinutes[];
}

/** Everything a run needs, parsed. Same scenario, same run. */
export interface Scenario {
  nodes: readonly NodeSpec[];
  policy: SchedulerOptions;
  timing: Timing;
  jobs: JobSource;
  /** Absent: an empty cluster. */
  start?: StartState;
  /** Null: nothing breaks. */
  incidents: IncidentSource | null;
  /** Null: nobody does. */
  operator: Operator | null;
  observers: readonly Observer[];
  /** The run ends here, with whatever still runs; null: once every job has ended. */
  untilMs: number | null;
}

export interface RunControl {
  /** Called every so many events; false ends the run with what is known so far. */
  onProgress?: (nowMs: number, jobsSubmitted: number, jobsEnded: number) => boolean;
  /** Asked after each instant: true ends the run, since nothing that comes later is of interest. */
  isEnough?: () => boolean;
  /** Called with the hash of all that happened so far, every `stateHashEvery` events: where two runs part is between two of these. */
  onStateHash?: (events: number, nowMs: number, stateHash: string) => void;
  /** Default 100,000. */
  stateHashEvery?: number;
}

export interface RunSummary {
  /** Virtual time at which the run ended. */
  endMs: number;
  jobsSubmitted: number;
  jobsEnded: number;
  /** Facts applied and decisions carried out. */
  events: number;
  /** Ended early by `onProgress`. */
  isInterrupted: boolean;
  /** Of the whole run: same scenario, same hash. */
  stateHash: string;
}
