import { grouped } from '../lib/grouped.ts';
import type { Dependency, JobRequest } from '../scheduler/types.ts';
import type { JobRow } from './job-row.ts';

/** What a job waits for, where it is more than the ends of other jobs. */
export interface WaitRule {
  /** One of them is enough. */
  readonly isAnyEnough: boolean;
  readonly dependencies: readonly Dependency[];
}

/** Null where the job waits until all that it names have ended. */
export function waitRuleOf({ dependencies, isAnyEnough = false }: JobRequest): WaitRule | null {
  const isPlain = !isAnyEnough && dependencies.every(({ condition }) => condition !== 'after');
  return isPlain ? null : { isAnyEnough, dependencies };
}

/** Since when it may have started as far as other jobs are concerned, in milliseconds since the epoch; null where it may not yet. */
export function metMs(
  { dependencies, waitRule }: Pick<JobRow, 'dependencies' | 'waitRule'>,
  find: (jobId: number) => Pick<JobRow, 'state' | 'startMs' | 'endMs'> | undefined,
): number | null {
  if (waitRule === null) return lastOf(dependencies.map((jobId) => find(jobId)?.endMs ?? null));
  const metOf = ({ condition, jobId, delayMs = 0 }: Dependency) => {
    const other = find(jobId);
    if (condition !== 'after' || other === undefined) return other?.endMs ?? null;
    const startMs = other.state === 'PENDING' ? null : (other.startMs ?? other.endMs);
    return startMs === null ? null : startMs + delayMs;
  };
  if (!waitRule.isAnyEnough) return lastOf(waitRule.dependencies.map(metOf));
  const terms = grouped(waitRule.dependencies, ({ set }) => set);
  const met = terms.map((term) => lastOf(term.map(metOf))).filter((ms) => ms !== null);
  return met.length === 0 ? null : Math.min(...met);
}

/** Jobs whose start something is waited for to lie back long enough. */
export function delayedIds({ dependencies }: WaitRule): number[] {
  return dependencies.flatMap(({ jobId, delayMs = 0 }) => (delayMs > 0 ? [jobId] : []));
}

/** The request as it is to be submitted again: with the starts of those that have ended meanwhile. */
export function withStarts(request: JobRequest, find: (jobId: number) => JobRow | undefined): JobRequest {
  const startOf = ({ jobId, delayMs = 0 }: Dependency) => {
    const other = delayMs === 0 ? undefined : find(jobId);
    return other?.isEnded === true ? (other.startMs ?? other.endMs) : null;
  };
  if (!request.dependencies.some((one) => startOf(one) !== null)) return request;
  const dependencies = request.dependencies.map((one) => {
    const startMs = startOf(one);
    return startMs === null ? one : { ...one, startMs };
  });
  return { ...request, dependencies };
}

function lastOf(instants: readonly (number | null)[]): number | null {
  return instants.reduce((last, ms) => (last === null || ms === null ? null : Math.max(last, ms)), 0);
}
