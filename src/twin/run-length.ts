import { normalBelow } from '../lib/normal.ts';

/**
 * How long runs last: lognormal, in milliseconds, cut off at `jobsMax` jobs of `jobMs`. A run that lasts longer than `jobMs` is a chain of
 * jobs, all but the last of that length.
 */
export interface RunLength {
  /** Mean of the natural logarithm. */
  logMean: number;
  /** Standard deviation of the natural logarithm. */
  logDeviation: number;
  jobMs: number;
  jobsMax: number;
}

/** Mean length of a job, in milliseconds, chains taken apart. */
export function meanJobMs(length: RunLength): number {
  return meanCutOff(length, length.jobMs * length.jobsMax) / meanChainJobs(length);
}

/** Mean number of jobs in a run. */
export function meanChainJobs(length: RunLength): number {
  let jobs = 1;
  for (let job = 1; job < length.jobsMax; job++) jobs += 1 - below(length, job * length.jobMs);
  return jobs;
}

/**
 * The runs whose jobs last `jobMsMean` in the mean. Throws a RangeError where that is not above 0 and at most nine tenths of `jobMs`: more
 * is nearly all cut off.
 */
export function fitRunLength(jobMsMean: number, shape: Omit<RunLength, 'logMean'>): RunLength {
  if (!(jobMsMean > 0 && jobMsMean <= 0.9 * shape.jobMs)) {
    throw new RangeError(`expected jobs that last up to 0.9 of ${shape.jobMs} ms in the mean, got ${jobMsMean} ms`);
  }
  let low = Math.log(jobMsMean) - 50;
  let high = Math.log(jobMsMean) + 50;
  // Halving more often changes nothing that a double holds.
  for (let step = 0; step < 60; step++) {
    const logMean = (low + high) / 2;
    if (meanJobMs({ ...shape, logMean }) < jobMsMean) low = logMean;
    else high = logMean;
  }
  return { ...shape, logMean: (low + high) / 2 };
}

/** E[min(T, cut)]; the part below it is that of a lognormal's first moment, exp(mu + s^2 / 2) Phi((ln cut - mu) / s - s). */
function meanCutOff({ logMean, logDeviation }: RunLength, cutMs: number): number {
  const deviations = (Math.log(cutMs) - logMean) / logDeviation;
  const mean = Math.exp(logMean + (logDeviation * logDeviation) / 2);
  return mean * normalBelow(deviations - logDeviation) + cutMs * normalBelow(-deviations);
}

function below({ logMean, logDeviation }: RunLength, ms: number): number {
  return normalBelow((Math.log(ms) - logMean) / logDeviation);
}
