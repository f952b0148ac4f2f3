import { floorTo } from '../../lib/floor-to.ts';
import type { Allocation } from '../../scheduler/core-types.ts';
import type { RecordedWait, RecordedWaits } from '../report.ts';
import type { TraceRow } from '../trace-row.ts';
import type { Observer, TwinJob } from '../types.ts';

interface Sums {
  jobs: number;
  recordedMs: number;
  hereMs: number;
}

/**
 * How long jobs of a trace waited on the cluster where they were recorded, and how long here: from submission to first start, over the jobs that
 * started in both. `rowOf`: the row that a request came from.
 */
export class RecordedWaitWatch implements Observer {
  readonly #rowOf: (jobId: number) => TraceRow | undefined;
  readonly #all: Sums = { jobs: 0, recordedMs: 0, hereMs: 0 };
  readonly #byPartition = new Map<string, Sums>();
  readonly #byQos = new Map<string, Sums>();

  constructor(rowOf: (jobId: number) => TraceRow | undefined) {
    this.#rowOf = rowOf;
  }

  attemptStarted(job: TwinJob, attempt: number, _allocation: Allocation, _queuedMs: number, atMs: number): void {
    if (attempt > 1) return;
    const { jobId, submitMs } = job.request;
    const row = this.#rowOf(jobId);
    if (row === undefined || row.actualStartMs === null) return;
    // Whole seconds: a job may seem to start before the middle of the second in which it was submitted.
    const recordedMs = Math.max(0, row.actualStartMs - floorTo(submitMs, 1000));
    const { partition, qos } = row;
    const sums = [
      this.#all,
      ...(partition === null ? [] : [sumsOf(this.#byPartition, partition)]),
      ...(qos === null ? [] : [sumsOf(this.#byQos, qos)]),
    ];
    for (const sum of sums) {
      sum.jobs += 1;
      sum.recordedMs += recordedMs;
      sum.hereMs += atMs - submitMs;
    }
  }

  /** Null where no start is recorded. */
  report(): RecordedWaits | null {
    if (this.#all.jobs === 0) return null;
    return { ...waitOf(this.#all), byPartition: listed(this.#byPartition), byQos: listed(this.#byQos) };
  }
}

function sumsOf(map: Map<string, Sums>, name: string): Sums {
  const known = map.get(name) ?? { jobs: 0, recordedMs: 0, hereMs: 0 };
  map.set(name, known);
  return known;
}

function listed(map: ReadonlyMap<string, Sums>): (RecordedWait & { name: string })[] {
  return [...map].map(([name, sums]) => ({ name, ...waitOf(sums) })).sort((a, b) => b.jobs - a.jobs);
}

function waitOf({ jobs, recordedMs, hereMs }: Sums): RecordedWait {
  return {
    jobs,
    recordedMeanSeconds: recordedMs / jobs / 1000,
    meanSeconds: hereMs / jobs / 1000,
    difference: recordedMs === 0 ? null : (hereMs - recordedMs) / recordedMs,
  };
}
