import { type QueueRow, rowsFrom } from './snapshot.ts';
import type { TraceRow } from './trace-source.ts';

/**
 * What became of a queue, from accounting of later: the jobs that came after it, and the queue with the run times that its jobs had.
 * `originMs` is instant 0 of the rows and `queueMs` that of the queue, on one calendar.
 */
export function laterJobs(
  queue: readonly QueueRow[],
  rows: readonly TraceRow[],
  originMs: number,
  queueMs: number,
): { queue: QueueRow[]; arrivals: TraceRow[] } {
  const recorded = new Map(rows.map((row) => [row.job, row]));
  const queued = new Set(queue.map(({ job }) => job));
  const arrivals = rowsFrom(rows, queueMs - originMs).filter(({ job, submitMs }) => submitMs >= 0 && !queued.has(job));
  return {
    queue: queue.map((row) => ({ ...row, runMs: recorded.get(row.job)?.runMs ?? row.runMs })),
    arrivals: spreadInSeconds(arrivals),
  };
}

/**
 * Slurm tells whole seconds. Those who were submitted in the same second are spread over it evenly, in their order: at its beginning they would
 * all be in time for a pass that in truth half of them missed.
 */
export function spreadInSeconds(rows: readonly TraceRow[]): TraceRow[] {
  const countOf = new Map<number, number>();
  for (const { submitMs } of rows) countOf.set(submitMs, (countOf.get(submitMs) ?? 0) + 1);
  const seen = new Map<number, number>();
  return rows.map((row) => {
    const { submitMs } = row;
    const place = seen.get(submitMs) ?? 0;
    seen.set(submitMs, place + 1);
    return { ...row, submitMs: submitMs + Math.floor(((place + 0.5) / (countOf.get(submitMs) ?? 1)) * 1000) };
  });
}
