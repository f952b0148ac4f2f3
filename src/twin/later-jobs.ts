import { RunTimes } from './run-times.ts';
import { type QueueRow, rowsFrom } from './snapshot.ts';
import type { TraceRow } from './trace-row.ts';

const SECOND = 1000;

/** Accounting of later. */
export interface LaterRecords {
  /** Jobs that have ended. */
  rows: readonly TraceRow[];
  /** Jobs that wait or run still, `runMs` being what they have run so far, or that were cancelled before they ran. */
  open: readonly TraceRow[];
}

/**
 * What became of a queue: the jobs that came after it, and the queue with the run times that its jobs had. Jobs that run still, and those that wait, run as
 * long as those that have ended lead one to expect; who cancelled a job does so again, whether it runs by then or not. `originMs` is instant 0 of the records and `queueMs`
 * that of the queue, on one calendar. Where times are whole seconds, submissions and ends are spread over the second in which they were.
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
  const isWhole = rows.every(({ runMs }) => runMs % SECOND === 0);
  const ended = (isWhole ? inTheirSeconds(rows) : rows).map((row) =>
    isCancelled(row) ? untilCancelled(row, runTimes) : row,
  );
  const recorded = new Map([...ended, ...expected].map((row) => [row.job, row]));
  const queued = new Set(queue.map(({ job }) => job));
  const came = rowsFrom([...recorded.values()], queueMs - originMs)
    .filter(({ job, submitMs }) => submitMs >= 0 && !queued.has(job))
    .sort((a, b) => a.submitMs - b.submitMs || idOf(a) - idOf(b));
  return {
    queue: queue.map((row) => withRecord(row, recorded.get(row.job))),
    arrivals: spreadInSeconds(came),
  };
}

function withRecord(row: QueueRow, record: TraceRow | undefined): QueueRow {
  if (record === undefined) return row;
  const { cancelAfterMs, isSpread } = record;
  // One that runs started somewhere in the second that is known.
  const isRunning = row.nodeNames !== null && (row.actualStartMs ?? 0) % SECOND === 0;
  const runMs = record.runMs + (isRunning ? SECOND / 2 : 0);
  return {
    ...row,
    runMs,
    ...(cancelAfterMs !== undefined && { cancelAfterMs }),
    ...(isSpread === true && row.nodeNames === null && { isSpread }),
  };
}

/** Of the plastic number: points of the unit square that fill it evenly, however many there are (Roberts, The unreasonable effectiveness of quasirandom sequences, 2018). */
const [STEP, OTHER_STEP] = [0.7548776662466927, 0.5698402909980532];

/**
 * Slurm tells starts and ends in whole seconds, so a run time is off by up to a second either way, by little more likely than by much. Left whole, all
 * jobs would end with the beat in which they were started: a few milliseconds after a pass, for which they would have been in time half of the time.
 */
function inTheirSeconds(rows: readonly TraceRow[]): readonly TraceRow[] {
  return rows.map((row, index) => {
    const off = ((0.5 + index * STEP) % 1) + ((0.5 + index * OTHER_STEP) % 1) - 1;
    return { ...row, runMs: Math.max(1, row.runMs + Math.round(off * SECOND)) };
  });
}

type CancelledRow = TraceRow & { readonly actualStartMs: number };

function isCancelled(row: TraceRow): row is CancelledRow {
  return row.isCancelledByUser === true && row.actualStartMs !== null;
}

/**
 * It would have run on, and is cancelled when it was: of jobs that wait until then those that were late on the cluster are not among the starts that
 * it recorded, and those that are late here are not to be either.
 */
function untilCancelled(row: CancelledRow, runTimes: RunTimes): TraceRow {
  const { actualStartMs, runMs, submitMs } = row;
  const cancelAfterMs = Math.max(0, actualStartMs + runMs - submitMs);
  return { ...row, outcome: 'COMPLETED', runMs: runTimes.expected(row, runMs), cancelAfterMs };
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
    return { ...row, submitMs: submitMs + Math.floor(((place + 0.5) / (countOf.get(submitMs) ?? 1)) * SECOND) };
  });
}
