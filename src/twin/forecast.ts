import { type Random, streamOf } from '../lib/random.ts';
import { runTwin } from './engine.ts';
import type { PastArrivals } from './past-arrivals.ts';
import type { RunTimes } from './run-times.ts';
import type { Timing } from './scenario.ts';
import { elapsedMs, type QueueRow, type Snapshot, snapshotJobs } from './snapshot.ts';
import type { TraceRow } from './trace-source.ts';

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
}

/** How far a future is looked at first, and by how much further each time that is not enough: most jobs start soon, and drawing weeks costs time. */
const FIRST_LOOK_MS = 600_000;
const LOOK_FACTOR = 4;

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
  for (let draw = 0; draw < options.draws; draw += 1) {
    for (const [job, startMs] of startsIn(snapshot, options, draw, new Set(starts.keys())))
      starts.get(job)?.push(startMs);
  }
  return wanted.map(({ job }) => {
    const sorted = (starts.get(job) ?? []).sort((a, b) => a - b);
    return {
      job,
      lowMs: quantile(sorted, LOW, options.draws),
      medianMs: quantile(sorted, 0.5, options.draws),
      highMs: quantile(sorted, HIGH, options.draws),
      startedShare: sorted.length / options.draws,
    };
  });
}

function withRunTime(row: QueueRow, runTimes: RunTimes, random: Random): QueueRow {
  const runMs = runTimes.expected(row, elapsedMs(row), random.nextUniform());
  const isCutOff = row.limitMs !== null && runMs >= row.limitMs;
  return { ...row, runMs, outcome: isCutOff ? 'TIMEOUT' : 'COMPLETED' };
}

/** Of the jobs named, those that start before the horizon, and when. */
function startsIn(snapshot: Snapshot, options: ForecastOptions, draw: number, names: Set<string>): Map<string, number> {
  const { seed, runTimes, arrivals, horizonMs } = options;
  const random = streamOf(seed, `future ${draw}`);
  const { change = (row: QueueRow) => row } = options;
  const queue = snapshot.queue.map((row) => {
    const timed = withRunTime(row, runTimes, random);
    return names.has(row.job) ? change(timed) : timed;
  });
  const drawn = { ...snapshot, queue };
  for (let untilMs = FIRST_LOOK_MS; ; untilMs *= LOOK_FACTOR) {
    const endMs = Math.min(untilMs, horizonMs);
    // The same stream again: what comes up to there is the same as well.
    const rows = arrivals?.draw(streamOf(seed, `arrivals ${draw}`), endMs) ?? [];
    const starts = startsUntil(endMs, drawn, rows, options.timing, names);
    if (starts.size === names.size || endMs === horizonMs) return starts;
  }
}

function startsUntil(
  endMs: number,
  snapshot: Snapshot,
  arrivals: readonly TraceRow[],
  timing: Timing,
  names: Set<string>,
): Map<string, number> {
  const jobs = snapshotJobs(snapshot, arrivals);
  const starts = new Map<string, number>();
  runTwin(
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
    { isEnough: () => starts.size === names.size },
  );
  return starts;
}

/** Of `count` values, of which those above the given ones are not known: Infinity. */
function quantile(sorted: readonly number[], fraction: number, count: number): number {
  return sorted[Math.min(count - 1, Math.floor(fraction * count))] ?? Infinity;
}
