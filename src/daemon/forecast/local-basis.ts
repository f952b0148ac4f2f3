import type { Backend } from '../../backend/port.ts';
import { isInService } from '../../cluster/node.ts';
import type { SchedulerOptions } from '../../scheduler/policy.ts';
import { isBrokenBy, termsOf } from '../../scheduler/dependency-terms.ts';
import type { CarriedMinutes, Dependency, JobRequest, ShareView } from '../../scheduler/types.ts';
import type { JobRow } from '../../store/job-row.ts';
import type { Store } from '../../store/store.ts';
import { INSTANT } from '../../twin/scenario.ts';
import type { QueueRow } from '../../twin/snapshot.ts';
import type { TraceRow } from '../../twin/trace-row.ts';
import type { ForecastBasis } from './basis.ts';

/** The newest of the past are enough to tell how long jobs run. */
const HISTORY_MAX = 2000;

/** The daemon's own cluster as it is at `nowMs`, with these shares and used minutes and with all times from then on. Jobs are named by their ids. */
export function localBasis(
  store: Store,
  backend: Backend,
  shares: readonly ShareView[],
  minutes: readonly CarriedMinutes[],
  policy: SchedulerOptions,
  nowMs: number,
): ForecastBasis {
  const nodes = backend.nodes();
  const live = new Map([...store.liveJobs()].map((job) => [job.jobId, job]));
  const queue = [...live.values()].flatMap((job) => {
    const stored = store.read(job.jobId);
    return stored === undefined ? [] : [queueRow(job, stored.request, store, backend, nowMs)];
  });
  const history = store.endedJobs({ limit: HISTORY_MAX }).flatMap((job) => {
    const stored = store.read(job.jobId);
    return stored === undefined || job.startMs === null || job.endMs === null
      ? []
      : [pastRow(job, stored.request, nowMs)];
  });
  return {
    snapshot: {
      nodes: nodes.map(({ spec }) => spec),
      policy: {
        ...policy,
        reservations: backend
          .reservations()
          .map((one) => ({ ...one, startMs: one.startMs - nowMs, endMs: one.endMs - nowMs })),
      },
      rules: {},
      queue,
      nodesOut: nodes.filter(({ state }) => !isInService(state)).map(({ spec }) => spec.name),
      usage: shares.map(({ account, user, billingSeconds }) => ({ account, user, billingSeconds })),
      minutes,
    },
    history: history.sort((a, b) => a.submitMs - b.submitMs),
    timing: INSTANT,
  };
}

function queueRow(job: Readonly<JobRow>, request: JobRequest, store: Store, backend: Backend, nowMs: number): QueueRow {
  const view = backend.job(job.jobId);
  const nodeNames = view === undefined || view.state === 'PENDING' ? null : view.nodeList;
  const after = request.dependencies.map((dependency) => ({ ...dependency, row: store.job(dependency.jobId) }));
  const { isAnyEnough = false } = request;
  const terms = termsOf(after);
  const broken = terms.filter((term) => isBroken(term));
  const isNeverSatisfied = broken.length > 0 && (!isAnyEnough || broken.length === terms.length);
  const isMet =
    isAnyEnough && terms.some((term) => term.every((one) => isOver(one) && fromMs(one) <= nowMs) && !isBroken(term));
  const delayedMs = isAnyEnough ? -Infinity : Math.max(...after.map(fromMs));
  return {
    ...askedBy(request),
    // Of several that in which it runs.
    partition: job.partition,
    job: String(job.jobId),
    submitMs: job.submitMs - nowMs,
    eligibleMs: job.queuedSinceMs === null ? null : Math.max(job.queuedSinceMs, delayedMs) - nowMs,
    actualStartMs: nodeNames === null || job.startMs === null ? null : job.startMs - nowMs,
    runMs: 0,
    outcome: 'COMPLETED',
    after: isMet
      ? []
      : terms
          .filter((term) => !broken.includes(term))
          .flat()
          .filter((one) => !isOver(one))
          .map(({ condition, jobId, delayMs, set }) => ({
            condition,
            job: String(jobId),
            ...(delayMs !== undefined && { delayMs }),
            ...(set !== undefined && { set }),
          })),
    ...(isAnyEnough && { isAnyEnough }),
    nodeNames,
    // Whether a reservation is entered is not in the twin's hands.
    isHeld: job.isHeld || isNeverSatisfied || request.reservation !== undefined,
  };
}

type Awaited = Dependency & { row: Readonly<JobRow> | undefined };

/** The job has ended: it has come, or can come no more, but for a delay. */
function isOver({ row }: Awaited): boolean {
  return row?.isEnded !== false;
}

/** When the delay after the start of a job that has ended is over. */
function fromMs({ row, delayMs = 0 }: Awaited): number {
  return delayMs > 0 && row?.isEnded === true ? (row.startMs ?? row.endMs ?? 0) + delayMs : -Infinity;
}

function isBroken(term: readonly Awaited[]): boolean {
  return isBrokenBy(term, ({ row }) => (row?.isEnded === true ? row.state : undefined));
}

function pastRow(job: Readonly<JobRow>, request: JobRequest, nowMs: number): TraceRow {
  const startMs = job.startMs ?? nowMs;
  return {
    ...askedBy(request),
    partition: job.partition,
    job: String(job.jobId),
    submitMs: job.submitMs - nowMs,
    eligibleMs: null,
    actualStartMs: startMs - nowMs,
    runMs: Math.max(1, (job.endMs ?? startMs) - startMs),
    outcome: job.state === 'TIMEOUT' ? 'TIMEOUT' : 'COMPLETED',
    after: [],
  };
}

function askedBy(
  request: JobRequest,
): Pick<
  TraceRow,
  | 'line'
  | 'nodes'
  | 'gpusPerNode'
  | 'cpusPerNode'
  | 'memoryBytesPerNode'
  | 'gpuType'
  | 'isExclusive'
  | 'limitMs'
  | 'user'
  | 'account'
  | 'qos'
  | 'partition'
  | 'priority'
> & { array?: { name: string; runningMax: number | null } } {
  const { perNode, array } = request;
  return {
    line: request.jobId,
    nodes: request.nodes,
    gpusPerNode: perNode.gpus,
    cpusPerNode: perNode.cpus,
    memoryBytesPerNode: perNode.memoryBytes,
    gpuType: request.gpuType,
    isExclusive: request.exclusive,
    limitMs: request.timeLimitMs,
    user: request.user ?? null,
    account: request.account ?? null,
    qos: request.qos ?? null,
    partition: request.partition ?? null,
    priority: request.priority,
    ...(array !== undefined && { array: { name: String(array.id), runningMax: array.runningMax } }),
  };
}
