import type { NodeSpec } from '../../src/cluster/node.ts';
import { ConservativePasses } from '../../src/scheduler/conservative.ts';
import type { DecisionSink } from '../../src/scheduler/core-types.ts';
import { Ledger } from '../../src/scheduler/ledger.ts';
import { holdNodes } from '../../src/scheduler/placement.ts';
import type { Policy } from '../../src/scheduler/policy.ts';
import { Preemption } from '../../src/scheduler/preempting.ts';
import type { JobRequest } from '../../src/scheduler/types.ts';
import {
  type ControllerLog,
  isClean,
  type LoggedMainPass,
  type LoggedPass,
  type LoggedPlan,
} from './controller-log.ts';

/** What a job of a recorded controller asked for. */
export interface LoggedJob {
  nodes: number;
  /** Null: none. */
  gpusPerNode: number | null;
  /** Null: the partition's. */
  limitMs: number | null;
  qos: string | null;
  user: string | null;
  account: string | null;
  partition: string | null;
}

/** A recorded controller as its passes are made again. */
export interface LoggedRun {
  nodes: readonly NodeSpec[];
  /** Without weights: a priority is the job's own, here what the log says that it was. */
  policy: Policy;
  jobs: ReadonlyMap<number, LoggedJob>;
  log: Pick<ControllerLog, 'passes' | 'mainPasses' | 'submitMs'>;
}

/** Passes of backfill. */
export interface ReplayedPasses {
  passes: number;
  /** Jobs that were looked at, pass by pass, and of how many the twin says the same: same nodes, same start to a second. */
  plans: number;
  same: number;
  /** The same of clean passes alone. */
  clean: { passes: number; plans: number; same: number };
  /** The first few of which it does not. */
  differences: string[];
  /** What a pass took over how many nodes it looked at, in the median. */
  nodeTestMicroseconds: number;
}

export interface ReplayedMainPasses {
  /** Those in which jobs waited and none had ended just before, and of how many the twin starts the same jobs on the same nodes. */
  passes: number;
  same: number;
  /** How many jobs they started, and the most that one did. */
  starts: number;
  startsMax: number;
  /** The first few that differ. */
  differences: string[];
}

const SHOWN_MAX = 10;

/** Every pass of backfill of a recorded controller, made again by the twin in the state that the controller was in. `cleaningMs`: see `isClean`. */
export function replayBackfill(run: LoggedRun, cleaningMs: number): ReplayedPasses {
  let plans = 0;
  const clean = { passes: 0, plans: 0, same: 0 };
  const differences: string[] = [];
  const costs: number[] = [];
  const { passes } = run.log;
  for (const pass of passes) {
    const { planned, nodeTests } = plansOf(pass, run);
    // A pass that is cut off has not finished with the last.
    const finished = pass.isComplete ? pass.plans : pass.plans.slice(0, -1);
    const differing = finished.flatMap((plan) => {
      const twin = planned.get(plan.jobId);
      if (isSame(plan, twin)) return [];
      return `pass at ${pass.beginMs}, job ${plan.jobId}: ${plan.start} on ${plan.nodeIndices.join()}, in the twin ${twin?.start} on ${twin?.nodeIndices.join()}`;
    });
    differences.push(...differing);
    plans += finished.length;
    if (isClean(pass, cleaningMs)) {
      clean.passes += 1;
      clean.plans += finished.length;
      clean.same += finished.length - differing.length;
    }
    if (pass.isComplete && nodeTests > 1000) costs.push(pass.tookMicroseconds / nodeTests);
  }
  const nodeTestMicroseconds = costs.toSorted((a, b) => a - b)[Math.floor(costs.length / 2)] ?? 0;
  const same = plans - differences.length;
  return {
    passes: passes.length,
    plans,
    same,
    clean,
    differences: differences.slice(0, SHOWN_MAX),
    nodeTestMicroseconds,
  };
}

/**
 * Every pass of a recorded controller's main scheduler, made again by the twin in the state that the controller was in: of recordings in which no job
 * waits for another and none is preempted. `cleaningMs`: how long before it no job had ended.
 */
export function replayMain(run: LoggedRun, cleaningMs: number): ReplayedMainPasses {
  const passes = run.log.mainPasses.filter(({ waiting, sinceEndMs }) => waiting.length > 0 && sinceEndMs >= cleaningMs);
  const differences = passes.flatMap((pass) => {
    const shown = (starts: LoggedMainPass['starts']) =>
      starts.map(({ jobId, nodeIndices }) => `${jobId} on ${nodeIndices.join()}`).join('; ');
    const [real, twin] = [shown(pass.starts), shown(startsOf(pass, run))];
    return real === twin ? [] : [`pass at ${pass.beginMs}: ${real || 'none'}, in the twin ${twin || 'none'}`];
  });
  return {
    passes: passes.length,
    same: passes.length - differences.length,
    starts: passes.reduce((sum, { starts }) => sum + starts.length, 0),
    startsMax: Math.max(0, ...passes.map(({ starts }) => starts.length)),
    differences: differences.slice(0, SHOWN_MAX),
  };
}

type TwinPlan = Pick<LoggedPlan, 'start' | 'nodeIndices'>;

function isSame({ start, nodeIndices }: LoggedPlan, twin: TwinPlan | undefined): boolean {
  const twinStart = twin?.start;
  const isSameStart =
    start === twinStart ||
    (start !== null && twinStart !== undefined && twinStart !== null && Math.abs(start - twinStart) <= 1000);
  return isSameStart && nodeIndices.join() === (twin?.nodeIndices.join() ?? '');
}

/** The twin in the state that a controller was in: what holds nodes, and who waits with which priority. */
function stateOf(
  pass: Pick<LoggedPass, 'running' | 'completing'>,
  waiting: readonly { jobId: number; priority: number }[],
  { nodes, policy, jobs, log }: LoggedRun,
) {
  const ledger = new Ledger(policy);
  for (const node of nodes) ledger.pool.add(node);
  const submit = (jobId: number, priority: number) =>
    ledger.submit(requestOf(jobId, priority, jobs.get(jobId)), 0, log.submitMs.get(jobId) ?? 0);
  for (const { jobId, nodeIndices, startMs } of pass.running.toSorted((a, b) => a.startMs - b.startMs)) {
    const job = submit(jobId, 0);
    ledger.start(job, 1, holdNodes(ledger.pool, job, nodeIndices), startMs);
  }
  // As far as they still hold nodes.
  for (const { jobId, nodeIndices, startMs } of pass.completing) {
    const job = ledger.submit({ ...requestOf(-jobId, 0, jobs.get(jobId)), nodes: nodeIndices.length }, 0, 0);
    ledger.start(job, 1, holdNodes(ledger.pool, job, nodeIndices), startMs);
    ledger.markEnding(job, 'CANCELLED');
  }
  return { ledger, waiting: waiting.map(({ jobId, priority }) => submit(jobId, priority)) };
}

function plansOf(pass: LoggedPass, run: LoggedRun) {
  const { policy } = run;
  // Those behind the last that the controller looked at do not matter.
  const { ledger, waiting } = stateOf(pass, pass.plans, run);
  const planned = new Map<number, TwinPlan>();
  const passes = new ConservativePasses(ledger, policy, () => true);
  passes.onPlanned = (job, start, nodeIndices) => planned.set(job.request.jobId, { start, nodeIndices });
  if (policy.preempt.type !== 'none') {
    const preemption = new Preemption(ledger, policy, () => true);
    for (const job of waiting) preemption.roomMade(job, pass.roomMadeMs.get(job.request.jobId) ?? -Infinity);
    passes.preempt = {
      candidates: (job) => preemption.candidates(job, pass.firstTestMs),
      makeRoom: (job, usable) => preemption.makeRoom(job, usable, pass.firstTestMs, IGNORED),
    };
  }
  passes.beginBackfill(pass.firstTestMs);
  passes.resume(
    pass.firstTestMs,
    () => false,
    (job, nodeIndices) => {
      ledger.start(job, 1, holdNodes(ledger.pool, job, nodeIndices), pass.firstTestMs);
    },
  );
  return { planned, nodeTests: passes.testedNodes };
}

function startsOf(pass: LoggedMainPass, run: LoggedRun): LoggedMainPass['starts'] {
  const { ledger } = stateOf(pass, pass.waiting, run);
  const starts: LoggedMainPass['starts'] = [];
  new ConservativePasses(ledger, run.policy, () => true).main(pass.beginMs, pass.isFull, (job, nodeIndices) => {
    starts.push({ jobId: job.request.jobId, nodeIndices });
    ledger.start(job, 1, holdNodes(ledger.pool, job, nodeIndices), pass.beginMs);
  });
  return starts;
}

const IGNORED: DecisionSink = { startAttempt() {}, endAttempt() {}, requeueJob() {}, endJob() {} };

function requestOf(jobId: number, priority: number, job: LoggedJob | undefined): JobRequest {
  if (job === undefined) throw new Error(`job ${jobId} is not in the recording`);
  return {
    jobId,
    submitMs: 0,
    priority,
    nodes: job.nodes,
    perNode: { cpus: 1, memoryBytes: 0, gpus: job.gpusPerNode ?? 0 },
    gpuType: null,
    exclusive: false,
    timeLimitMs: job.limitMs,
    excludedNodes: [],
    maxRequeues: 0,
    dependencies: [],
    isHeld: false,
    ...(job.qos !== null && { qos: job.qos }),
    ...(job.user !== null && { user: job.user }),
    ...(job.account !== null && { account: job.account }),
    ...(job.partition !== null && { partition: job.partition }),
  };
}
