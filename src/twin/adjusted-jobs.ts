import { mttfSeconds } from '../planner/failures.ts';
import { optimalIntervalMs } from './adaptive-interval.ts';
import type { Checkpointing, JobSource, TwinJob } from './types.ts';

/** The same jobs, each as `adjust` makes it. Submission times stay as they are. */
export function adjustJobs(source: JobSource, adjust: (job: TwinJob) => TwinJob): JobSource {
  return {
    countEstimate: source.countEstimate,
    endMsEstimate: source.endMsEstimate,
    next() {
      const job = source.next();
      return job === null ? null : adjust(job);
    },
  };
}

/** The jobs of both, in the order of their submission; those of `first` before those of `second` at the same instant. */
export function mergeJobs(first: JobSource, second: JobSource): JobSource {
  let one = first.next();
  let other = second.next();
  const sum = (a: number | null, b: number | null) => (a === null || b === null ? null : a + b);
  const later = (a: number | null, b: number | null) => (a === null || b === null ? null : Math.max(a, b));
  return {
    countEstimate: sum(first.countEstimate, second.countEstimate),
    endMsEstimate: later(first.endMsEstimate, second.endMsEstimate),
    next() {
      const isFirst = one !== null && (other === null || one.request.submitMs <= other.request.submitMs);
      const job = isFirst ? one : other;
      if (isFirst) one = first.next();
      else if (other !== null) other = second.next();
      return job;
    },
  };
}

/** A few jobs as a source. They must be in the order of submission. */
export function listedJobs(jobs: readonly TwinJob[]): JobSource {
  let index = 0;
  return {
    countEstimate: jobs.length,
    endMsEstimate: jobs.at(-1)?.request.submitMs ?? 0,
    next: () => jobs[index++] ?? null,
  };
}

/**
 * When a job that writes checkpoints does so: always after the same time; at the optimum of its size and of the failure rate; or at the
 * optimum for the failures that it has had itself, beginning from that rate.
 */
export type CheckpointRule =
  | { kind: 'fixed'; intervalMs: number }
  | { kind: 'young-daly' | 'adaptive'; failuresPerNodeDay: number }
  | { kind: 'none' };

/**
 * The job under a rule; jobs without checkpoints stay without. The optimum is Young's and Daly's, sqrt(2 w M) with the job's mean time to
 * failure M = 1 / (N r_f); never less than a write takes, nor than a minute. Where nothing fails, the job's own interval stays.
 */
export function withCheckpointRule(job: TwinJob, rule: CheckpointRule): TwinJob {
  const { checkpointing, request } = job;
  if (checkpointing === null) return job;
  if (rule.kind === 'none') return { ...job, checkpointing: null };
  if (rule.kind === 'fixed') return { ...job, checkpointing: { ...checkpointing, intervalMs: rule.intervalMs } };
  if (rule.failuresPerNodeDay <= 0) return job;
  const mttfMs = 1000 * mttfSeconds(request.nodes, rule.failuresPerNodeDay);
  const optimal: Checkpointing = { ...checkpointing, intervalMs: optimalIntervalMs(checkpointing.writeMs, mttfMs) };
  return { ...job, checkpointing: rule.kind === 'adaptive' ? { ...optimal, mttfPriorMs: mttfMs } : optimal };
}
