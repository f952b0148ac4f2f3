import { RunTimes } from './run-times.ts';
import { type QueueRow, rowsFrom } from './snapshot.ts';
import type { TraceRow } from './trace-source.ts';

/** Accounting of later. */
export interface LaterRecords {
  /** Jobs that have ended. */
  rows: readonly TraceRow[];
  /** Jobs that wait or run still, `runMs` being what they have run so far, or that were cancelled before they ran. */
  open: readonly TraceRow[];
}

/**
 * What became of a queue: the jobs that came after it, and the queue with the run times that its jobs had. Jobs that run still, and those that wait, run as
 * long as those that have ended lead one to expect; who cancelled a job that waited does so again. `originMs` is instant 0 of the records and `queueMs`
 * that of the queue, on one calendar.
 */
export function laterJobs(
  queue: readonly QueueRow[],
  { rows, open }: LaterRecords,
  originMs: number,
  queueMs: number,
): { queue: QueueRow[]; arrivals: TraceRow[] } {
  const running = open.filter(({ actualStartMs }) => actualStartMs !== null);
  const runTimes = new RunTimes(
    rows,
    running.map((row) => ({ ...row, elapsedMs: row.runMs })),
  );
  const expected = open.map((row) => ({ ...row, runMs: runTimes.expected(row, row.runMs) }));
  const recorded = new Map([...rows, ...expected].map((row) => [row.job, row]));
  const queued = new Set(queue.map(({ job }) => job));
  const came = rowsFrom([...recorded.values()], queueMs - originMs)
    .filter(({ job, submitMs }) => submitMs >= 0 && !queued.has(job))
    .sort((a, b) => a.submitMs - b.submitMs || idOf(a) - idOf(b));
  return { queue: queue.map((row) => withRecord(row, recorded.get(row.job))), arrivals: spreadInSeconds(came) };
}

function withRecord(row: QueueRow, record: TraceRow | undefined): QueueRow {
  if (record === undefined) return row;
  const { runMs, cancelAfterMs, isSpread } = record;
  return {
    ...row,
    runMs,
    ...(cancelAfterMs !== undefined && { cancelAfterMs }),
    ...(isSpread === true && row.nodeNames === null && { isSpread }),
  };
}

/** Slurm counts jobs in the order of their submission. */
function idOf({ job }: TraceRow): number {
  return Number(/^\d*/.exec(job)?.[0]);
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
