import type { NodeSpec, Resources } from '../cluster/node.ts';
import type { EndCause, EndState, JobRequest, Placement } from './types.ts';

export type Wait = JobRequest['dependencies'][number];
/** What is to be told of a job. */
export type Verdict =
  | { kind: 'requeue'; requeues: number; isHeld: boolean }
  | { kind: 'end'; state: EndState; exitCode: number };
/** As the reference knows it. */
export type Job = {
  request: JobRequest;
  attempt: number;
  requeues: number;
  isHeld: boolean;
  waits: JobRequest['dependencies'];
  placement: Placement | null;
  startMs: number;
  /** By its time limit, and when that ends it. */
  endMs: number;
  dueMs: number;
  cause: EndCause | null;
  isEnding: boolean;
  /** It has had an attempt since it was last put in the queue. */
  hasStarted: boolean;
  /** What it asked for before it was in one of several partitions; null where it is in none of several. */
  several: JobRequest | null;
  verdict: Verdict | null;
};
/** What becomes of a job whose attempt is over. */
export function verdictOf(job: Job, cause: EndCause | null, state: EndState, exitCode: number): Verdict {
  const isOutOfRequeues = job.requeues >= job.request.maxRequeues;
  if (cause === 'REQUEUE') return { kind: 'requeue', requeues: job.requeues, isHeld: false };
  const isFailure = cause === 'NODE_FAIL' || cause === 'HANG';
  if (isFailure && !isOutOfRequeues) return { kind: 'requeue', requeues: job.requeues + 1, isHeld: false };
  return { kind: 'end', state: cause === 'HANG' ? 'FAILED' : (cause ?? state), exitCode };
}

/** When its attempt ends by the forecast. */
export function endOf({ isEnding, endMs, startMs, request }: Job, nowMs: number): number {
  return Math.max(nowMs, isEnding ? 0 : endMs < Infinity ? endMs : startMs + (request.timeLimitMs ?? Infinity));
}

/** By its forecast. */
export function isGoneBy(job: Job, atMs: number, nowMs: number): boolean {
  const endMs = endOf(job, nowMs);
  return endMs <= atMs && endMs < Infinity;
}

/** What it takes of the node. */
export function needOf(spec: NodeSpec, { exclusive, perNode }: JobRequest): Resources {
  return exclusive ? spec.resources : perNode;
}

/** Of two jobs that wait. */
export function order(a: JobRequest, b: JobRequest): number {
  return b.priority - a.priority || a.submitMs - b.submitMs || a.jobId - b.jobId;
}

/** Whether a node that offers so much could have a part of the job. */
export function suits(spec: NodeSpec, offered: Resources, { perNode, gpuType, excludedNodes }: JobRequest): boolean {
  const isAllowed = (gpuType === null || gpuType === spec.gpuType) && !excludedNodes.includes(spec.name);
  const isEnough =
    offered.cpus >= perNode.cpus && offered.memoryBytes >= perNode.memoryBytes && offered.gpus >= perNode.gpus;
  return isAllowed && isEnough;
}

/** Whether a dependency, by itself, is satisfied by then. `ended`: how the job did that it is on, `live`: that job while it has not ended. */
export function isMetAt(
  { condition, delayMs = 0 }: Wait,
  ended: { state: EndState; fromMs: number } | undefined,
  live: Job | undefined,
  atMs: number,
): boolean {
  if (condition === 'after' && ended !== undefined) return delayMs === 0 || ended.fromMs + delayMs <= atMs;
  if (condition === 'after') return live?.hasStarted === true && live.startMs + Math.max(1, delayMs) <= atMs;
  if (ended === undefined || condition === 'afterany') return ended !== undefined;
  return (condition === 'afterok') === (ended.state === 'COMPLETED');
}
