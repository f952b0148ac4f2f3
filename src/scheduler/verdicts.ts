import { floorTo } from '../lib/floor-to.ts';
import type { JobRecord, Verdict } from './job-record.ts';
import type { Policy } from './policy.ts';
import type { EndCause, EndState } from './types.ts';

/** A cause gives way only to a stronger one: a user's word weighs more than a node's or a clock's. */
const CAUSE_STRENGTH: Record<EndCause, number> = {
  PREEMPTED: 1,
  NODE_FAIL: 1,
  HANG: 1,
  TIMEOUT: 1,
  REQUEUE: 2,
  CANCELLED: 3,
};

/** Whether an attempt that is to end for the second cause (null: for none) ends for the first instead. */
export function isStronger(cause: EndCause, than: EndCause | null): boolean {
  return than === null || CAUSE_STRENGTH[cause] > CAUSE_STRENGTH[than];
}

/** What becomes of the job whose attempt ended for this cause, or by itself (null) in this state. */
export function verdictOf(job: JobRecord, cause: EndCause | null, state: EndState, exitCode: number): Verdict {
  switch (cause) {
    case null:
      return { kind: 'end', state, exitCode };
    case 'CANCELLED':
    case 'TIMEOUT':
      return { kind: 'end', state: cause, exitCode };
    case 'REQUEUE':
      return { kind: 'requeue', requeues: job.requeues, hold: null };
    case 'PREEMPTED':
      return job.kind.preemption.mode === 'requeue' && job.request.maxRequeues > 0
        ? { kind: 'requeue', requeues: job.requeues, hold: null }
        : { kind: 'end', state: 'PREEMPTED', exitCode };
    case 'NODE_FAIL':
    case 'HANG':
  }
  return job.requeues < job.request.maxRequeues
    ? { kind: 'requeue', requeues: job.requeues + 1, hold: null }
    : { kind: 'end', state: cause === 'HANG' ? 'FAILED' : cause, exitCode };
}

/** When the job whose attempt ended at `atMs` may start again; null for at once, or never. */
export function putOffUntilMs(policy: Policy, job: JobRecord, verdict: Verdict, atMs: number): number | null {
  if (verdict.kind === 'end') return null;
  const backoffMs = verdict.requeues > job.requeues ? backoffOf(policy, job) : 0;
  const delayMs = Math.max(backoffMs, policy.requeueDelaySeconds * 1000);
  // Slurm's controller notes whole seconds.
  const sinceMs = policy.cadence === null ? atMs : floorTo(atMs, 1000);
  return delayMs > 0 ? sinceMs + delayMs : null;
}

/** Twice as long with each failure in a row, up to the policy's most. */
function backoffOf({ requeueBackoffSeconds, requeueBackoffMaxSeconds }: Policy, job: JobRecord): number {
  return Math.min(requeueBackoffSeconds * 2 ** job.requeues, requeueBackoffMaxSeconds) * 1000;
}
