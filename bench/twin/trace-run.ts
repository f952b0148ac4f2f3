import { definite } from '../../src/lib/assert.ts';
import type { SchedulerOptions } from '../../src/scheduler/policy.ts';
import { runTwin } from '../../src/twin/engine.ts';
import { INSTANT } from '../../src/twin/scenario.ts';
import type { TraceRow } from '../../src/twin/trace-row.ts';
import { traceJobs } from '../../src/twin/trace-source.ts';
import { type EasyJob } from './leaky-easy.ts';
import { dgxNodes, TRACE_NODES } from './trace.ts';

/** The scheduler as it comes: first in, first out with EASY backfill. */
const EASY: SchedulerOptions = { schedulerType: 'backfill', backfillType: 'easy' };

export interface TraceRun {
  jobs: number;
  /** Of the engine and its scheduler alone: neither reading the trace nor making its jobs. */
  cpuSeconds: number;
  meanWaitSeconds: number;
  makespanSeconds: number;
  stateHash: string;
  /** Of each job in the order of the trace, in seconds. */
  starts: Float64Array;
}

/** Runs a trace on the 2,000 nodes it was drawn for, whole nodes only, nothing failing. `changes`: to the scheduler's options. */
export function runTrace(rows: readonly TraceRow[], changes: SchedulerOptions = {}): TraceRun {
  const nodes = dgxNodes(TRACE_NODES);
  const policy = { ...EASY, ...changes };
  const { source, refused } = traceJobs(rows, { nodes, policy, isExclusive: true });
  if (refused.length > 0) throw new Error(`a job of the trace does not fit: ${refused[0]?.reason}`);
  const starts = new Float64Array(rows.length);
  let waitMs = 0;
  const before = process.cpuUsage();
  const summary = runTwin({
    nodes,
    policy,
    timing: INSTANT,
    jobs: source,
    incidents: null,
    operator: null,
    observers: [
      {
        attemptStarted: ({ request }, _attempt, _allocation, queuedMs, atMs) => {
          starts[request.jobId - 1] = atMs / 1000;
          waitMs += queuedMs;
        },
      },
    ],
    untilMs: null,
  });
  const { user, system } = process.cpuUsage(before);
  return {
    jobs: summary.jobsEnded,
    cpuSeconds: (user + system) / 1e6,
    meanWaitSeconds: waitMs / 1000 / summary.jobsEnded,
    makespanSeconds: summary.endMs / 1000,
    stateHash: summary.stateHash,
    starts,
  };
}

/** The same jobs for the naive scheduler. */
export function easyJobs(rows: readonly TraceRow[]): EasyJob[] {
  return rows.map(({ submitMs, nodes, runMs, limitMs }) => ({
    submit: submitMs / 1000,
    nodes,
    run: runMs / 1000,
    limit: definite(limitMs, 'every job of the trace asks for a time') / 1000,
  }));
}
