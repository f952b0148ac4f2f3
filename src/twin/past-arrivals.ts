import type { Random } from '../lib/random.ts';
import type { RunTimes } from './run-times.ts';
import { type QueueRow, withExpectedRunTimes } from './snapshot.ts';
import type { TraceRow } from './trace-row.ts';

/**
 * Jobs to come, as jobs came in the past: a stretch of the history from a random instant on, which goes on from its beginning where it ends. So rates
 * by the hour, bursts and who sends what come along without a model of them. Jobs that waited for others wait as long as those did.
 */
export class PastArrivals {
  readonly #rows: readonly TraceRow[];
  readonly #spanMs: number;

  /** `history` in the order of submissions. */
  constructor(history: readonly TraceRow[]) {
    this.#rows = history;
    const first = history[0]?.submitMs ?? 0;
    const last = history.at(-1)?.submitMs ?? 0;
    // One mean gap between the last job and the first of the next round.
    this.#spanMs = history.length < 2 ? 0 : ((last - first) * history.length) / (history.length - 1);
  }

  /** Of the instants from 0 up to `horizonMs`, in the order of submissions. Empty where the past is too short to tell. */
  draw(random: Random, horizonMs: number): TraceRow[] {
    const rows = this.#rows;
    const spanMs = this.#spanMs;
    const firstMs = rows[0]?.submitMs ?? 0;
    if (spanMs <= 0) return [];
    const fromMs = firstMs + random.nextUniform() * spanMs;
    let index = rows.findIndex(({ submitMs }) => submitMs >= fromMs);
    let roundMs = -fromMs;
    if (index < 0) [index, roundMs] = [0, spanMs - fromMs];
    const arrivals: TraceRow[] = [];
    for (let count = 1; ; count += 1) {
      const row = rows[index];
      if (row === undefined) break;
      const submitMs = Math.round(row.submitMs + roundMs);
      if (submitMs >= horizonMs) break;
      const waitMs = row.eligibleMs === null ? 0 : Math.max(0, row.eligibleMs - row.submitMs);
      const { array } = row;
      arrivals.push({
        ...row,
        line: count,
        job: `to come ${count}`,
        submitMs,
        eligibleMs: waitMs === 0 ? null : submitMs + waitMs,
        actualStartMs: null,
        after: [],
        ...(array !== undefined && { array: { ...array, name: `to come ${array.name}` } }),
      });
      index += 1;
      if (index === rows.length) [index, roundMs] = [0, roundMs + spanMs];
    }
    return arrivals;
  }
}

/**
 * The arrivals of a cluster from its jobs that have ended (`history`) and those that have not (`queue`). Null where they tell too little of what
 * will come: fewer jobs than `jobsMin`, or a burst that took less than `spanMsMin`.
 */
export function arrivalsOf(
  history: readonly TraceRow[],
  queue: readonly QueueRow[],
  runTimes: RunTimes,
  { jobsMin, spanMsMin }: { jobsMin: number; spanMsMin: number },
): PastArrivals | null {
  const live = withExpectedRunTimes(queue, runTimes);
  const rows: readonly TraceRow[] = [...history, ...live].sort((a, b) => a.submitMs - b.submitMs);
  const spanMs = (rows.at(-1)?.submitMs ?? 0) - (rows[0]?.submitMs ?? 0);
  return rows.length < jobsMin || spanMs < spanMsMin ? null : new PastArrivals(rows);
}
