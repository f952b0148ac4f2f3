import { completePolicy } from '../../../scheduler/policy.ts';
import type { QueueRow } from '../../../twin/snapshot.ts';
import type { SlurmConf } from '../../../formats/slurm-conf.ts';
import { parseCivilMs, type TraceReading } from '../../../formats/trace-row.ts';

/** How long ago at the import a controller did what it does again and again; null where that is not known. */
export interface ControllerAges {
  /** Backfill ended its last pass. */
  backfillAgeSeconds: number | null;
  /** The last pass of the main scheduler, as far as jobs tell. */
  mainAgeSeconds: number | null;
  /** Its last pass through the whole queue, as far as the controller's start tells. */
  fullAgeSeconds: number | null;
  /** Fair-share factors were worked out, as far as the controller's start tells. */
  calcAgeSeconds: number | null;
  /** The same at the first submission of the history. */
  historyCalcAgeSeconds: number | null;
}

/** What tells of them: the texts of `scontrol show config` and `sdiag`, and the jobs. */
export interface AgeSigns {
  config: string;
  sdiag: string | null;
  slurm: SlurmConf;
  queue: { readonly rows: readonly QueueRow[]; readonly nowMs: number | null };
  history: TraceReading | null;
}

export function controllerAges({ config, sdiag, slurm, queue, history }: AgeSigns): ControllerAges {
  const { rows, nowMs } = queue;
  const changes = changeAges(rows, nowMs, history);
  const lastSeconds = sdiag === null ? null : backfillAge(sdiag, slurm, nowMs);
  const backfillAgeSeconds = lastSeconds === null ? null : afterEmptyPasses(lastSeconds, changes, slurm);
  return {
    backfillAgeSeconds,
    mainAgeSeconds: mainAge(rows, backfillAgeSeconds, changes, slurm),
    fullAgeSeconds: fullAge(config, slurm, nowMs),
    calcAgeSeconds: calcAge(config, slurm, nowMs),
    historyCalcAgeSeconds: calcAge(config, slurm, history?.originMs ?? null),
  };
}

/** How long ago jobs were submitted, started or ended, in seconds, the longest first. */
function changeAges(rows: readonly QueueRow[], nowMs: number | null, history: TraceReading | null): number[] {
  const ages: number[] = [];
  const note = (ms: number) => {
    if (ms <= 0) ages.push(Math.abs(ms) / 1000);
  };
  for (const { submitMs, nodeNames, actualStartMs } of rows) {
    note(submitMs);
    if (nodeNames !== null && actualStartMs !== null) note(actualStartMs);
  }
  const { originMs = null } = history ?? {};
  if (nowMs !== null && originMs !== null) {
    for (const { submitMs, actualStartMs, runMs } of history?.rows ?? []) {
      note(submitMs + originMs - nowMs);
      if (actualStartMs === null) continue;
      note(actualStartMs + originMs - nowMs);
      note(actualStartMs + runMs + originMs - nowMs);
    }
  }
  return ages.sort((a, b) => b - a);
}

/** With passes a few milliseconds late each, an older start says nothing of when the next one comes. */
const MAIN_AGE_SECONDS_MAX = 60;

/**
 * Of the jobs that started last, those that backfill did not start were started by a pass of the main scheduler; where many wait, the next ones
 * come `batch_sched_delay` apart. Where nobody waits, the last pass was that which the last change asked for.
 */
function mainAge(
  rows: readonly QueueRow[],
  backfillAgeSeconds: number | null,
  changes: readonly number[],
  { policy }: SlurmConf,
): number | null {
  const delaySeconds = policy.cadence?.batchSchedDelaySeconds ?? 0;
  if (delaySeconds === 0) return null;
  if (!rows.some(({ nodeNames, isHeld }) => nodeNames === null && !isHeld)) return changes.at(-1) ?? null;
  const ages = rows
    .flatMap(({ nodeNames, actualStartMs }) =>
      nodeNames === null || actualStartMs === null ? [] : [-actualStartMs / 1000],
    )
    .filter((age) => age >= 0 && age <= MAIN_AGE_SECONDS_MAX && age !== backfillAgeSeconds);
  if (ages.length === 0) return null;
  const age = Math.abs(Math.min(...ages));
  // In whole seconds the next one may be due and not have come yet.
  return age <= delaySeconds ? age : age % delaySeconds;
}

/**
 * Seconds between the last pass of backfill and the queue, which squeue told before sdiag was asked: a pass that came in between is taken to have
 * followed another by its interval.
 */
function backfillAge(text: string, { policy }: SlurmConf, queueMs: number | null): number | null {
  const [, date = '', at] = /^sdiag output at (.*?) \((\d+)\)/m.exec(text) ?? [];
  const last = /Backfilling stats[\s\S]*?Last cycle when:.*\((\d+)\)/.exec(text)?.[1];
  const seconds = Number(at) - Number(last);
  if (!Number.isFinite(seconds) || seconds < 0) return null;
  const calledMs = parseLongDateMs(date);
  const laterSeconds = queueMs === null || calledMs === undefined ? 0 : Math.max(0, (calledMs - queueMs) / 1000);
  const ageSeconds = seconds - laterSeconds;
  const { bfIntervalSeconds } = completePolicy(policy);
  if (ageSeconds >= 0) return ageSeconds;
  return bfIntervalSeconds > 0 && laterSeconds < bfIntervalSeconds ? ageSeconds + bfIntervalSeconds : null;
}

/**
 * Passes that find nobody in the queue are made as well, an interval after the last if anything changed since, else once something does; sdiag does
 * not count them.
 */
function afterEmptyPasses(ageSeconds: number, changes: readonly number[], { policy }: SlurmConf): number {
  const { bfIntervalSeconds } = completePolicy(policy);
  if (bfIntervalSeconds <= 0) return ageSeconds;
  let age = ageSeconds;
  for (const change of changes) {
    // Of the second in which the last pass ended, too.
    if (change <= age && age >= bfIntervalSeconds) age = Math.min(age - bfIntervalSeconds, change);
  }
  return age;
}

/** Between the controller's start, in whole seconds, and the first time that it works factors out. Measured: 1.0 s. */
const CALC_START_SECONDS = 1;

/** Factors are worked out when the controller starts and in each period after that. */
function calcAge(config: string, { policy }: SlurmConf, atMs: number | null): number | null {
  const { type, calcPeriodSeconds } = completePolicy(policy).priority;
  return type === 'basic' ? null : ageInPeriod(config, CALC_START_SECONDS, calcPeriodSeconds, atMs);
}

/** Between the controller's start and the instant that passes through the whole queue are counted from. Measured: 1.1 s. */
const LOOP_START_SECONDS = 1.1;
/** By how much more than `sched_interval` they are apart: a loop that sleeps a second makes them. Measured: 0.04 to 0.09 s of 60. */
const LOOP_DRIFT = 1.001;

function fullAge(config: string, { policy }: SlurmConf, atMs: number | null): number | null {
  const intervalSeconds = policy.cadence?.schedIntervalSeconds ?? 0;
  return intervalSeconds === 0 ? null : ageInPeriod(config, LOOP_START_SECONDS, intervalSeconds * LOOP_DRIFT, atMs);
}

/** How far a period has come that began first so many seconds after the controller's start. */
function ageInPeriod(config: string, startSeconds: number, periodSeconds: number, atMs: number | null): number | null {
  const bootMs = parseCivilMs(/^BOOT_TIME\s+= (\S+)/m.exec(config)?.[1] ?? '');
  if (atMs === null || bootMs === undefined) return null;
  const ageSeconds = ((atMs - bootMs) / 1000 - startSeconds) % periodSeconds;
  return Math.round((ageSeconds < 0 ? ageSeconds + periodSeconds : ageSeconds) * 100) / 100;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `Sat Nov 28 07:42:33 2026`, in ms since 1970 with local time read as UTC; undefined for another text. */
function parseLongDateMs(text: string): number | undefined {
  const [, month = '', day = '', time = '', year = ''] = /^\w+ (\w+) +(\d+) ([\d:]+) (\d+)$/.exec(text.trim()) ?? [];
  const number = MONTHS.indexOf(month) + 1;
  const two = (of: string | number) => String(of).padStart(2, '0');
  return number === 0 ? undefined : parseCivilMs(`${year}-${two(number)}-${two(day)}T${time}`);
}
