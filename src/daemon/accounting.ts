import type { AccountingRow } from '../contract/api.ts';
import type { AttemptRow, JobRow } from '../store/job-row.ts';
import type { Store } from '../store/store.ts';
import { readMetrics } from './metrics-file.ts';

const MS_PER_HOUR = 3_600_000;

interface Sums {
  key: string;
  name: string;
  jobs: number;
  gpuMs: number;
  cpuMs: number;
  nodeFailures: number;
  runMs: number;
  queuedMs: number;
  lostMs: number;
}

/**
 * Usage and ETTR by job or by account. ETTR is productive run time / (run time + time in the queue while eligible), after "Revisiting
 * Reliability in Large-Scale Machine Learning Research Clusters" (arXiv 2410.21680, section 2.3). Run time is the time nodes were
 * allocated; productive is what is left of it without the work lost by attempts that did not complete (see `lostMs`).
 */
export function accounting(
  store: Store,
  by: 'job' | 'account',
  nowMs: number,
  metricsFile: (jobId: number) => string,
): AccountingRow[] {
  const usage = store.usage(nowMs);
  const lost = lostByJob(store.unfinishedAttempts(), metricsFile);
  const rows = new Map<string, Sums>();
  for (const job of allJobs(store)) {
    const key = by === 'job' ? String(job.jobId) : job.account;
    const sums = rows.get(key) ?? emptySums(key, by === 'job' ? job.name : job.account);
    rows.set(key, sums);
    const used = usage.get(job.jobId);
    sums.jobs += 1;
    sums.gpuMs += used?.gpuMs ?? 0;
    sums.cpuMs += used?.cpuMs ?? 0;
    sums.nodeFailures += used?.nodeFailures ?? 0;
    sums.runMs += used?.runMs ?? 0;
    sums.queuedMs += store.eligibleMs(job, nowMs);
    sums.lostMs += lost.get(job.jobId) ?? 0;
  }
  return [...rows.values()].map((sums) => ({
    key: sums.key,
    name: sums.name,
    jobs: sums.jobs,
    gpuHours: sums.gpuMs / MS_PER_HOUR,
    cpuHours: sums.cpuMs / MS_PER_HOUR,
    nodeFailures: sums.nodeFailures,
    ettr: sums.runMs === 0 ? null : (sums.runMs - sums.lostMs) / (sums.runMs + sums.queuedMs),
  }));
}

/**
 * Work that an attempt lost because it did not complete. Between its start and its end it took steps; those after its last checkpoint
 * have to be taken again. Where its lines in ORRERY_METRICS carry a `time` (seconds since the epoch), the time from the last checkpoint
 * to the end is lost; where they carry steps only, the share of its steps that came after the checkpoint; where it wrote no
 * checkpoint, all of it.
 */
export function lostMs(attempt: AttemptRow, lines: readonly Record<string, unknown>[]): number {
  const endMs = attempt.endMs ?? attempt.startMs;
  const runMs = endMs - attempt.startMs;
  const own = lines.filter((line) => line['attempt'] === attempt.attempt);
  const checkpoint = own.findLast((line) => line['event'] === 'checkpoint');
  if (checkpoint === undefined) return runMs;
  const savedMs = Number(checkpoint['time']) * 1000;
  if (savedMs >= attempt.startMs && savedMs <= endMs) return endMs - savedMs;
  const steps = own.map((line) => line['step']).filter((step) => typeof step === 'number');
  const firstStep = Math.min(...steps);
  const takenSteps = Math.max(...steps) - firstStep;
  const keptSteps = Number(checkpoint['step']) - firstStep;
  if (!(takenSteps > 0) || !(keptSteps >= 0)) return runMs;
  return runMs * (1 - Math.min(1, keptSteps / takenSteps));
}

function lostByJob(attempts: readonly AttemptRow[], metricsFile: (jobId: number) => string): Map<number, number> {
  const lost = new Map<number, number>();
  let lines: Record<string, unknown>[] = [];
  let jobId = -1;
  for (const attempt of attempts) {
    if (attempt.jobId !== jobId) lines = allLines(metricsFile(attempt.jobId));
    jobId = attempt.jobId;
    lost.set(jobId, (lost.get(jobId) ?? 0) + lostMs(attempt, lines));
  }
  return lost;
}

function allLines(path: string): Record<string, unknown>[] {
  const all: Record<string, unknown>[] = [];
  for (let offset = 0; ; ) {
    const { lines, nextOffset } = readMetrics(path, offset);
    all.push(...lines);
    if (nextOffset === offset) return all;
    offset = nextOffset;
  }
}

function* allJobs(store: Store): Generator<JobRow> {
  yield* store.endedJobs({}).reverse();
  yield* store.liveJobs();
}

function emptySums(key: string, name: string): Sums {
  return { key, name, jobs: 0, gpuMs: 0, cpuMs: 0, nodeFailures: 0, runMs: 0, queuedMs: 0, lostMs: 0 };
}
