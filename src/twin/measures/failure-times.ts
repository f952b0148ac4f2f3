import { mttfSeconds } from '../../planner/failures.ts';
import type { FailureRate, FailureReport, MttfFigures, SizeClass } from '../report.ts';
import type { AttemptEnd, JobEnd } from '../types.ts';
import { FAILURE_INTERVAL_PROBABILITY, poissonInterval } from './poisson-interval.ts';
import { FINE_COUNT, fineClassOf, OCTAVES, sumWithin } from './size-classes.ts';
import type { SizeExposure } from './size-exposure.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** The paper counts r_f over jobs of more than 128 GPUs, and calls those of 512 and more large. */
const RATE_DEVICES_MIN = 129;
const LARGE_DEVICES_MIN = 512;
/** As large as the paper's projection. */
const PROJECTED_DEVICES = 16_384;
const LARGE = fineClassOf(LARGE_DEVICES_MIN);

/** Attempts and jobs that failures ended, against the time they ran. */
export class FailureTimes {
  readonly #fromMs: number;
  readonly #failures = new Float64Array(FINE_COUNT);
  #falsePositives = 0;
  #largeAttempts = 0;
  #largeAttemptsFailed = 0;
  #largeJobs = 0;
  #largeJobsFailed = 0;

  constructor(fromMs: number) {
    this.#fromMs = fromMs;
  }

  attemptEnded(end: AttemptEnd, fine: number): void {
    if (end.endMs < this.#fromMs) return;
    if (fine >= LARGE) this.#largeAttempts += 1;
    if (!isEndedByFailure(end)) return;
    if (end.incident?.isFalsePositive === true) {
      this.#falsePositives += 1;
      return;
    }
    this.#failures[fine] = (this.#failures[fine] ?? 0) + 1;
    if (fine >= LARGE) this.#largeAttemptsFailed += 1;
  }

  /** `failures`: attempts of the job that failures ended. */
  jobEnded({ endMs, startMs }: JobEnd, fine: number, failures: number): void {
    if (fine < LARGE || startMs === null || endMs < this.#fromMs) return;
    this.#largeJobs += 1;
    if (failures > 0) this.#largeJobsFailed += 1;
  }

  /** `devicesPerNode`: mean of the cluster. */
  report(
    exposure: SizeExposure,
    endMs: number,
    failuresPerNodeDay: number | null,
    devicesPerNode: number,
  ): FailureReport {
    const attemptMs = exposure.attemptMs(endMs);
    const nodeMs = exposure.nodeMs(endMs);
    const bySize = OCTAVES.flatMap((size): MttfFigures[] => {
      const ranMs = sumWithin(attemptMs, size.from, size.to);
      if (ranMs <= 0) return [];
      const failures = sumWithin(this.#failures, size.from, size.to);
      const meanNodes = sumWithin(nodeMs, size.from, size.to) / ranMs;
      return [mttfOf(size, failures, ranMs / HOUR_MS, meanNodes, failuresPerNodeDay)];
    });
    const rateOfLarge = rateOf(
      sumWithin(this.#failures, RATE_DEVICES_MIN, null),
      sumWithin(nodeMs, RATE_DEVICES_MIN, null) / DAY_MS,
    );
    const perThousand = rateOfLarge.perThousandNodeDays;
    return {
      attemptsFailed: sumWithin(this.#failures, 0, null),
      attemptsStoppedByFalsePositives: this.#falsePositives,
      bySize,
      rateOfLarge,
      mttf16384Hours:
        perThousand === null || perThousand === 0
          ? null
          : mttfSeconds(PROJECTED_DEVICES / devicesPerNode, perThousand / 1000) / 3600,
      large: {
        attempts: this.#largeAttempts,
        attemptsFailed: this.#largeAttemptsFailed,
        attemptFailureShare: share(this.#largeAttemptsFailed, this.#largeAttempts),
        jobs: this.#largeJobs,
        jobsFailedOnce: this.#largeJobsFailed,
        jobFailureShare: share(this.#largeJobsFailed, this.#largeJobs),
      },
    };
  }
}

/** By an incident, one that a check was wrong about included, or by a node that was lost for whatever reason. */
export function isEndedByFailure({ state, incident }: AttemptEnd): boolean {
  return state === 'NODE_FAIL' || (incident !== null && (state === 'REQUEUED' || state === 'FAILED'));
}

/** Of jobs of a size that ran for so long on so many nodes in the mean and were ended so often. */
export function mttfOf(
  size: SizeClass,
  failures: number,
  attemptHours: number,
  meanNodes: number,
  failuresPerNodeDay: number | null,
): MttfFigures {
  const { low, high } = poissonInterval(failures, FAILURE_INTERVAL_PROBABILITY);
  const theory = failuresPerNodeDay === null ? null : mttfSeconds(meanNodes, failuresPerNodeDay) / 3600;
  return {
    size,
    failures,
    attemptHours,
    meanNodes,
    mttfHours: failures === 0 ? null : attemptHours / failures,
    intervalHours: { low: attemptHours / high, high: low === 0 ? null : attemptHours / low },
    theoryHours: theory === Infinity ? null : theory,
  };
}

function rateOf(failures: number, nodeDays: number): FailureRate {
  if (nodeDays <= 0) return { failures, nodeDays: 0, perThousandNodeDays: null, interval: null };
  const { low, high } = poissonInterval(failures, FAILURE_INTERVAL_PROBABILITY);
  const perThousand = 1000 / nodeDays;
  return {
    failures,
    nodeDays,
    perThousandNodeDays: failures * perThousand,
    interval: { low: low * perThousand, high: high * perThousand },
  };
}

function share(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}
