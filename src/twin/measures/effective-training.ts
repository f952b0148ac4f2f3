import { expectedEttr, mttfSeconds } from '../../planner/failures.ts';
import type { EttrFigures, EttrFormula, EttrReport, SizeClass } from '../report.ts';
import type { JobEnd } from '../types.ts';
import { LogHistogram } from './log-histogram.ts';
import type { RestartHistory } from './restarts.ts';
import { FINE_COUNT, fineWithin, OCTAVES } from './size-classes.ts';

/** Shorter jobs say little: one restart is much of them. */
const SCHEDULED_MS_MIN = 24 * 3_600_000;
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
    const { job, state, productiveMs, lostMs, overheadMs, queuedMs } = end;
    const requeuedMs = history?.requeuedMs ?? 0;
    const scheduledMs = productiveMs + lostMs + overheadMs;
    const sums = this.#byFine[fine];
    if (scheduledMs < SCHEDULED_MS_MIN || job.request.submitMs < this.#fromMs || sums === undefined) return;
    sums.jobs += 1;
    sums.productiveMs += productiveMs;
    sums.scheduledMs += scheduledMs;
    sums.queuedMs += queuedMs;
    sums.requeuedMs += requeuedMs;
    const ratio = Math.round((RATIO_UNIT * productiveMs) / (scheduledMs + queuedMs));
    this.#ratios.add(ratio);
    this.#ratiosOfOctave[OCTAVES.findIndex(({ to }) => to === null || devices <= to)]?.add(ratio);
    // The formula knows one interval.
    if (job.checkpointing === null || job.checkpointing.mttfPriorMs !== undefined) return;
    if (history?.wasPreempted === true || state === 'TIMEOUT') return;
    const { intervalMs, writeMs, isBlocking, restartMs } = job.checkpointing;
    sums.savingJobs += 1;
    sums.savingProductiveMs += productiveMs;
    sums.savingScheduledMs += scheduledMs;
    sums.savingRequeuedMs += requeuedMs;
    sums.savingFailures += history?.failures ?? 0;
    sums.nodeWeight += job.request.nodes * scheduledMs;
    sums.intervalWeight += intervalMs * scheduledMs;
    sums.writeWeight += (isBlocking ? writeMs : 0) * scheduledMs;
    sums.restartWeight += restartMs * scheduledMs;
  }

  report(failuresPerNodeDay: number | null): EttrReport {
    const figures = (fineClasses: readonly number[], ratios: LogHistogram): EttrFigures | null => {
      const sums = newSums();
      for (const fine of fineClasses) {
        for (const name of SUMS) sums[name] += this.#byFine[fine]?.[name] ?? 0;
      }
      return figuresOf(sums, ratios, failuresPerNodeDay);
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

function figuresOf(sums: Sums, ratios: LogHistogram, failuresPerNodeDay: number | null): EttrFigures | null {
  const perJob = ratios.distribution(RATIO_UNIT);
  if (perJob === null) return null;
  return {
    jobs: sums.jobs,
    ettr: sums.productiveMs / (sums.scheduledMs + sums.queuedMs),
    ettrOnceStarted: sums.productiveMs / (sums.scheduledMs + sums.requeuedMs),
    perJob: { mean: perJob.mean, p10: ratios.quantile(0.1) / RATIO_UNIT, median: perJob.median },
    formula: sums.savingJobs === 0 || failuresPerNodeDay === null ? null : formulaOf(sums, failuresPerNodeDay),
  };
}

function formulaOf(sums: Sums, failuresPerNodeDay: number): EttrFormula | null {
  const meanOf = (weight: number) => weight / sums.savingScheduledMs;
  const nodes = meanOf(sums.nodeWeight);
  const mttf = mttfSeconds(nodes, failuresPerNodeDay);
  // JSON knows no infinity: where nothing fails there is nothing to compare with.
  if (mttf === Infinity || sums.savingProductiveMs === 0) return null;
  const restartSeconds = meanOf(sums.restartWeight) / 1000;
  const requeueWaitSeconds = sums.savingFailures === 0 ? 0 : sums.savingRequeuedMs / sums.savingFailures / 1000;
  const checkpointIntervalSeconds = meanOf(sums.intervalWeight) / 1000;
  const checkpointWriteSeconds = meanOf(sums.writeWeight) / 1000;
  const ettrLongRun = expectedEttr({
    mttfSeconds: mttf,
    restartSeconds,
    waitSeconds: requeueWaitSeconds,
    checkpointIntervalSeconds,
    checkpointWriteSeconds,
  });
  const productiveSeconds = sums.savingProductiveMs / sums.savingJobs / 1000;
  return {
    ettr: productiveSeconds / (productiveSeconds / ettrLongRun + restartSeconds),
    ettrLongRun,
    measured: sums.savingProductiveMs / (sums.savingScheduledMs + sums.savingRequeuedMs),
    jobs: sums.savingJobs,
    nodes,
    mttfSeconds: mttf,
    restartSeconds,
    checkpointIntervalSeconds,
    checkpointWriteSeconds,
    requeueWaitSeconds,
    productiveSeconds,
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
    nodeWeight: 0,
    intervalWeight: 0,
    writeWeight: 0,
    restartWeight: 0,
  };
}
