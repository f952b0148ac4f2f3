import { type Random, streamOf } from '../lib/random.ts';
import { runTwin } from './engine.ts';
import type { PastArrivals } from './past-arrivals.ts';
import type { RunTimes } from './run-times.ts';
import type { Timing } from './scenario.ts';
import { elapsedMs, type QueueRow, type Snapshot, snapshotJobs } from './snapshot.ts';
import type { TraceRow } from './trace-row.ts';

export interface ForecastOptions {
  /** Names of the jobs that are asked about; others wait and run as they do. */
  jobs: readonly string[];
  /** How long jobs like these run. */
  runTimes: RunTimes;
  /** Null: nobody submits anything any more. */
  arrivals: PastArrivals | null;
  /** From decision to effect, as on the cluster. */
  timing: Timing;
  /** How often the future is drawn. */
  draws: number;
  seed: number;
  /** A future ends here, whether or not the jobs have started. */
  horizonMs: number;
  /** What the jobs asked about ask for instead; how long they run stays as it was drawn. */
  change?: (row: QueueRow) => QueueRow;
  /** Told after each future how many have been followed to their ends: true where no more are wanted. Default: as many as `draws` says. */
  isEnough?: (drawn: number) => boolean;
  /** Asked at each instant of a future: true where nobody waits any longer for its end. Default never. */
  isLate?: () => boolean;
}

/** When a job will start, in milliseconds from now; Infinity: not before the horizon. */
export interface StartForecast {
  job: string;
  /** Sooner in one of ten futures. */
  lowMs: number;
  medianMs: number;
  /** Later in one of ten. */
  highMs: number;
  /** Part of the futures in which it starts before the horizon. */
  startedShare: number;
  /** How many futures there are. */
  draws: number;
  /** The horizon, or what a single future came to that nobody had the time to follow further. */
  horizonMs: number;
}

/** How far a future is looked at first, and by how much further each time that is not enough: most jobs start soon, and drawing weeks costs time. */
const FIRST_LOOK_MS = 600_000;
const LOOK_FACTOR = 4;
/** Other futures are looked at so much further than the last one went. */
const BEYOND_LAST = 1.5;

const LOW = 0.1;
const HIGH = 0.9;

/**
 * When jobs that wait will start: the twin goes on from the cluster as it is, many times, each time with other run times for what runs and waits (drawn
 * from those of the past that are alike) and other jobs to come. Same snapshot, same options, same forecast. Jobs that are asked about and are not
 * pending in the snapshot are left out.
 */
export function forecastStarts(snapshot: Snapshot, options: ForecastOptions): StartForecast[] {
  const asked = new Set(options.jobs);
  const wanted = snapshot.queue.filter(({ job, nodeNames }) => nodeNames === null && asked.has(job));
  const starts = new Map(wanted.map(({ job }) => [job, [] as number[]]));
  if (starts.size === 0) return [];
  const { isEnough = () => false } = options;
  const names = new Set(starts.keys());
  let draws = 0;
  let horizonMs = options.horizonMs;
  for (let lookMs = FIRST_LOOK_MS; draws < options.draws && !isEnough(draws); ) {
    const future = startsIn(snapshot, options, draws, names, lookMs);
    // One that is cut off starts its jobs late: to count it beside others would be to say that they never start.
    if (future.isCutOff && draws > 0) break;
    draws += 1;
    for (const [job, startMs] of future.starts) starts.get(job)?.push(startMs);
    if (future.isCutOff) {
      horizonMs = future.endMs;
      break;
    }
    lookMs = Math.max(FIRST_LOOK_MS, BEYOND_LAST * future.endMs);
  }
  return wanted.map(({ job }) => {
    const sorted = (starts.get(job) ?? []).sort((a, b) => a - b);
    return {
      job,
      lowMs: quantile(sorted, LOW, draws),
      medianMs: quantile(sorted, 0.5, draws),
      highMs: quantile(sorted, HIGH, draws),
      startedShare: draws === 0 ? 0 : sorted.length / draws,
      draws,
      horizonMs,
    };
  });
}

function withRunTime(row: QueueRow, runTimes: RunTimes, random: Random): QueueRow {
  const runMs = runTimes.expected(row, elapsedMs(row), random.nextUniform());
  const isCutOff = row.limitMs !== null && runMs >= row.limitMs;
  return { ...row, runMs, outcome: isCutOff ? 'TIMEOUT' : 'COMPLETED' };
}

/** Of the jobs named, those that start in it, and when; how far it was followed, and whether that is less than it should have been. */
interface Future {
  starts: Map<string, number>;
  endMs: number;
  isCutOff: boolean;
}

/** `lookMs`: how far it is looked at first; what comes of it does not depend on that. */
function startsIn(
  snapshot: Snapshot,
  options: ForecastOptions,
  draw: number,
  names: Set<string>,
  lookMs: number,
): Future {
  const { seed, runTimes, arrivals, horizonMs } = options;
  const random = streamOf(seed, `future ${draw}`);
  const { change = (row: QueueRow) => row } = options;
  const queue = snapshot.queue.map((row) => {
    const timed = withRunTime(row, runTimes, random);
    return names.has(row.job) ? change(timed) : timed;
  });
  const drawn = { ...snapshot, queue };
  let seenMs = 0;
  for (let untilMs = lookMs; ; untilMs *= LOOK_FACTOR) {
    const endMs = Math.min(untilMs, horizonMs);
    // The same stream again: what comes up to there is the same as well.
    const rows = arrivals?.draw(streamOf(seed, `arrivals ${draw}`), endMs) ?? [];
    const future = startsUntil(endMs, drawn, rows, options, names);
    if (future.isCutOff) return { ...future, endMs: Math.max(seenMs, future.endMs) };
    if (future.starts.size === names.size || endMs === horizonMs) return future;
    seenMs = endMs;
  }
}

function startsUntil(
  endMs: number,
  snapshot: Snapshot,
  arrivals: readonly TraceRow[],
  { timing, isLate = () => false }: ForecastOptions,
  names: Set<string>,
): Future {
  const jobs = snapshotJobs(snapshot, arrivals);
  const starts = new Map<string, number>();
  let isCutOff = false;
  const summary = runTwin(
    {
      nodes: snapshot.nodes,
      policy: snapshot.policy,
      timing,
      jobs: jobs.source,
      start: jobs.start,
      incidents: null,
      operator: null,
      observers: [
        {
          attemptStarted: ({ request: { jobId } }, _attempt, _allocation, _queuedMs, atMs) => {
            // Those of the snapshot come first.
            const name = jobId > snapshot.queue.length ? '' : jobs.nameOf(jobId);
            if (names.has(name) && !starts.has(name)) starts.set(name, atMs);
          },
        },
      ],
      untilMs: endMs,
    },
    {
      isEnough: () => {
        isCutOff = starts.size < names.size && isLate();
        return isCutOff || starts.size === names.size;
      },
    },
  );
  return { starts, endMs: summary.endMs, isCutOff };
}

/** Of `count` values, of which those above the given ones are not known: Infinity. */
function quantile(sorted: readonly number[], fraction: number, count: number): number {
  return sorted[Math.min(count - 1, Math.floor(fraction * count))] ?? Infinity;
}
