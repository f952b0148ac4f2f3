import { expectedEttr, mttfSeconds } from '../../planner/failures.ts';
import type { EttrFigures, EttrFormula, EttrReport, SizeClass } from '../report.ts';
import type { JobEnd } from '../types.ts';
import { LogHistogram } from './log-histogram.ts';
import type { RestartHistory } from './restarts.ts';
import { FINE_COUNT, fineWithin, OCTAVES } from './size-classes.ts';

/** Shorter jobs say little: one restart is much of them. */
const SCHEDULED_MS_MIN = 24 * 3_600_000;
/**
 * The same of jobs held against the formula, by the work that they were given: of those that came to run for a day, failures that end a job for
 * good have taken away the ones that met them, and left too few failures in those that are left.
 */
const WORK_MS_MIN = SCHEDULED_MS_MIN;
/** Ratios are counted in these. */
const RATIO_UNIT = 10_000;

/** Sums over the long jobs of a size; times in milliseconds, means of checkpointing weighted by time on nodes. */
const SUMS = [
  'jobs',
  'productiveMs',
  'scheduledMs',
  'queuedMs',
  'requeuedMs',
  'savingJobs',
  'savingProductiveMs',
  'savingScheduledMs',
  'savingRequeuedMs',
  'savingFailures',
  'savingStopped',
  'savingNoticingMs',
  'nodeWeight',
  'intervalWeight',
  'writeWeight',
  'restartWeight',
] as const;
type Sums = Record<(typeof SUMS)[number], number>;

/** ETTR of the jobs that were on nodes for a day at least, submitted since the end of the warm-up and ended, by size. */
export class EffectiveTraining {
  readonly #fromMs: number;
  readonly #byFine = Array.from({ length: FINE_COUNT }, newSums);
  readonly #ratios = new LogHistogram();
  readonly #ratiosOfOctave = OCTAVES.map(() => new LogHistogram());

  constructor(fromMs: number) {
    this.#fromMs = fromMs;
  }

  jobEnded(end: JobEnd, fine: number, devices: number, history: RestartHistory | undefined): void {
    const { job, productiveMs, lostMs, overheadMs, queuedMs } = end;
    const requeuedMs = history?.requeuedMs ?? 0;
    const scheduledMs = productiveMs + lostMs + overheadMs;
    const sums = this.#byFine[fine];
    if (job.request.submitMs < this.#fromMs || sums === undefined) return;
    if (job.workMs >= WORK_MS_MIN && scheduledMs > 0) addToFormula(sums, end, history);
    if (scheduledMs < SCHEDULED_MS_MIN) return;
    sums.jobs += 1;
    sums.productiveMs += productiveMs;
    sums.scheduledMs += scheduledMs;
    sums.queuedMs += queuedMs;
    sums.requeuedMs += requeuedMs;
    const ratio = Math.round((RATIO_UNIT * productiveMs) / (scheduledMs + queuedMs));
    this.#ratios.add(ratio);
    this.#ratiosOfOctave[OCTAVES.findIndex(({ to }) => to === null || devices <= to)]?.add(ratio);
  }

  /** Failures a node and day: those given, and those that large jobs saw; null where not known. */
  report(failuresPerNodeDay: number | null, ofLargePerNodeDay: number | null): EttrReport {
    const figures = (fineClasses: readonly number[], ratios: LogHistogram): EttrFigures | null => {
      const sums = newSums();
      for (const fine of fineClasses) {
        for (const name of SUMS) sums[name] += this.#byFine[fine]?.[name] ?? 0;
      }
      return figuresOf(sums, ratios, failuresPerNodeDay, ofLargePerNodeDay);
    };
    const bySize = OCTAVES.flatMap((size, index): ({ size: SizeClass } & EttrFigures)[] => {
      const ratios = this.#ratiosOfOctave[index];
      const found = ratios === undefined ? null : figures(fineWithin(size.from, size.to), ratios);
      return found === null ? [] : [{ size, ...found }];
    });
    const all = figures(fineWithin(0, null), this.#ratios);
    return { scheduledSecondsMin: SCHEDULED_MS_MIN / 1000, all, bySize };
  }
}

/** The formula knows one interval, and neither preemption nor limits. */
function addToFormula(sums: Sums, end: JobEnd, history: RestartHistory | undefined): void {
  const { job, state, productiveMs, lostMs, overheadMs } = end;
  if (job.checkpointing === null || job.checkpointing.mttfPriorMs !== undefined) return;
  if (history?.wasPreempted === true || state === 'TIMEOUT') return;
  const { intervalMs, writeMs, isBlocking, restartMs } = job.checkpointing;
  const scheduledMs = productiveMs + lostMs + overheadMs;
  sums.savingJobs += 1;
  sums.savingProductiveMs += productiveMs;
  sums.savingScheduledMs += scheduledMs;
  sums.savingRequeuedMs += history?.requeuedMs ?? 0;
  sums.savingFailures += history?.failures ?? 0;
  sums.savingStopped += history?.isStopped === true ? 1 : 0;
  sums.savingNoticingMs += history?.noticingMs ?? 0;
  sums.nodeWeight += job.request.nodes * scheduledMs;
  sums.intervalWeight += intervalMs * scheduledMs;
  sums.writeWeight += (isBlocking ? writeMs : 0) * scheduledMs;
  sums.restartWeight += restartMs * scheduledMs;
}

function figuresOf(
  sums: Sums,
  ratios: LogHistogram,
  failuresPerNodeDay: number | null,
  ofLargePerNodeDay: number | null,
): EttrFigures | null {
  const perJob = ratios.distribution(RATIO_UNIT);
  if (perJob === null) return null;
  return {
    jobs: sums.jobs,
    ettr: sums.productiveMs / (sums.scheduledMs + sums.queuedMs),
    ettrOnceStarted: sums.productiveMs / (sums.scheduledMs + sums.requeuedMs),
    perJob: { mean: perJob.mean, p10: ratios.quantile(0.1) / RATIO_UNIT, median: perJob.median },
    formula:
      sums.savingJobs === 0 || failuresPerNodeDay === null
        ? null
        : formulaOf(sums, failuresPerNodeDay, ofLargePerNodeDay),
  };
}

function formulaOf(sums: Sums, failuresPerNodeDay: number, ofLargePerNodeDay: number | null): EttrFormula | null {
  const meanOf = (weight: number) => weight / sums.savingScheduledMs;
  const nodes = meanOf(sums.nodeWeight);
  const mttf = mttfSeconds(nodes, failuresPerNodeDay);
  // JSON knows no infinity: where nothing fails there is nothing to compare with.
  if (mttf === Infinity || sums.savingProductiveMs === 0) return null;
  const aFailure = (ms: number) => (sums.savingFailures === 0 ? 0 : ms / sums.savingFailures / 1000);
  const restartSeconds = meanOf(sums.restartWeight) / 1000;
  const noticingSeconds = aFailure(sums.savingNoticingMs);
  const given = {
    waitSeconds: aFailure(sums.savingRequeuedMs),
    checkpointIntervalSeconds: meanOf(sums.intervalWeight) / 1000,
    checkpointWriteSeconds: meanOf(sums.writeWeight) / 1000,
  };
  const productiveSeconds = sums.savingProductiveMs / sums.savingJobs / 1000;
  const stoppedShare = sums.savingStopped / sums.savingJobs;
  const longRunAt = (perNodeDay: number) =>
    expectedEttr({
      ...given,
      mttfSeconds: mttfSeconds(nodes, perNodeDay),
      restartSeconds: restartSeconds + noticingSeconds,
    });
  // A run without end starts again after each failure: a job starts once more than that, or as often where a failure ends it for good.
  const ofJob = (longRun: number) =>
    productiveSeconds / (productiveSeconds / longRun + restartSeconds * (1 - stoppedShare));
  const ettrLongRun = longRunAt(failuresPerNodeDay);
  return {
    ettr: ofJob(ettrLongRun),
    ettrAtRateOfLarge: ofLargePerNodeDay === null ? null : ofJob(longRunAt(ofLargePerNodeDay)),
    ettrLongRun,
    measured: sums.savingProductiveMs / (sums.savingScheduledMs + sums.savingRequeuedMs),
    jobs: sums.savingJobs,
    nodes,
    mttfSeconds: mttf,
    restartSeconds,
    noticingSeconds,
    checkpointIntervalSeconds: given.checkpointIntervalSeconds,
    checkpointWriteSeconds: given.checkpointWriteSeconds,
    requeueWaitSeconds: given.waitSeconds,
    productiveSeconds,
    stoppedShare,
  };
}

function newSums(): Sums {
  return {
    jobs: 0,
    productiveMs: 0,
    scheduledMs: 0,
    queuedMs: 0,
    requeuedMs: 0,
    savingJobs: 0,
    savingProductiveMs: 0,
    savingScheduledMs: 0,
    savingRequeuedMs: 0,
    savingFailures: 0,
    savingStopped: 0,
    savingNoticingMs: 0,
    nodeWeight: 0,
    intervalWeight: 0,
    writeWeight: 0,
    restartWeight: 0,
  };
}
