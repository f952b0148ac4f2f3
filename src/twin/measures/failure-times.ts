import { mttfSeconds } from '../../planner/failures.ts';
import type { FailureRate, FailureReport, MttfFigures, SizeClass } from '../report.ts';
import type { AttemptEnd, Incident, JobEnd } from '../types.ts';
import { ClusteredCount, clusteredInterval } from './clustered-count.ts';
import { fineClassOf, fineWithin, OCTAVES, sumWithin } from './size-classes.ts';
import type { SizeExposure } from './size-exposure.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** The paper counts r_f over jobs of more than 128 GPUs, and calls those of 512 and more large. */
const RATE_DEVICES_MIN = 129;
const LARGE_DEVICES_MIN = 512;
/** As large as the paper's projection. */
const PROJECTED_DEVICES = 16_384;
const LARGE = fineClassOf(LARGE_DEVICES_MIN);
const RATED = fineClassOf(RATE_DEVICES_MIN);
/** Index in OCTAVES, by fine class. */
const OCTAVE_OF = new Map(OCTAVES.flatMap(({ from, to }, index) => fineWithin(from, to).map((fine) => [fine, index])));

/** Attempts and jobs that failures ended, against the time they ran. */
export class FailureTimes {
  readonly #fromMs: number;
  #failures = 0;
  readonly #ofOctave = OCTAVES.map(() => new ClusteredCount<Incident>());
  readonly #rated = new ClusteredCount<Incident>();
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
    this.#failures += 1;
    this.#ofOctave[OCTAVE_OF.get(fine) ?? -1]?.add(end.incident);
    if (fine >= RATED) this.#rated.add(end.incident);
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
    const bySize = OCTAVES.flatMap((size, index): MttfFigures[] => {
      const ranMs = sumWithin(attemptMs, size.from, size.to);
      if (ranMs <= 0) return [];
      const { count = 0, independent = 0 } = this.#ofOctave[index] ?? {};
      const meanNodes = sumWithin(nodeMs, size.from, size.to) / ranMs;
      return [mttfOf(size, { count, independent }, ranMs / HOUR_MS, meanNodes, failuresPerNodeDay)];
    });
    const rateOfLarge = rateOf(this.#rated, sumWithin(nodeMs, RATE_DEVICES_MIN, null) / DAY_MS);
    const perThousand = rateOfLarge.perThousandNodeDays;
    return {
      attemptsFailed: this.#failures,
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

/** Of how many failures there were, and how many that come one by one would scatter as much. */
type Failures = Pick<ClusteredCount<Incident>, 'count' | 'independent'>;

/** Of jobs of a size that ran for so long on so many nodes in the mean and were ended so often. */
export function mttfOf(
  size: SizeClass,
  { count: failures, independent }: Failures,
  attemptHours: number,
  meanNodes: number,
  failuresPerNodeDay: number | null,
): MttfFigures {
  const { low, high } = clusteredInterval(failures, independent);
  const theory = failuresPerNodeDay === null ? null : mttfSeconds(meanNodes, failuresPerNodeDay) / 3600;
  return {
    size,
    failures,
    independentFailures: independent,
    attemptHours,
    meanNodes,
    mttfHours: failures === 0 ? null : attemptHours / failures,
    intervalHours: { low: attemptHours / high, high: low === 0 ? null : attemptHours / low },
    theoryHours: theory === Infinity ? null : theory,
  };
}

function rateOf({ count: failures, independent }: Failures, nodeDays: number): FailureRate {
  if (nodeDays <= 0) return { failures, nodeDays: 0, perThousandNodeDays: null, interval: null };
  const { low, high } = clusteredInterval(failures, independent);
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
