import type { AccountingKey, AccountingRow } from '../contract/api.ts';
import { jobLabel } from '../contract/job-array.ts';
import type { JobState } from '../scheduler/types.ts';
import type { JobScope, JobUsage } from '../store/job-tables.ts';
import type { JournalEntry } from '../store/journal-table.ts';
import type { AttemptRow } from '../store/job-row.ts';
import type { Store } from '../store/store.ts';
import { EndedNews } from './ended-news.ts';
import { readMetrics } from './metrics-file.ts';

const MS_PER_HOUR = 3_600_000;

interface Sums {
  key: string;
  name: string;
  jobs: number;
  gpuMs: number;
  cpuMs: number;
  nodeFailures: number;
  preemptions: number;
  runMs: number;
  queuedMs: number;
  lostMs: number;
  lostGpuMs: Map<JobState, number>;
}

const ADDED = ['jobs', 'gpuMs', 'cpuMs', 'nodeFailures', 'preemptions', 'runMs', 'queuedMs', 'lostMs'] as const;

/** What an ended attempt lost. */
interface Loss {
  state: JobState;
  ms: number;
  gpus: number;
}

/**
 * Usage, what of it was lost, and ETTR, by job, user or account. ETTR is productive run time / (run time + time in the queue while eligible), after Kokolis et al.,
 * "Revisiting Reliability in Large-Scale Machine Learning Research Clusters" (arXiv 2410.21680). Run time is the time nodes were
 * allocated; productive is what is left of it without lost work and restarts (see `lostMs`).
 */
export class Accounting {
  readonly #store: Store;
  readonly #metricsFile: (jobId: number) => string;
  /** By job and attempt: what an ended attempt lost does not change. Milliseconds. */
  readonly #lost = new Map<string, number>();
  /** Of ended jobs, by account; null until somebody asks. */
  #ended: Map<string, Sums> | null = null;
  /** Jobs that have ended and are not in it. */
  readonly #news = new EndedNews();

  constructor(store: Store, metricsFile: (jobId: number) => string) {
    this.#store = store;
    this.#metricsFile = metricsFile;
  }

  /** By job id; users and accounts in the order of their first job. */
  rows(by: AccountingKey, nowMs: number): AccountingRow[] {
    return [...this.#sums(by, nowMs, 'all').values()].map(toRow);
  }

  /**
   * By account as `rows`, for whoever asks again and again: jobs that ended are summed once, so that it costs what the others do and those that have
   * ended since. `follow` has to be told what is committed.
   */
  accounts(nowMs: number): AccountingRow[] {
    this.#ended ??= this.#sums('account', nowMs, 'ended');
    for (const jobId of this.#news.take()) addSums(this.#ended, this.#sums('account', nowMs, jobId), 1);
    const all = new Map([...this.#ended].map(([key, sums]) => [key, { ...sums, lostGpuMs: new Map(sums.lostGpuMs) }]));
    addSums(all, this.#sums('account', nowMs, 'live'), 1);
    return [...all.values()].map(toRow);
  }

  /** What was committed just now. */
  follow(entries: readonly JournalEntry[]): void {
    if (this.#ended === null) return;
    for (const { jobId, atMs } of this.#news.follow(entries)) {
      addSums(this.#ended, this.#sums('account', atMs, jobId), -1);
    }
    if (!this.#news.isTooLong) return;
    this.#news.take();
    this.#ended = null;
  }

  #sums(by: AccountingKey, nowMs: number, scope: JobScope): Map<string, Sums> {
    const lost = this.#lostByJob(scope);
    const rows = new Map<string, Sums>();
    for (const used of this.#store.usage(nowMs, scope)) {
      const key = by === 'job' ? keyOf(used) : used[by];
      const sums = rows.get(key) ?? emptySums(key, by === 'job' ? used.name : key);
      rows.set(key, sums);
      sums.jobs += 1;
      sums.gpuMs += used.gpuMs;
      sums.cpuMs += used.cpuMs;
      sums.nodeFailures += used.nodeFailures;
      sums.preemptions += used.preemptions;
      sums.runMs += used.runMs;
      sums.queuedMs += used.queuedMs;
      for (const { state, ms, gpus } of lost.get(used.jobId) ?? []) {
        sums.lostMs += ms;
        if (ms * gpus > 0) sums.lostGpuMs.set(state, (sums.lostGpuMs.get(state) ?? 0) + ms * gpus);
      }
    }
    return rows;
  }

  #lostByJob(scope: JobScope): Map<number, Loss[]> {
    const byJob = new Map<number, Loss[]>();
    for (const attempt of this.#store.costlyAttempts(scope)) {
      const key = `${attempt.jobId}/${attempt.attempt}`;
      const lost = this.#lost.get(key) ?? lostMs(attempt, allLines(this.#metricsFile(attempt.jobId)));
      this.#lost.set(key, lost);
      const losses = byJob.get(attempt.jobId) ?? [];
      byJob.set(attempt.jobId, losses);
      losses.push({ state: attempt.state, ms: lost, gpus: attempt.gpus });
    }
    return byJob;
  }
}

function toRow(sums: Sums): AccountingRow {
  return {
    key: sums.key,
    name: sums.name,
    jobs: sums.jobs,
    gpuHours: sums.gpuMs / MS_PER_HOUR,
    cpuHours: sums.cpuMs / MS_PER_HOUR,
    nodeFailures: sums.nodeFailures,
    preemptions: sums.preemptions,
    lostGpuHours: [...sums.lostGpuMs.values()].reduce((sum, ms) => sum + ms, 0) / MS_PER_HOUR,
    lostGpuHoursByState: Object.fromEntries([...sums.lostGpuMs].map(([state, ms]) => [state, ms / MS_PER_HOUR])),
    ettr: sums.runMs === 0 ? null : (sums.runMs - sums.lostMs) / (sums.runMs + sums.queuedMs),
  };
}

/** Adds them, or takes them off, in place. */
function addSums(to: Map<string, Sums>, more: ReadonlyMap<string, Sums>, sign: 1 | -1): void {
  for (const [key, sums] of more) {
    const into = to.get(key) ?? emptySums(key, sums.name);
    to.set(key, into);
    for (const field of ADDED) into[field] += sign * sums[field];
    for (const [state, ms] of sums.lostGpuMs) into.lostGpuMs.set(state, (into.lostGpuMs.get(state) ?? 0) + sign * ms);
  }
}

/**
 * Time of an ended attempt that brought the job no further: getting back to work (section 2.3's restart overhead), and work that has to
 * be done again.
 */
export function lostMs(attempt: AttemptRow, lines: readonly Record<string, unknown>[]): number {
  const own = lines.filter((line) => line['attempt'] === attempt.attempt);
  const runMs = (attempt.endMs ?? attempt.startMs) - attempt.startMs;
  const redoneMs = attempt.state === 'COMPLETED' ? 0 : redoMs(attempt, own);
  return Math.min(runMs, restartMs(attempt, own) + redoneMs);
}

/** From a restart's allocation until it says, with a `time`, that it has resumed; 0 where it does not say so, and for a first attempt. */
function restartMs(attempt: AttemptRow, own: readonly Record<string, unknown>[]): number {
  if (attempt.attempt === 1) return 0;
  const resumedMs = Number(own.find((line) => line['event'] === 'resumed')?.['time']) * 1000;
  return resumedMs >= attempt.startMs && resumedMs <= (attempt.endMs ?? 0) ? resumedMs - attempt.startMs : 0;
}

/**
 * Work that an attempt lost because it did not complete. Between its start and its end it took steps; those after its last checkpoint
 * have to be taken again. Where its lines in ORRERY_METRICS carry a `time` (seconds since the epoch), the time from the last checkpoint
 * to the end is lost; where they carry steps only, the share of its steps that came after the checkpoint; where it wrote no
 * checkpoint, all of it.
 */
function redoMs(attempt: AttemptRow, own: readonly Record<string, unknown>[]): number {
  const endMs = attempt.endMs ?? attempt.startMs;
  const runMs = endMs - attempt.startMs;
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

function allLines(path: string): Record<string, unknown>[] {
  const all: Record<string, unknown>[] = [];
  for (let offset = 0; ; ) {
    const { lines, nextOffset } = readMetrics(path, offset);
    all.push(...lines);
    if (nextOffset === offset) return all;
    offset = nextOffset;
  }
}

/** As people know it: `12`, or `12_3` for a task of an array. */
function keyOf({ jobId, array }: JobUsage): string {
  return jobLabel({ id: jobId, arrayJobId: array?.id, arrayTaskId: array?.taskId });
}

function emptySums(key: string, name: string): Sums {
  return {
    key,
    name,
    jobs: 0,
    gpuMs: 0,
    cpuMs: 0,
    nodeFailures: 0,
    preemptions: 0,
    runMs: 0,
    queuedMs: 0,
    lostMs: 0,
    lostGpuMs: new Map(),
  };
}
