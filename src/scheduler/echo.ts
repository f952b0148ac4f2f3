import type { Decision, Placement, SchedulerEvent } from './types.ts';

export type EchoEvent = Extract<
  SchedulerEvent,
  { kind: 'AttemptStarting' | 'AttemptEnding' | 'JobRequeued' | 'JobEnded' }
>;

/** The fact that records a decision: what the driver journals before it carries the decision out. */
export function echoOf(decision: Decision, atMs: number): EchoEvent {
  const { jobId } = decision;
  switch (decision.kind) {
    case 'StartAttempt':
      return {
        kind: 'AttemptStarting',
        atMs,
        jobId,
        attempt: decision.attempt,
        placement: decision.placement,
        ...(decision.partition !== undefined && { partition: decision.partition }),
      };
    case 'EndAttempt':
      return {
        kind: 'AttemptEnding',
        atMs,
        jobId,
        attempt: decision.attempt,
        cause: decision.cause,
        ...(decision.preemptor !== undefined && { preemptor: decision.preemptor }),
      };
    case 'Requeue':
      return {
        kind: 'JobRequeued',
        atMs,
        jobId,
        requeues: decision.requeues,
        isHeld: decision.isHeld,
        ...(decision.partition !== undefined && { partition: decision.partition }),
      };
    case 'EndJob':
  }
  return { kind: 'JobEnded', atMs, jobId, state: decision.state, exitCode: decision.exitCode };
}

export function isEcho(event: SchedulerEvent): event is EchoEvent {
  switch (event.kind) {
    case 'AttemptStarting':
    case 'AttemptEnding':
    case 'JobRequeued':
    case 'JobEnded':
      return true;
    default:
      return false;
  }
}

/** True where the event records this decision. */
export function isEchoOf(event: EchoEvent, decision: Decision): boolean {
  const expected = echoOf(decision, event.atMs);
  if (expected.kind !== event.kind || expected.jobId !== event.jobId) return false;
  switch (event.kind) {
    case 'AttemptStarting':
      return (
        expected.kind === event.kind &&
        expected.attempt === event.attempt &&
        expected.partition === event.partition &&
        isSamePlacement(expected.placement, event.placement)
      );
    case 'AttemptEnding':
      return expected.kind === event.kind && expected.attempt === event.attempt && expected.cause === event.cause;
    case 'JobRequeued':
      return expected.kind === event.kind && expected.requeues === event.requeues && expected.isHeld === event.isHeld;
    case 'JobEnded':
  }
  return expected.kind === event.kind && expected.state === event.state && expected.exitCode === event.exitCode;
}

function isSamePlacement(a: Placement, b: Placement): boolean {
  if (a === b) return true;
  return (
    a.length === b.length &&
    a.every((one, rank) => {
      const other = b[rank];
      return (
        other !== undefined &&
        one.nodeName === other.nodeName &&
        one.resources.cpus === other.resources.cpus &&
        one.resources.memoryBytes === other.resources.memoryBytes &&
        one.gpuIndices.join() === other.gpuIndices.join()
      );
    })
  );
}
